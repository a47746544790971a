open Mycelium_native
open Lwt.Infix

(* A descriptor of our own for the same event: the bus closes its one with the queue, whatever Lwt does with it. *)
let watch fd = Lwt_unix.of_unix_file_descr ~blocking:true ~set_flags:false (Unix.dup ~cloexec:true fd)
let unwatch fd = try Unix.close (Lwt_unix.unix_file_descr fd) with Unix.Unix_error _ -> ()

(* ---- streams ---- *)

type 'a source = {
  receiver : 'a Receiver.t;
  fd : Lwt_unix.file_descr;
  mutable batch : 'a array;
  mutable next : int; (* in the batch *)
  mutable closed : bool;
}

let close source =
  if not source.closed then begin
    source.closed <- true;
    Receiver.close source.receiver;
    unwatch source.fd
  end

let rec next source () =
  if source.next < Array.length source.batch then begin
    let value = source.batch.(source.next) in
    source.next <- source.next + 1;
    Lwt.return_some value
  end
  else if source.closed then Lwt.return_none
  else begin
    source.next <- 0;
    source.batch <- [||];
    source.batch <- Receiver.next_batch ~timeout:0. source.receiver;
    if source.batch <> [||] then next source ()
    else if Receiver.is_ended source.receiver then begin
      close source;
      Lwt.return_none
    end
    else Lwt_unix.wait_read source.fd >>= next source
  end

let source_of receiver =
  let source = { receiver; fd = watch (Receiver.fd receiver); batch = [||]; next = 0; closed = false } in
  Gc.finalise close source;
  source

let stream_of source = Lwt_stream.from (fun () -> Lwt.catch (next source) Lwt.fail)

let stream ?name ?policy ?capacity ?history ?block_timeout runtime descriptor =
  stream_of (source_of (Runtime.receiver ?name ?policy ?capacity ?history ?block_timeout runtime descriptor))

let messages ?name ?policy ?capacity ?history ?block_timeout runtime type_id =
  stream_of (source_of (Runtime.message_receiver ?name ?policy ?capacity ?history ?block_timeout runtime type_id))

let with_stream ?name ?policy ?capacity ?history ?block_timeout runtime descriptor work =
  let source = source_of (Runtime.receiver ?name ?policy ?capacity ?history ?block_timeout runtime descriptor) in
  Lwt.finalize
    (fun () -> work (stream_of source))
    (fun () ->
      close source;
      Lwt.return_unit)

(* ---- requests ---- *)

(* The replies of one runtime come to one queue, which is watched while there are any to come. *)
type replies = {
  queue : int;
  reply_fd : Lwt_unix.file_descr;
  pending : (int, (Message.t, Status.t) result Lwt.u) Hashtbl.t;
  mutable watching : bool;
}

module By_runtime = Ephemeron.K1.Make (struct
  type t = Runtime.t

  let equal = ( == )
  let hash runtime = Hashtbl.hash (Runtime.handle runtime)
end)

let all : replies By_runtime.t = By_runtime.create 1

let replies_of runtime =
  match By_runtime.find_opt all runtime with
  | Some replies -> replies
  | None ->
      let queue = For_event_loops.open_queue runtime in
      let reply_fd = watch (For_event_loops.queue_fd runtime queue) in
      let replies = { queue; reply_fd; pending = Hashtbl.create 8; watching = false } in
      Gc.finalise (fun replies -> unwatch replies.reply_fd) replies;
      By_runtime.replace all runtime replies;
      replies

let settle replies (id, outcome) =
  match Hashtbl.find_opt replies.pending id with
  | None -> ()
  | Some resolver ->
      Hashtbl.remove replies.pending id;
      Lwt.wakeup_later resolver outcome

let rec watch_replies runtime replies =
  if Hashtbl.length replies.pending = 0 then begin
    replies.watching <- false;
    Lwt.return_unit
  end
  else
    match For_event_loops.replies runtime ~queue:replies.queue with
    | [] when Runtime.is_closed runtime ->
        Hashtbl.fold (fun id _ ids -> id :: ids) replies.pending []
        |> List.iter (fun id -> settle replies (id, Error Status.Closed));
        watch_replies runtime replies
    | [] -> Lwt_unix.wait_read replies.reply_fd >>= fun () -> watch_replies runtime replies
    | outcomes ->
        List.iter (settle replies) outcomes;
        watch_replies runtime replies

let request ?(timeout = 5.) runtime (descriptor : 'a message) reply value =
  let fail status why = Lwt.fail (Bus_error (status, Printf.sprintf "request %s: %s" descriptor#type_name why)) in
  match
    let replies = replies_of runtime in
    (replies, For_event_loops.send runtime descriptor ~queue:replies.queue ~timeout value)
  with
  | exception exn -> Lwt.fail exn
  | replies, id -> (
      let outcome, resolver = Lwt.task () in
      Hashtbl.replace replies.pending id resolver;
      Lwt.on_cancel outcome (fun () ->
          Hashtbl.remove replies.pending id;
          For_event_loops.forget runtime id);
      if not replies.watching then begin
        replies.watching <- true;
        Lwt.async (fun () -> watch_replies runtime replies)
      end;
      outcome >>= function
      | Error Status.Timeout -> fail Status.Timeout (Printf.sprintf "no reply within %g s" timeout)
      | Error Status.No_reply -> fail Status.No_reply "nobody serves it, or every server left it unanswered"
      | Error Status.Closed -> fail Status.Closed "the runtime was closed before the reply came"
      | Error status -> fail status (Status.to_string status)
      | Ok message -> (
          let decoded = Message.decode reply message in
          Message.release message;
          match decoded with
          | Ok value -> Lwt.return value
          | Error text -> fail Status.Invalid_payload ("the reply is not what was expected: " ^ text)))

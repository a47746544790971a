(* Ends in the middle of traffic, without closing anything: leave_in_traffic.exe WAY. *)

open Mycelium_native
open Mycelium_protocol

let arrived_mutex = Mutex.create ()
let arrived = Condition.create ()
let has_arrived = ref false

let arrive () =
  Mutex.lock arrived_mutex;
  has_arrived := true;
  Condition.signal arrived;
  Mutex.unlock arrived_mutex

let wait_for_arrival () =
  Mutex.lock arrived_mutex;
  while not !has_arrived do
    Condition.wait arrived arrived_mutex
  done;
  Mutex.unlock arrived_mutex

let text content : TextMessage.t = { sender = ""; content; timestamp = 0L }

let traffic runtime on_text =
  Runtime.subscribe runtime TextMessage.t on_text;
  Runtime.serve runtime WordCountRequest.t WordCountReply.t (fun _ -> { words = 1L; bytes = 0L });
  let kept = ref [] in
  ignore (Runtime.message_batch_subscription runtime TextMessage.type_id (fun batch -> kept := batch :: !kept));
  let publisher () =
    while true do
      for _ = 1 to 100 do
        Runtime.publish runtime TextMessage.t (text "on and on")
      done;
      ignore (Runtime.request runtime WordCountRequest.t WordCountReply.t { text = "" })
    done
  in
  let reader () =
    let receiver = Runtime.receiver runtime TextMessage.t in
    while true do
      ignore (Receiver.next receiver)
    done
  in
  (* What the end of the program does to their calls is no news. *)
  let quietly work () = try work () with Bus_error _ -> () in
  ignore (Thread.create (quietly publisher) ());
  ignore (Thread.create (quietly reader) ())

let () =
  let runtime = Runtime.create ~on_error:(fun _ _ _ -> ()) schema_digest in
  match Sys.argv.(1) with
  | "return" ->
      traffic runtime (fun _ -> arrive ());
      wait_for_arrival ()
  | "exit-elsewhere" ->
      traffic runtime (fun _ -> arrive ());
      wait_for_arrival ();
      Thread.join (Thread.create (fun () -> exit 0) ())
  | "exit-in-handler" ->
      traffic runtime (fun _ -> exit 0);
      Thread.join (Thread.self ())
  | "handler-never-returns" ->
      Runtime.exit_seconds := 0.05;
      traffic runtime (fun _ ->
          arrive ();
          while true do
            Thread.yield ()
          done);
      wait_for_arrival ()
  | "dropped" ->
      (* Nothing but a message is held of a runtime that has handlers nowhere. *)
      let forget () =
        let other = Runtime.create schema_digest in
        Runtime.publish other TextMessage.t (text "to nobody")
      in
      (forget [@inlined never]) ();
      Gc.full_major ();
      traffic runtime (fun _ -> arrive ());
      wait_for_arrival ()
  | way ->
      prerr_endline ("no such way: " ^ way);
      exit 2

(* The event thread: it alone touches sockets and what is known of the bridge. It waits with select, and wakes for
   bytes, for what other threads ask of it, and for times that are due. *)

open Mycelium_bridge_protocol
open State

let first_retry = 0.05
let last_retry = 5.
let most_greeting = 16 (* connections that have not said who they are *)
let most_unread = 64 lsl 20 (* bytes that the other side leaves unread: replies and control frames need no credit *)

(* ---- dialing ---- *)

(* Pauses grow, and are jittered, so that many who were cut off at once do not all come back at once. *)
let rest t bridge dialer why =
  if why <> "" then begin
    let text = Address.to_string dialer.target ^ ": " ^ why in
    bridge.last_problem <- text;
    if not dialer.complained then log t Warning (text ^ "; it is tried again");
    dialer.complained <- true
  end;
  dialer.pause <- (if dialer.pause = 0. then first_retry else Float.min (2. *. dialer.pause) last_retry);
  let jittered = (dialer.pause /. 2.) +. Random.State.float t.random (dialer.pause /. 2.) in
  dialer.doing <- Resting (Clock.now t.clock +. jittered)

let has_connected t bridge dialer socket =
  let connection = Leaf.has_opened t bridge ~dialed:true ~where:(Address.to_string dialer.target) socket in
  dialer.doing <- Linked connection

let rec dial_one_of t bridge dialer addresses why =
  match addresses with
  | [] -> rest t bridge dialer why
  | address :: others -> (
      match Sockets.dial dialer.target address with
      | Connected socket -> has_connected t bridge dialer socket
      | In_progress socket ->
          let until = Clock.now t.clock +. bridge.config.hello_timeout in
          dialer.doing <- Connecting { socket; addresses = others; until }
      | Failed why -> dial_one_of t bridge dialer others why)

(* A name is looked up on a thread of its own, as that may take long. *)
let find_address t bridge dialer host port =
  dialer.doing <- Finding;
  let look_up () =
    let found = try Ok (Sockets.resolve host port) with exn -> Error (Printexc.to_string exn) in
    post t (fun () ->
        match (dialer.doing, found) with
        | Finding, Ok (_ :: _ as addresses) -> dial_one_of t bridge dialer addresses ""
        | Finding, Ok [] -> rest t bridge dialer ("there is no address of " ^ host)
        | Finding, Error why -> rest t bridge dialer why
        | _ -> ())
  in
  ignore (Thread.create look_up ())

let dial t bridge dialer =
  match dialer.target with
  | Local path -> dial_one_of t bridge dialer [ Unix.ADDR_UNIX path ] ""
  | Tcp { host; port } when Sockets.is_number host || host = "localhost" -> (
      match Sockets.resolve host port with
      | [] -> rest t bridge dialer ("there is no address of " ^ host)
      | addresses -> dial_one_of t bridge dialer addresses "")
  | Tcp { host; port } -> find_address t bridge dialer host port

let on_connecting t bridge dialer socket addresses ~timed_out =
  let failed why =
    Unix.close socket;
    dial_one_of t bridge dialer addresses why
  in
  if timed_out then failed "it does not answer"
  else
    match Unix.getsockopt_error socket with
    | None -> has_connected t bridge dialer socket
    | Some error -> failed (Unix.error_message error)

let stop_dialing bridge =
  (match bridge.dialer with Some { doing = Connecting { socket; _ }; _ } -> Unix.close socket | _ -> ());
  Option.iter (fun dialer -> dialer.doing <- Resting infinity) bridge.dialer;
  bridge.dialer <- None

(* ---- bytes ---- *)

let read t bridge connection =
  match Frame.fill connection.link.reader (Unix.read connection.socket) with
  | 0 -> Link.close connection.link "the other side closed it"
  | _ ->
      connection.last_heard <- Clock.now t.clock;
      Traffic.handle_all t bridge connection
  | exception Unix.Unix_error ((EAGAIN | EWOULDBLOCK | EINTR), _, _) -> ()
  | exception Unix.Unix_error (error, _, _) -> Link.close connection.link (Unix.error_message error)

(* What the socket takes at once. *)
let flush connection =
  let writer = connection.link.writer in
  let write bytes first count =
    match Unix.single_write connection.socket bytes first count with
    | count -> count
    | exception Unix.Unix_error ((EAGAIN | EWOULDBLOCK | EINTR), _, _) -> 0
    | exception Unix.Unix_error ((EPIPE | ECONNRESET), _, _) ->
        count (* it has gone, but why may still stand in what it has sent: reading comes to the end *)
    | exception Unix.Unix_error (error, _, _) ->
        Link.close connection.link (Unix.error_message error);
        0
  in
  let rec go () =
    let before = Frame.waiting writer in
    if before > 0 && connection.link.ended = None then begin
      Frame.take writer write;
      if Frame.waiting writer < before then go ()
    end
  in
  go ()

let has_written_all connection = Frame.waiting connection.link.writer = 0

(* ---- a connection's turn ---- *)

let tick t bridge connection =
  let now = Clock.now t.clock and { hello_timeout; silence; _ } = bridge.config in
  let { link; _ } = connection in
  let late = "no whole greeting came in time" in
  if link.state <> Up && Link.is_open link && now -. connection.begun >= hello_timeout then begin
    Link.refuse link Late late;
    flush connection;
    Link.close link late
  end;
  (* Who does not read for want of room here cannot hear either. *)
  if bridge.stalled = None && now -. connection.last_heard >= silence && link.state = Up then
    Link.close link (Printf.sprintf "nothing was heard for %g s" silence);
  (match link.ends_when_written with
  | Some why when now -. connection.last_heard >= hello_timeout -> Link.close link why
  | _ -> ());
  if now >= connection.next_tick then begin
    connection.next_tick <- now +. Leaf.beat bridge connection;
    match connection.peer with
    | Some peer when Link.is_up link ->
        if bridge.stalled = None then Traffic.acknowledge connection peer;
        Traffic.tell_drops connection peer;
        if not connection.said_something then Traffic.append_control connection Heartbeat "";
        connection.said_something <- false
    | _ -> ()
  end

(* True if there is more that could be sent at once. *)
let serve t bridge connection =
  Traffic.handle_all t bridge connection;
  tick t bridge connection;
  Traffic.acknowledge_if_due t bridge connection;
  let more = Traffic.pump t bridge connection in
  flush connection;
  if Frame.waiting connection.link.writer > most_unread then
    Link.close connection.link "the other side does not read what it is sent";
  (match connection.link.ends_when_written with
  | Some why when has_written_all connection -> Link.close connection.link why
  | _ -> ());
  more && has_written_all connection

let close_ended t bridge =
  let close connection =
    match connection.link.ended with
    | None -> ()
    | Some why -> (
        Leaf.has_closed t bridge connection why;
        match bridge.dialer with
        | Some ({ doing = Linked mine; _ } as dialer) when mine == connection ->
            if connection.link.state = Up then begin
              dialer.pause <- 0.;
              dialer.complained <- false
            end;
            rest t bridge dialer ""
        | _ -> ())
  in
  List.iter close bridge.connections

(* ---- the end ---- *)

let has_sent_all bridge =
  match (Leaf.up bridge, bridge.neighbour) with
  | Some connection, Some { outbox; _ } ->
      Outbox.is_empty outbox && has_written_all connection && bridge.stalled = None
  | _ -> true (* nobody is there whom it could reach *)

(* Accepted is what the neighbour has acknowledged, or the time is over: who waits for a reply, and the other side, are
   told that this node goes. *)
let leave t bridge =
  let end_request question = ignore (Question.settle question (Failed Status.Closed)) in
  Hashtbl.iter (fun _ { question; _ } -> end_request question) bridge.asked;
  Option.iter (fun { outbox; _ } -> Outbox.iter_questions end_request outbox) bridge.neighbour;
  let say_goodbye connection =
    (* What has come is not to be sent again to whoever follows. *)
    if Link.is_up connection.link then Option.iter (Traffic.acknowledge connection) connection.peer;
    Link.refuse connection.link Leaving "the node goes away"
  in
  List.iter say_goodbye bridge.connections;
  List.iter flush bridge.connections;
  List.iter (fun connection -> Link.close connection.link "the node goes away") bridge.connections;
  close_ended t bridge;
  Leaf.forget t bridge ~why:"was left";
  Hashtbl.reset bridge.asked

let begin_to_leave bridge by =
  if bridge.leave_by = None then begin
    stop_dialing bridge;
    List.iter Sockets.stop_listening bridge.listeners;
    bridge.listeners <- []
  end;
  bridge.leave_by <- Some by

(* ---- turns ---- *)

let run_intake t =
  List.iter
    (fun work ->
      try work ()
      with exn -> log t Error ("the event thread: " ^ Printexc.to_string exn))
    (List.rev (Atomic.exchange t.intake []))

let dial_if_due t bridge =
  match bridge.dialer with
  | Some ({ doing = Resting until; _ } as dialer) when Clock.now t.clock >= until -> dial t bridge dialer
  | Some ({ doing = Connecting { socket; addresses; until }; _ } as dialer) when Clock.now t.clock >= until ->
      on_connecting t bridge dialer socket addresses ~timed_out:true
  | _ -> ()

(* When something is due without anybody's doing, in seconds of the clock. *)
let next_time t bridge =
  let soonest = List.fold_left Float.min infinity in
  let of_connection connection =
    let { link; _ } = connection in
    let greeting = if link.state = Up then infinity else connection.begun +. bridge.config.hello_timeout in
    let silence = connection.last_heard +. bridge.config.silence in
    soonest [ connection.next_tick; connection.acknowledge_at; greeting; silence ]
  in
  let of_dialer =
    match bridge.dialer with
    | Some { doing = Resting until | Connecting { until; _ }; _ } -> until
    | _ -> infinity
  in
  let of_stall = if bridge.stalled = None then infinity else Clock.now t.clock +. 0.05 in
  let leaving = Option.value bridge.leave_by ~default:infinity in
  soonest (of_dialer :: Leaf.patience_ends bridge :: of_stall :: leaving :: List.map of_connection bridge.connections)

type watched = { to_read : Unix.file_descr list; to_write : Unix.file_descr list }

let watched bridge =
  let reads connection =
    connection.link.ended = None && (bridge.stalled = None || connection.link.state <> Up)
  in
  let writes connection = connection.link.ended = None && not (has_written_all connection) in
  let sockets which = List.map (fun connection -> connection.socket) (List.filter which bridge.connections) in
  let connecting =
    match bridge.dialer with Some { doing = Connecting { socket; _ }; _ } -> [ socket ] | _ -> []
  in
  let listening =
    if List.length bridge.connections >= most_greeting then []
    else List.map (fun listener -> listener.listening) bridge.listeners
  in
  { to_read = listening @ sockets reads; to_write = connecting @ sockets writes }

let on_ready t bridge readable writable =
  let accept listener =
    if List.mem listener.listening readable then
      match Sockets.accept listener with
      | None -> ()
      | Some (socket, where) -> ignore (Leaf.has_opened t bridge ~dialed:false ~where socket)
  in
  List.iter accept bridge.listeners;
  List.iter
    (fun connection -> if List.mem connection.socket readable then read t bridge connection)
    bridge.connections;
  match bridge.dialer with
  | Some ({ doing = Connecting { socket; addresses; _ }; _ } as dialer) when List.mem socket writable ->
      on_connecting t bridge dialer socket addresses ~timed_out:false
  | _ -> ()

(* What is to be done now; how long there is nothing more. *)
let work t bridge =
  Traffic.retry_stalled t bridge;
  dial_if_due t bridge;
  Leaf.forget_who_is_gone t bridge;
  let more = List.fold_left (fun more connection -> serve t bridge connection || more) false bridge.connections in
  close_ended t bridge;
  if more then 0. else Float.max 0. (next_time t bridge -. Clock.now t.clock)

let wait t bridge timeout =
  let nothing = { to_read = []; to_write = [] } in
  let { to_read; to_write } = Option.fold bridge ~none:nothing ~some:watched in
  let timeout = if Atomic.get t.intake = [] then Float.min timeout 60. else 0. in
  let readable, writable, _ =
    try Unix.select (t.waker.reader :: to_read) to_write [] timeout with Unix.Unix_error (EINTR, _, _) -> ([], [], [])
  in
  Clock.advance t.clock ~waited:timeout;
  if List.mem t.waker.reader readable then Bell.wait t.waker 0.;
  Option.iter (fun bridge -> on_ready t bridge readable writable) bridge

let is_over t bridge =
  match bridge with
  | None -> Atomic.get t.closing
  | Some ({ leave_by = Some by; _ } as bridge) -> has_sent_all bridge || Clock.now t.clock >= by
  | Some _ -> false

let rec turn t =
  run_intake t;
  let timeout = match t.bridge with Some bridge -> work t bridge | None -> infinity in
  if is_over t t.bridge && Atomic.get t.intake = [] then Option.iter (leave t) t.bridge
  else begin
    wait t t.bridge timeout;
    turn t
  end

(* An error that nobody expected, such as no memory, ends the links, but not what waits for the thread. *)
let rec keep_turning t =
  try turn t
  with exn ->
    let text = "an error of this side: " ^ Printexc.to_string exn in
    log t Error text;
    let close bridge = List.iter (fun connection -> Link.close connection.link text) bridge.connections in
    Option.iter close t.bridge;
    keep_turning t

let run t =
  Bell.name_thread "myc.client";
  t.event_thread <- Thread.id (Thread.self ());
  keep_turning t;
  t.ended <- true;
  run_intake t;
  Bell.give_back t.waker; (* whoever still rings it wakes somebody for nothing *)
  Bell.ring_all t.changes

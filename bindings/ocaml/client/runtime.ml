open State

type t = State.t
type policy = Room.policy = Block | Drop_oldest | Drop_newest | Fail
type destination = To_all | To_key of int64
type known_type = State.known = Known : 'a Message.descriptor -> known_type

(* ---- the life of a runtime ---- *)

(* Those that have not been closed, for the end of the program. *)
let live : t list Atomic.t = Atomic.make []

let report_to_stderr name exn backtrace =
  Printf.eprintf "mycelium: handler of %s: %s\n%s%!" name (Printexc.to_string exn)
    (Printexc.raw_backtrace_to_string backtrace)

(* They are for the program's own threads. Not those that a fault raises, nor the one by which OCaml's threads take
   turns. *)
let signals =
  Sys.
    [
      sighup; sigint; sigquit; sigterm; sigusr1; sigusr2; sigalrm; sigprof; sigchld; sigcont; sigtstp; sigttin; sigttou;
      sigpoll; sigurg; sigxcpu; sigxfsz; sigpipe;
    ] [@ocamlformat "disable"]

(* The new threads inherit the mask. *)
let start t =
  let mask = Thread.sigmask Unix.SIG_BLOCK signals in
  ignore (Thread.create Mailroom.run t.mailroom);
  ignore (Thread.create Loop.run t);
  ignore (Thread.sigmask Unix.SIG_SETMASK mask);
  ignore (Bell.until t.changes (fun () -> t.event_thread >= 0 && t.mailroom.thread >= 0))

let create ?(name = "mycelium") ?(mailbox_capacity = 4096) ?(policy = Block) ?(block_timeout = 1.) ?(close_timeout = 5.)
    ?(types = []) ?(on_error = report_to_stderr) ?on_log digest =
  if String.length digest <> 32 then
    invalid_arg "Mycelium_client.Runtime.create: a schema_digest has 32 bytes; give that of a generated module";
  if mailbox_capacity < 1 then invalid_arg "Mycelium_client.Runtime.create: mailbox_capacity has to be at least 1";
  let waker = Bell.take () and changes = Bell.nobody () and stall_waits = Atomic.make false in
  if not (Sockets.can_watch waker.reader) then Status.fail Status.Runtime Sockets.too_many;
  let random = Random.State.make_self_init () in
  let room_made () = if Atomic.exchange stall_waits false then Bell.ring waker in
  let t =
    {
      name;
      process = Unix.getpid ();
      mailbox_capacity;
      policy;
      block_timeout = Bell.seconds "block_timeout" block_timeout;
      close_timeout = Bell.seconds "close_timeout" close_timeout;
      on_error;
      on_log;
      clock = Clock.create ();
      intake = Atomic.make [];
      waker;
      changes;
      mailroom = Mailroom.create ~changes ~room_made;
      subscriptions = Atomic.make Numbers.empty;
      lanes = Atomic.make Numbers.empty;
      known = Atomic.make Numbers.empty;
      next_id = Atomic.make 1;
      random;
      publisher = Int64.succ (Random.State.int64 random 0x10_0000_0000_0000L);
      closing = Atomic.make false;
      ended = false;
      event_thread = -1;
      bridge = None;
      published = Atomic.make 0;
      published_bytes = Atomic.make 0;
      sequence = 0;
      log_waiting = Atomic.make 0;
      log_left_out = Atomic.make 0;
      refused_calls = Atomic.make 0;
      errors = Atomic.make 0;
      requests_pending = Atomic.make 0;
      stall_waits;
    }
  in
  List.iter (fun (Known descriptor) -> learn_type t descriptor) types;
  start t;
  Bell.update live (fun all -> t :: all);
  t

let begin_to_close t timeout =
  Atomic.set t.closing true;
  post t (fun () -> Option.iter (fun bridge -> Loop.begin_to_leave bridge (Clock.now t.clock +. timeout)) t.bridge);
  wake t

let close ?timeout t =
  check_process t;
  let timeout = Option.value timeout ~default:t.close_timeout in
  if Mailroom.is_here t.mailroom || is_event_thread t then
    Status.fail Status.Unsupported "close waits for handlers and cannot be called in one; let another thread close";
  let since = Unix.gettimeofday () in
  begin_to_close t timeout;
  ignore (Bell.until t.changes (fun () -> t.ended));
  Bell.update live (List.filter (fun each -> each != t));
  Mailroom.end_when_empty t.mailroom;
  let left = timeout -. Bell.passed since in
  let has_ended () = t.mailroom.ended in
  if not (Bell.until ~timeout:left t.changes has_ended) then begin
    Mailroom.abandon t.mailroom;
    if not (Bell.until ~timeout:0.05 t.changes has_ended) then
      Status.fail Status.Timeout (Printf.sprintf "a handler of runtime %s still runs after %g s" t.name timeout)
  end

let exit_seconds = ref 2.

(* At exit, while handlers can still run: delivers what was accepted, and ends what was left open. *)
let close_all () =
  let since = Unix.gettimeofday () in
  let close_one t =
    if t.process = Unix.getpid () && not (Mailroom.is_here t.mailroom) then
      try close ~timeout:(Float.max 0. (!exit_seconds -. Bell.passed since)) t with Status.Bus_error _ -> ()
  in
  List.iter close_one (Atomic.get live)

let () = at_exit close_all
let is_closed t = Atomic.get t.closing

(* ---- publishing ---- *)

let check_payload payload =
  if String.length payload > 0x7fff_ffff then Status.fail Status.Too_large "a payload has at most 2 GiB"

(* Whom a message of now is for: each is one, the neighbour too. *)
let targets t type_id destination =
  let subscriptions = subscribers t type_id and lane = lane t type_id in
  match destination with
  | To_all -> (subscriptions, lane)
  | To_key key -> (
      let all = List.map Option.some subscriptions @ if lane = None then [] else [ None ] in
      match all with
      | [] -> ([], None)
      | _ -> ( match Traffic.pick key all with Some one -> ([ one ], None) | None -> ([], lane)))

(* Takes a place for the message with each of them; the worst that was said. *)
let admit t (outgoing : Traffic.outgoing) =
  let on_own_thread = is_event_thread t in
  let here = on_own_thread || Mailroom.is_here t.mailroom in
  let is_over () = Atomic.get t.closing in
  let one ~may_wait worst ticket =
    match Room.admit ticket ~may_wait ~may_yield:(not on_own_thread) ~changes:t.changes ~is_over with
    | None -> worst
    | refusal -> refusal
  in
  let of_subscription worst (_, ticket) = one ~may_wait:(not here) worst ticket in
  let worst = List.fold_left of_subscription None outgoing.subscriptions in
  match outgoing.lane with Some (_, ticket) -> one ~may_wait:(not on_own_thread) worst ticket | None -> worst

(* To those who have a place for it. What a signal's handler raises meanwhile takes nothing back. *)
let rec hand_over t (outgoing : Traffic.outgoing) =
  if Traffic.has_a_place outgoing then
    match post t (fun () -> Traffic.route t outgoing) with
    | () -> ()
    | exception exn ->
        hand_over t outgoing;
        raise exn
  else
    for _ = 1 to outgoing.holders do
      Option.iter Question.let_go outgoing.question
    done

(* What it was refused with by one of those whom it is for. *)
let send t ?(correlation_id = 0L) ?(priority = 0) ?(destination = To_all) ?trace ?ask type_id payload =
  check_open t;
  check_payload payload;
  Atomic.incr t.published;
  ignore (Atomic.fetch_and_add t.published_bytes (String.length payload));
  let subscriptions, lane = targets t type_id destination in
  let data =
    {
      Traffic.nothing with
      type_id;
      publisher = t.publisher;
      correlation = correlation_id;
      priority;
      timestamp = Traffic.nanoseconds_now ();
      key = (match destination with To_key key -> Some key | To_all -> None);
      trace;
      payload;
    }
  in
  let holders = List.length subscriptions + if lane = None then 0 else 1 in
  let outgoing =
    {
      Traffic.data;
      subscriptions = List.map (fun (each : Mailroom.subscription) -> (each, Room.ticket each.room)) subscriptions;
      lane = Option.map (fun (lane : Outbox.lane) -> (lane, Room.ticket lane.room)) lane;
      question = Option.map (fun ask -> ask ~holders) ask;
      holders;
      routed = false;
    }
  in
  match admit t outgoing with
  | worst ->
      hand_over t outgoing;
      worst
  | exception exn ->
      hand_over t outgoing;
      raise exn

let publish_data t ?correlation_id ?priority ?destination ?trace type_id payload =
  match send t ?correlation_id ?priority ?destination ?trace type_id payload with
  | None -> ()
  | Some status -> Room.refuse t.refused_calls status

let publish t (descriptor : 'a Message.descriptor) value =
  learn_type t descriptor;
  publish_data t descriptor#type_id (descriptor#encode value)

let publish_with ?correlation_id ?(priority = 0) ?destination ?trace t (descriptor : 'a Message.descriptor) value =
  if priority < 0 || priority > 255 then invalid_arg "Mycelium_client: a priority is a number from 0 to 255";
  Option.iter Message.check_trace trace;
  learn_type t descriptor;
  publish_data t ?correlation_id ~priority ?destination ?trace descriptor#type_id (descriptor#encode value)

let publish_batch t descriptor values = Array.iter (publish t descriptor) values

let publish_string ?correlation_id ?(priority = 0) ?destination ?trace t type_id payload =
  Subscription.check_type_id type_id;
  if priority < 0 || priority > 255 then invalid_arg "Mycelium_client: a priority is a number from 0 to 255";
  Option.iter Message.check_trace trace;
  publish_data t ?correlation_id ~priority ?destination ?trace type_id payload

(* ---- subscribing ---- *)

let subscription ?name ?policy ?capacity ?block_timeout t (descriptor : 'a Message.descriptor) handler =
  learn_type t descriptor;
  Subscription.open_entry ?name ?policy ?capacity ?block_timeout t descriptor#type_id
    (Subscription.values t descriptor handler)
  |> Subscription.owned t

let message_subscription ?name ?policy ?capacity ?block_timeout t type_id handler =
  Subscription.open_entry ?name ?policy ?capacity ?block_timeout t type_id (Subscription.messages t handler)
  |> Subscription.owned t

let subscribe t (descriptor : 'a Message.descriptor) handler =
  learn_type t descriptor;
  ignore (Subscription.open_entry t descriptor#type_id (Subscription.values t descriptor handler))

let unsubscribe t (subscription : Subscription.t) =
  if subscription.runtime != t then
    invalid_arg "Mycelium_client.Runtime.unsubscribe: the subscription belongs to another runtime";
  Subscription.close subscription

(* ---- requests ---- *)

let server ?name ?policy ?capacity t (descriptor : 'a Message.descriptor) reply handler =
  learn_type t descriptor;
  learn_type t reply;
  Subscription.open_entry ?name ?policy ?capacity t descriptor#type_id (Subscription.answers t descriptor reply handler)
  |> Subscription.owned t

let serve t (descriptor : 'a Message.descriptor) reply handler =
  learn_type t descriptor;
  learn_type t reply;
  ignore (Subscription.open_entry t descriptor#type_id (Subscription.answers t descriptor reply handler))

let request_of t (descriptor : 'a Message.descriptor) (reply : 'b Message.descriptor) value =
  learn_type t descriptor;
  learn_type t reply;
  let unexpected why = Status.fail Status.Invalid_payload ("the reply is not what was expected: " ^ why) in
  let read type_id payload =
    if type_id <> reply#type_id then unexpected (Printf.sprintf "it has type_id %d, not %d" type_id reply#type_id)
    else match reply#decode None (Message.payload_of payload) with Ok value -> value | Error why -> unexpected why
  in
  Request.create t ~what:descriptor#type_name ~read (fun ~id ~ask ->
      send t ~correlation_id:id ~ask descriptor#type_id (descriptor#encode value))

let bytes_of_request t type_id payload =
  Subscription.check_type_id type_id;
  let read type_id payload = (type_id, payload) in
  Request.create t ~what:(string_of_int type_id) ~read (fun ~id ~ask -> send t ~correlation_id:id ~ask type_id payload)

let send_request t descriptor reply value = Request.send (request_of t descriptor reply value)
let send_request_string t type_id payload = Request.send (bytes_of_request t type_id payload)
let request ?timeout t descriptor reply value = Request.send_and_wait ?timeout (request_of t descriptor reply value)
let request_string ?timeout t type_id payload = Request.send_and_wait ?timeout (bytes_of_request t type_id payload)

let reply_string t message type_id payload =
  check_open t;
  Subscription.check_type_id type_id;
  check_payload payload;
  let settled =
    match (Message.live message).question with
    | None -> false
    | Some question -> Question.settle question (Reply (type_id, payload))
  in
  if not settled then
    Status.fail Status.Subscription "nobody waits for this reply: it is no request, was answered, or was given up"

let reply t message (descriptor : 'a Message.descriptor) value =
  reply_string t message descriptor#type_id (descriptor#encode value)

(* ---- waiting and looking ---- *)

let count_subscribers t type_id =
  List.length (subscribers t type_id) + if Numbers.mem type_id (Atomic.get t.lanes) then 1 else 0

let wait_for_subscribers ?timeout ?(count = 1) t type_id =
  check_open t;
  Subscription.check_type_id type_id;
  let there () = count_subscribers t type_id >= count || Atomic.get t.closing in
  if not (Bell.until ?timeout t.changes there) then
    Status.fail Status.Timeout (Printf.sprintf "fewer than %d subscribers of type %d came in time" count type_id);
  check_open t

(* The neighbour has acknowledged what was published, and handlers have returned from what came before. *)
let flush ?timeout t =
  check_open t;
  if Mailroom.is_here t.mailroom || is_event_thread t then
    Status.fail Status.Unsupported "flush waits for handlers and cannot be called in one; let another thread flush";
  let outbox () = match t.bridge with Some { neighbour = Some { outbox; _ }; _ } -> Some outbox | _ -> None in
  let given, outbox = call t (fun () -> (t.mailroom.given, outbox ())) in
  let is_done () =
    t.ended
    || (t.mailroom.handled >= given && match outbox with Some outbox -> Outbox.is_empty outbox | None -> true)
  in
  if not (Bell.until ?timeout t.changes is_done) then
    Status.fail Status.Timeout (Printf.sprintf "what was published on runtime %s is not all dealt with" t.name)

let stats = Stats.of_runtime

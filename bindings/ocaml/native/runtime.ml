type t = Bus.t
type policy = Subscription.policy = Block | Drop_oldest | Drop_newest | Fail
type verify = Verify_none | Verify_size | Verify_full
type destination = To_all | To_subscription of Subscription.t | To_key of int64

(* ---- the life of a runtime ---- *)

(* Those that have not been closed, for the end of the program. They may be collected. *)
let live : t Places.t = Places.create ()

let report_to_stderr name exn backtrace =
  Printf.eprintf "mycelium: handler of %s: %s\n%s%!" name (Printexc.to_string exn)
    (Printexc.raw_backtrace_to_string backtrace)

let verify_number = function None -> 0 | Some Verify_none -> 1 | Some Verify_size -> 2 | Some Verify_full -> 3

let environment_close_timeout () =
  match int_of_string_opt (try Sys.getenv "MYCELIUM_CLOSE_TIMEOUT_MS" with Not_found -> "") with
  | Some milliseconds when milliseconds > 0 -> float_of_int milliseconds /. 1e3
  | _ -> 5.

let positive what = function
  | None -> 0
  | Some number when number > 0 -> number
  | Some _ -> invalid_arg ("Mycelium_native.Runtime.create: " ^ what ^ " has to be at least 1")

let adopt native ~name ~close_timeout ~on_error ~on_log =
  let bus = Bus.create native ~name ~close_timeout ~on_error ~on_log in
  Places.add live bus;
  bus

let check_digest (bus : t) digest =
  if Native.verify_digest bus.native digest < 0 then
    Status.fail Status.Digest
      "schema digest mismatch: the generated module and the library come from different schemas; compile the module \
       again, or pass its schema in ~schemas"

let close ?timeout (bus : t) =
  let timeout = Option.value timeout ~default:bus.close_timeout in
  if Dispatcher.is_here bus then
    Status.fail Status.Unsupported "close waits for handlers and cannot be called in one; let another thread close";
  let deadline = Wait.deadline (Some timeout) in
  bus.closed <- true;
  Bus.close_own_sources bus;
  Wait.errand (Native.errand bus.native Native.Close (Wait.nanoseconds timeout));
  (* A handler that has just been given its last message may still run. *)
  let at_least = Wait.deadline (Some 0.05) in
  let ended () = not bus.dispatching in
  if not (Wait.until bus.turnstile deadline ended || Wait.until bus.turnstile at_least ended) then
    Status.fail Status.Timeout (Printf.sprintf "a handler of runtime %s still runs after %g s" bus.name timeout);
  Native.set_closed bus.native;
  Bus.pass_log bus

let create ?(name = "") ?threads ?mailbox_capacity ?policy ?verify ?block_timeout ?close_timeout ?max_payload
    ?(strict = false) ?(schemas = []) ?(on_error = report_to_stderr) ?on_log digest =
  let native =
    Native.create
      {
        name;
        threads = positive "threads" threads;
        mailbox_capacity = positive "mailbox_capacity" mailbox_capacity;
        policy = Subscription.policy_number policy;
        verify = verify_number verify;
        block_timeout_ns = Subscription.nanoseconds block_timeout;
        close_timeout_ns = Subscription.nanoseconds close_timeout;
        max_payload = positive "max_payload" max_payload;
        strict;
        log = on_log <> None;
      }
  in
  let close_timeout = match close_timeout with Some seconds -> seconds | None -> environment_close_timeout () in
  let name = if name = "" then "mycelium" else name in
  let bus = adopt native ~name ~close_timeout ~on_error ~on_log in
  (try
     List.iter (fun schema -> ignore (Native.register_schema native schema)) schemas;
     check_digest bus digest
   with exn ->
     close ~timeout:0. bus;
     raise exn);
  if on_log <> None then Dispatcher.start bus;
  bus

let create_from_topology ?(on_error = report_to_stderr) ?schema_digest ~service path =
  let native = Native.create_from_topology path service in
  let bus = adopt native ~name:service ~close_timeout:(environment_close_timeout ()) ~on_error ~on_log:None in
  (try Option.iter (check_digest bus) schema_digest
   with exn ->
     close ~timeout:0. bus;
     raise exn);
  bus

let exit_seconds = ref 2.

(* At exit, while handlers can still run: delivers what was accepted, and ends what was left open. *)
let close_all () =
  let deadline = Unix.gettimeofday () +. !exit_seconds in
  let close_one (bus : t) =
    if (not bus.closed) && bus.process = Unix.getpid () && not (Dispatcher.is_here bus) then
      try close ~timeout:(Float.max 0. (deadline -. Unix.gettimeofday ())) bus with Status.Bus_error _ -> ()
  in
  List.iter close_one (Places.list live)

let () = at_exit close_all
let is_closed (bus : t) = bus.closed
let handle (bus : t) = Native.handle bus.native

(* ---- schemas ---- *)

let register_schema (bus : t) schema = Native.register_schema bus.native schema
let type_digest (bus : t) type_id = Native.type_digest bus.native type_id
let verify_payload (bus : t) type_id payload = Status.check (Native.verify_payload bus.native type_id payload)

(* ---- publishing ---- *)

let check_type_id type_id =
  if type_id < 0 || type_id > 0xffff then invalid_arg "Mycelium_native: a type_id is a number from 1 to 65535"

let publish (bus : t) (descriptor : 'a Message.descriptor) value =
  Native.publish bus.native descriptor#type_id (descriptor#encode value)

let publish_string (bus : t) type_id payload =
  check_type_id type_id;
  Native.publish bus.native type_id payload

let publish_payload (bus : t) type_id payload =
  check_type_id type_id;
  Native.publish_view bus.native type_id payload

let publish_with ?(correlation_id = 0L) ?(priority = 0) ?(destination = To_all) ?trace (bus : t)
    (descriptor : 'a Message.descriptor) value =
  if priority < 0 || priority > 255 then invalid_arg "Mycelium_native: a priority is a number from 0 to 255";
  let destination, key =
    match destination with
    | To_all -> (0, 0L)
    | To_subscription subscription -> (1, Int64.of_int (Subscription.id subscription))
    | To_key key -> (2, key)
  in
  let trace = Message.bytes_of_trace trace in
  Native.publish_envelope bus.native
    { type_id = descriptor#type_id; priority; correlation_id; destination; key; trace }
    (descriptor#encode value)

let publish_batch (bus : t) (descriptor : 'a Message.descriptor) values =
  let accepted, status = Native.publish_batch bus.native descriptor#type_id (Array.map descriptor#encode values) in
  if status < 0 then
    try Status.check status
    with Status.Bus_error (status, text) ->
      Status.fail status (Printf.sprintf "%s (%d of %d were published)" text accepted (Array.length values))

let loan = Loan.create

(* ---- subscribing ---- *)

let subscription ?name ?policy ?capacity ?history ?block_timeout (bus : t) (descriptor : 'a Message.descriptor)
    handler =
  Subscription.open_entry ?name ?policy ?capacity ?history ?block_timeout bus descriptor#type_id
    (Delivery.values bus descriptor handler)
  |> Subscription.owned

let batch_subscription ?name ?policy ?capacity ?history ?block_timeout (bus : t) (descriptor : 'a Message.descriptor)
    handler =
  Subscription.open_entry ?name ?policy ?capacity ?history ?block_timeout bus descriptor#type_id
    (Delivery.batches bus descriptor handler)
  |> Subscription.owned

let message_subscription ?name ?policy ?capacity ?history ?block_timeout (bus : t) type_id handler =
  Subscription.open_entry ?name ?policy ?capacity ?history ?block_timeout bus type_id (Delivery.messages bus handler)
  |> Subscription.owned

let message_batch_subscription ?name ?policy ?capacity ?history ?block_timeout (bus : t) type_id handler =
  Subscription.open_entry ?name ?policy ?capacity ?history ?block_timeout bus type_id
    (Delivery.message_batches bus handler)
  |> Subscription.owned

let subscribe (bus : t) (descriptor : 'a Message.descriptor) handler =
  ignore (Subscription.open_entry bus descriptor#type_id (Delivery.values bus descriptor handler))

let unsubscribe (bus : t) (subscription : Subscription.t) =
  if subscription.bus != bus then
    invalid_arg "Mycelium_native.Runtime.unsubscribe: the subscription belongs to another runtime";
  Subscription.close subscription

let receiver ?name ?policy ?capacity ?history ?block_timeout bus (descriptor : 'a Message.descriptor) =
  Receiver.create ?name ?policy ?capacity ?history ?block_timeout bus descriptor#type_id (fun batch ->
      let decoder = Delivery.decoder batch in
      fun i -> Delivery.decode decoder descriptor i)

let message_receiver ?name ?policy ?capacity ?history ?block_timeout bus type_id =
  Receiver.create ?name ?policy ?capacity ?history ?block_timeout bus type_id (fun batch i ->
      (Native.batch_take batch i : Message.t))

let keep_history (bus : t) type_id depth =
  check_type_id type_id;
  Native.keep_history bus.native type_id depth

(* ---- requests ---- *)

let server ?name ?policy ?capacity (bus : t) (descriptor : 'a Message.descriptor) reply handler =
  Subscription.open_entry ?name ?policy ?capacity bus descriptor#type_id (Delivery.answers bus descriptor reply handler)
  |> Subscription.owned

let serve (bus : t) (descriptor : 'a Message.descriptor) reply handler =
  ignore (Subscription.open_entry bus descriptor#type_id (Delivery.answers bus descriptor reply handler))

let rec wait_for_reply request =
  let finished = Native.request_wait request in
  Native.handle_signals ();
  if not finished then wait_for_reply request

let decode_reply reply message =
  match Message.decode reply message with
  | Ok value -> value
  | Error text -> Status.fail Status.Invalid_payload ("the reply is not what was expected: " ^ text)

let no_reply (descriptor : 'a Message.descriptor) timeout code =
  let why =
    match Status.of_int code with
    | Status.Timeout -> Printf.sprintf "no reply within %g s" timeout
    | Status.No_reply -> "nobody serves it, or every server left it unanswered"
    | Status.Closed -> "the runtime was closed before the reply came"
    | status -> Status.to_string status
  in
  Status.fail (Status.of_int code) (Printf.sprintf "request %s: %s" descriptor#type_name why)

let request ?(timeout = 5.) (bus : t) (descriptor : 'a Message.descriptor) reply value =
  let request =
    Native.request bus.native descriptor#type_id (descriptor#encode value) (Wait.nanoseconds timeout)
  in
  (try wait_for_reply request
   with exn ->
     Native.request_cancel request;
     raise exn);
  let code = Native.request_status request in
  if code < 0 then no_reply descriptor timeout code;
  let message = Native.request_reply request in
  Fun.protect (fun () -> decode_reply reply message) ~finally:(fun () -> Message.release message)

let reply (bus : t) message (descriptor : 'a Message.descriptor) value =
  Status.check (Native.reply bus.native message descriptor#type_id (descriptor#encode value))

(* ---- waiting and looking ---- *)

let wait_for_subscribers ?timeout ?(count = 1) (bus : t) type_id =
  check_type_id type_id;
  Status.check (Wait.in_slices (Wait.deadline timeout) (Native.wait_for_subscribers bus.native type_id (max 0 count)))

(* The bus waits for what it had accepted before the call: repeated in slices, it might never see the end of a steady
   flow. After one slice the rest is one call on a thread of its own. *)
let flush ?timeout (bus : t) =
  if Dispatcher.is_here bus then
    Status.fail Status.Unsupported "flush waits for handlers and cannot be called in one; let another thread flush";
  let deadline = Wait.deadline timeout in
  let status = Native.flush bus.native (Wait.slice_of deadline) in
  Native.handle_signals ();
  if status = Status.timeout && not (Wait.is_over deadline) then
    Wait.errand (Native.errand bus.native Native.Flush (Wait.left_ns deadline))
  else Status.check status;
  (* The bus calls a message delivered when the dispatcher has taken it. *)
  if not (Dispatcher.wait_for_round bus deadline) then
    Status.fail Status.Timeout (Printf.sprintf "a handler of runtime %s still runs" bus.name)

let stats = Stats.of_runtime

let metrics (bus : t) =
  let text = Native.metrics bus.native in
  let ending = "# EOF\n" in
  let body = String.length text - String.length ending in
  let is_complete = body >= 0 && String.sub text body (String.length ending) = ending in
  let text = if is_complete then String.sub text 0 body else text in
  Printf.sprintf
    "%s# TYPE mycelium_ocaml_callback_errors counter\n\
     # HELP mycelium_ocaml_callback_errors Exceptions raised by handlers in OCaml.\n\
     mycelium_ocaml_callback_errors_total %d\n\
     %s"
    text (Atomic.get bus.errors) ending

type policy = Block | Drop_oldest | Drop_newest | Fail

let policy_number = function
  | None -> 0
  | Some Block -> 1
  | Some Drop_oldest -> 2
  | Some Drop_newest -> 3
  | Some Fail -> 4

type t = { bus : Bus.t; entry : Bus.entry; type_id : int }

let nanoseconds = function None -> 0 | Some seconds -> max 1 (Wait.nanoseconds seconds)

let options ?(name = "") ?policy ?(capacity = 0) ?(history = 0) ?block_timeout ~queue ~slot type_id :
    Native.subscription =
  if type_id < 1 || type_id > 0xffff then invalid_arg "Mycelium_native: a type_id is a number from 1 to 65535";
  if capacity < 0 || history < 0 then invalid_arg "Mycelium_native: capacity and history are 0 or more";
  {
    type_id;
    name;
    policy = policy_number policy;
    capacity;
    history;
    block_timeout_ns = nanoseconds block_timeout;
    queue;
    slot;
  }

(* A subscription whose handlers the dispatcher runs. *)
let open_entry ?name ?policy ?capacity ?history ?block_timeout (bus : Bus.t) type_id deliver =
  Dispatcher.start bus;
  let shown = Option.value name ~default:(Printf.sprintf "subscription to %d" type_id) in
  let entry : Bus.entry = { name = shown; deliver; id = 0; closed = false; running = false; errors = 0 } in
  let slot = Bus.add bus entry in
  match
    Native.subscribe bus.native
      (options ?name ?policy ?capacity ?history ?block_timeout ~queue:bus.queue ~slot type_id)
  with
  | id ->
      entry.id <- id;
      { bus; entry; type_id }
  | exception exn ->
      Bus.remove bus slot;
      raise exn

(* A handle that nobody holds any more ends its subscription; the dispatcher does it, as a finaliser must not wait. *)
let owned subscription =
  Gc.finalise (fun { bus; entry; _ } -> if not entry.Bus.closed then Dispatcher.drop bus entry) subscription;
  subscription

let close { bus; entry; _ } =
  if not entry.Bus.closed then begin
    entry.closed <- true;
    let status = Native.unsubscribe bus.native entry.id in
    if status = Status.forked then Status.check status
  end;
  if not (Dispatcher.is_here bus) then
    ignore (Wait.until bus.turnstile None (fun () -> not (entry.running && bus.dispatching)))

let id { entry; _ } = entry.Bus.id
let type_id { type_id; _ } = type_id
let is_closed { entry; _ } = entry.Bus.closed
let stats { bus; entry; _ } = Stats.of_subscription bus entry.Bus.id entry.errors

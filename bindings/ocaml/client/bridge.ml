open State
open Mycelium_bridge_protocol

type config = State.config = {
  name : string option;
  token : string option;
  max_frame : int;
  window : int;
  capacity : int;
  policy : Room.policy;
  block_timeout : float option;
  hello_timeout : float;
  heartbeat : float;
  silence : float;
  linger : float;
}

type reason = Wire.reason =
  | Version
  | Itself
  | Proof
  | Not_allowed
  | Too_many
  | Late
  | Protocol
  | Leaving
  | Other of int

type stats = Stats.bridge = {
  node : int64;
  neighbours : int;
  reachable : int;
  links_made : int;
  links_cut : int;
  refused : int;
  received : int;
  sent : int;
  sent_again : int;
  acknowledged : int;
  dropped : int;
  lost : int;
  missing : int;
  repeated : int;
  invalid : int;
}

let default =
  {
    name = None;
    token = None;
    max_frame = 16 lsl 20;
    window = 4 lsl 20;
    capacity = 4096;
    policy = Block;
    block_timeout = None;
    hello_timeout = 5.;
    heartbeat = 1.;
    silence = 5.;
    linger = 30.;
  }

let check (config : config) =
  let refuse text = Status.fail Status.Invalid_argument text in
  let limit name value least most =
    if value < least || value > most then
      refuse (Printf.sprintf "%s is %d, not between %d and %d" name value least most)
  in
  let time name value = if not (value > 0.) then refuse (name ^ " is a number of seconds above 0") in
  limit "max_frame" config.max_frame Wire.least_frame 0x7fff_ffff;
  limit "window" config.window Wire.least_window 0x7fff_ffff;
  limit "capacity" config.capacity 1 (1 lsl 30);
  time "hello_timeout" config.hello_timeout;
  time "heartbeat" config.heartbeat;
  time "silence" config.silence;
  time "linger" config.linger

(* On the event thread. *)
let make t config =
  check config;
  if Option.is_some t.bridge then Status.fail Status.Invalid_argument "the runtime has a bridge already";
  let self = Leaf.random_id () in
  let bridge =
    {
      config;
      self;
      network = Network.create self (Option.value config.name ~default:t.name);
      listeners = [];
      dialer = None;
      connections = [];
      neighbour = None;
      current = None;
      asked = Hashtbl.create 16;
      stalled = None;
      leave_by = None;
      last_refusal = None;
      last_problem = "";
      links_made = 0;
      links_cut = 0;
      refused = 0;
      received = 0;
      repeated = 0;
      missing = 0;
      invalid = 0;
      lost_there = 0;
      sent_before = 0;
      sent_again_before = 0;
      acknowledged_before = 0;
      dropped_before = 0;
      lost_before = 0;
    }
  in
  t.bridge <- Some bridge;
  Leaf.update_wants t;
  bridge

let open_ t config =
  check_open t;
  call t (fun () -> ignore (make t config))

let the_bridge t = match t.bridge with Some bridge -> bridge | None -> make t default
let has_token bridge = Leaf.token bridge <> ""

let listen t address =
  check_open t;
  let address = Address.parse address in
  call t (fun () ->
      let bridge = the_bridge t in
      let listener = Sockets.listen address ~has_token:(has_token bridge) in
      bridge.listeners <- listener :: bridge.listeners;
      Address.to_string listener.at)

let dial t address =
  check_open t;
  let target = Address.parse address in
  call t (fun () ->
      let bridge = the_bridge t in
      Sockets.needs_token target (has_token bridge);
      if Option.is_some bridge.dialer then
        Status.fail Status.Invalid_argument
          "the runtime dials already: a client has one neighbour at a time; dial from another runtime";
      bridge.dialer <- Some { target; pause = 0.; doing = Resting 0.; complained = false })

let missing () = Status.fail Status.Invalid_argument "the runtime has no bridge; call Bridge.open_, listen or dial"

let look t view =
  check_process t;
  match t.bridge with
  | None -> missing ()
  | Some bridge -> if t.ended then view bridge else call t (fun () -> view bridge)

let wait_for_links ?timeout t count =
  check_open t;
  match t.bridge with
  | None -> missing ()
  | Some bridge ->
      let linked () = if Option.is_some (Leaf.up bridge) then 1 else 0 in
      if not (Bell.until ?timeout t.changes (fun () -> linked () >= count || Atomic.get t.closing)) then
        Status.fail Status.Timeout
          (Printf.sprintf "fewer than %d other nodes were linked in time%s" count
             (if bridge.last_problem = "" then "" else "; the last attempt: " ^ bridge.last_problem));
      check_open t

let last_refusal t = look t (fun bridge -> bridge.last_refusal)
let stats t = look t Stats.of_bridge

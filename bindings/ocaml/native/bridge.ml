type config = {
  name : string option;
  token : string option;
  max_links : int;
  max_frame : int;
  window : int;
  capacity : int;
  policy : Runtime.policy;
  block_timeout : float option;
  hello_timeout : float;
  heartbeat : float;
  silence : float;
  linger : float;
}

(* Zeros are what the library makes its defaults of. *)
let default =
  {
    name = None;
    token = None;
    max_links = 0;
    max_frame = 0;
    window = 0;
    capacity = 0;
    policy = Block;
    block_timeout = None;
    hello_timeout = 0.;
    heartbeat = 0.;
    silence = 0.;
    linger = 0.;
  }

type stats = Native.bridge_stats = {
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

let open_ (bus : Bus.t) (config : config) =
  let number what value =
    if value < 0 || value > 0xffff_ffff then invalid_arg ("Mycelium_native.Bridge.open_: " ^ what ^ " is out of range");
    value
  in
  Native.bridge_open bus.native
    {
      name = config.name;
      token = config.token;
      max_links = number "max_links" config.max_links;
      max_frame = number "max_frame" config.max_frame;
      window = number "window" config.window;
      capacity = number "capacity" config.capacity;
      policy = Subscription.policy_number (Some config.policy);
      block_timeout_ns = Subscription.nanoseconds config.block_timeout;
      hello_timeout_ns = Wait.nanoseconds config.hello_timeout;
      heartbeat_ns = Wait.nanoseconds config.heartbeat;
      silence_ns = Wait.nanoseconds config.silence;
      linger_ns = Wait.nanoseconds config.linger;
    }

let listen (bus : Bus.t) address = Native.bridge_listen bus.native address
let dial (bus : Bus.t) address = Native.bridge_dial bus.native address

let wait_for_links ?timeout (bus : Bus.t) count =
  let wait = Native.bridge_wait_for_links bus.native (max 0 count) in
  Status.check (Wait.in_slices (Wait.deadline timeout) wait)

let stats (bus : Bus.t) = Native.bridge_stats bus.native
let json (bus : Bus.t) = Native.bridge_json bus.native

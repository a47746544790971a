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
  token_file : string option;
  tls_cert : string option;
  tls_key : string option;
  tls_ca : string option;
  permissions_file : string option;
  socket_mode : int;
  max_links_per_peer : int;
  max_accepts : int;
  max_nodes : int;
  max_state : int;
  max_types : int;
  max_requests : int;
  max_message_rate : int;
  max_byte_rate : int;
  max_control_rate : int;
  at_least_once : string option;
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
    token_file = None;
    tls_cert = None;
    tls_key = None;
    tls_ca = None;
    permissions_file = None;
    socket_mode = 0;
    max_links_per_peer = 0;
    max_accepts = 0;
    max_nodes = 0;
    max_state = 0;
    max_types = 0;
    max_requests = 0;
    max_message_rate = 0;
    max_byte_rate = 0;
    max_control_rate = 0;
    at_least_once = None;
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
  not_allowed : int;
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
      token_file = config.token_file;
      tls_cert = config.tls_cert;
      tls_key = config.tls_key;
      tls_ca = config.tls_ca;
      permissions_file = config.permissions_file;
      socket_mode = number "socket_mode" config.socket_mode;
      max_links_per_peer = number "max_links_per_peer" config.max_links_per_peer;
      max_accepts = number "max_accepts" config.max_accepts;
      max_nodes = number "max_nodes" config.max_nodes;
      max_state = number "max_state" config.max_state;
      max_types = number "max_types" config.max_types;
      max_requests = number "max_requests" config.max_requests;
      max_message_rate = number "max_message_rate" config.max_message_rate;
      max_byte_rate = number "max_byte_rate" config.max_byte_rate;
      max_control_rate = number "max_control_rate" config.max_control_rate;
      at_least_once = config.at_least_once;
    }

let listen (bus : Bus.t) address = Native.bridge_listen bus.native address
let reload (bus : Bus.t) = Native.bridge_reload bus.native
let dial (bus : Bus.t) address = Native.bridge_dial bus.native address

let wait_for_links ?timeout (bus : Bus.t) count =
  let wait = Native.bridge_wait_for_links bus.native (max 0 count) in
  Status.check (Wait.in_slices (Wait.deadline timeout) wait)

let stats (bus : Bus.t) = Native.bridge_stats bus.native
let json (bus : Bus.t) = Native.bridge_json bus.native

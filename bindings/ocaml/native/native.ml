(* The functions in C, one by one. What waits releases OCaml's runtime lock meanwhile. *)

type bus
type batch
type turnstile
type errand
type request
type message
type payload = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t
type ('a, 'b) bigarray = ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t

(* The C parts know the order of these fields. Times are nanoseconds; 0 and "" are the defaults. *)
type config = {
  name : string;
  threads : int;
  mailbox_capacity : int;
  policy : int;
  verify : int;
  block_timeout_ns : int;
  close_timeout_ns : int;
  max_payload : int;
  strict : bool;
  log : bool;
}

type subscription = {
  type_id : int;
  name : string;
  policy : int;
  capacity : int;
  history : int;
  block_timeout_ns : int;
  queue : int;
  slot : int;
}

type envelope = {
  type_id : int;
  priority : int;
  correlation_id : int64;
  destination : int;
  key : int64;
  trace : string;
}

(* Forever, where a timeout in nanoseconds is asked for. *)
let forever = max_int

(* ---- about the library ---- *)

external status_name : int -> string = "mycelium_ocaml_status_name"
external version : unit -> string = "mycelium_ocaml_version"
external abi_version : unit -> int = "mycelium_ocaml_abi_version"
external info : unit -> string = "mycelium_ocaml_info"
external schema_digest : unit -> string = "mycelium_ocaml_schema_digest"
external raise_last : int -> 'a = "mycelium_ocaml_raise_last"
external view_init : payload -> unit = "mycelium_ocaml_view_init"
external handle_signals : unit -> unit = "mycelium_ocaml_handle_signals"

(* ---- the runtime ---- *)

external create : config -> bus = "mycelium_ocaml_create"
external create_from_topology : string -> string -> bus = "mycelium_ocaml_create_from_topology"
external set_closed : bus -> unit = "mycelium_ocaml_set_closed"
external handle : bus -> nativeint = "mycelium_ocaml_handle"
external take_log : bus -> (int * string) list = "mycelium_ocaml_take_log"
external verify_digest : bus -> string -> int = "mycelium_ocaml_verify_digest"
external register_schema : bus -> string -> string = "mycelium_ocaml_register_schema"
external type_digest : bus -> int -> string = "mycelium_ocaml_type_digest"
external verify_payload : bus -> int -> string -> int = "mycelium_ocaml_verify_payload"
external keep_history : bus -> int -> int -> unit = "mycelium_ocaml_keep_history"
external wait_for_subscribers : bus -> int -> int -> int -> int = "mycelium_ocaml_wait_for_subscribers"
external flush : bus -> int -> int = "mycelium_ocaml_flush"
external stats : bus -> int array = "mycelium_ocaml_stats"
external subscription_stats : bus -> int -> int array = "mycelium_ocaml_subscription_stats"
external metrics : bus -> string = "mycelium_ocaml_metrics"

(* ---- waiting ---- *)

type errand_kind = Close | Flush

external turnstile_create : unit -> turnstile = "mycelium_ocaml_turnstile_create"
external turnstile_turns : turnstile -> int = "mycelium_ocaml_turnstile_turns" [@@noalloc]
external turnstile_turn : turnstile -> unit = "mycelium_ocaml_turnstile_turn" [@@noalloc]
external turnstile_wait : turnstile -> int -> unit = "mycelium_ocaml_turnstile_wait"
external errand : bus -> errand_kind -> int -> errand = "mycelium_ocaml_errand"
external errand_wait : errand -> bool = "mycelium_ocaml_errand_wait"
external errand_result : errand -> unit = "mycelium_ocaml_errand_result"

(* ---- publishing ---- *)

external publish : bus -> int -> string -> unit = "mycelium_ocaml_publish"
external publish_envelope : bus -> envelope -> string -> unit = "mycelium_ocaml_publish_envelope"
external publish_view : bus -> int -> payload -> unit = "mycelium_ocaml_publish_view"
external publish_batch : bus -> int -> string array -> int * int = "mycelium_ocaml_publish_batch"
external loan : bus -> ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b) bigarray = "mycelium_ocaml_loan"
external publish_loan : bus -> int -> ('a, 'b) bigarray -> int -> unit = "mycelium_ocaml_publish_loan"
external loan_is_live : ('a, 'b) bigarray -> bool = "mycelium_ocaml_loan_is_live"

(* ---- receiving ---- *)

external subscribe : bus -> subscription -> int = "mycelium_ocaml_subscribe"
external unsubscribe : bus -> int -> int = "mycelium_ocaml_unsubscribe"
external queue_open : bus -> int = "mycelium_ocaml_queue_open"
external queue_close : bus -> int -> int = "mycelium_ocaml_queue_close"
external queue_wake : bus -> int -> int = "mycelium_ocaml_queue_wake"
external queue_fd : bus -> int -> Unix.file_descr = "mycelium_ocaml_queue_fd"
external queue_for_log : bus -> int -> unit = "mycelium_ocaml_queue_for_log"
external batch_create : unit -> batch = "mycelium_ocaml_batch_create"
external window_create : unit -> payload = "mycelium_ocaml_window_create"
external receive : bus -> int -> batch -> int -> int = "mycelium_ocaml_receive"

let delivery_message = 0
let delivery_complete = 1
let delivery_reply = 2

external batch_kind : batch -> int -> int = "mycelium_ocaml_batch_kind"
external batch_status : batch -> int -> int = "mycelium_ocaml_batch_status"
external batch_id : batch -> int -> int = "mycelium_ocaml_batch_id"
external batch_slot : batch -> int -> int = "mycelium_ocaml_batch_slot"
external batch_is_request : batch -> int -> bool = "mycelium_ocaml_batch_is_request"
external batch_release : batch -> int -> unit = "mycelium_ocaml_batch_release"
external batch_take : batch -> int -> message = "mycelium_ocaml_batch_take"
external batch_focus : batch -> int -> payload -> unit = "mycelium_ocaml_batch_focus"
external batch_blur : batch -> int -> payload -> unit = "mycelium_ocaml_batch_blur"
external batch_unfocus : batch -> int -> payload -> unit = "mycelium_ocaml_batch_unfocus"
external batch_view : batch -> ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b) bigarray = "mycelium_ocaml_batch_view"

(* ---- messages ---- *)

external message_release : message -> unit = "mycelium_ocaml_message_release"
external message_type_id : message -> int = "mycelium_ocaml_message_type_id"
external message_length : message -> int = "mycelium_ocaml_message_length"
external message_is_request : message -> bool = "mycelium_ocaml_message_is_request"
external message_to_string : message -> string = "mycelium_ocaml_message_to_string"

external message_view : message -> ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b) bigarray
  = "mycelium_ocaml_message_view"

external message_envelope : message -> int * int * int64 * int64 * int64 * int64 * string
  = "mycelium_ocaml_message_envelope"

(* ---- requests ---- *)

external reply : bus -> message -> int -> string -> int = "mycelium_ocaml_reply"
external request : bus -> int -> string -> int -> request = "mycelium_ocaml_request"
external request_wait : request -> bool = "mycelium_ocaml_request_wait"
external request_cancel : request -> unit = "mycelium_ocaml_request_cancel"
external request_status : request -> int = "mycelium_ocaml_request_status"
external request_reply : request -> message = "mycelium_ocaml_request_reply"
external request_queued : bus -> int -> string -> int -> int -> int = "mycelium_ocaml_request_queued"
external request_forget : bus -> int -> bool = "mycelium_ocaml_request_forget"

(* ---- bridges ---- *)

type bridge_config = {
  name : string option;
  token : string option;
  max_links : int;
  max_frame : int;
  window : int;
  capacity : int;
  policy : int;
  block_timeout_ns : int;
  hello_timeout_ns : int;
  heartbeat_ns : int;
  silence_ns : int;
  linger_ns : int;
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

type bridge_stats = {
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

external bridge_open : bus -> bridge_config -> unit = "mycelium_ocaml_bridge_open"
external bridge_listen : bus -> string -> string = "mycelium_ocaml_bridge_listen"
external bridge_reload : bus -> unit = "mycelium_ocaml_bridge_reload"
external bridge_dial : bus -> string -> unit = "mycelium_ocaml_bridge_dial"
external bridge_wait_for_links : bus -> int -> int -> int = "mycelium_ocaml_bridge_wait_for_links"
external bridge_stats : bus -> bridge_stats = "mycelium_ocaml_bridge_stats"
external bridge_json : bus -> string = "mycelium_ocaml_bridge_json"

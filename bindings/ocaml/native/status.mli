type t =
  | Null
  | Digest
  | Runtime
  | Subscription
  | Topology
  | Service_not_found
  | Unknown_type
  | Too_large
  | Invalid_payload
  | Full
  | Timeout
  | Closed
  | Invalid_argument
  | Forked
  | No_reply
  | Unsupported
  | Internal
  | Unknown of int

val to_int : t -> int
val of_int : int -> t
val to_string : t -> string

exception Bus_error of t * string

(**/**)

(* For the rest of this library. *)

val fail : t -> string -> 'a
val check : int -> unit
val timeout : int
val closed : int
val subscription : int
val forked : int

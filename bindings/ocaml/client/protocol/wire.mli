(** The payloads of control frames: schema/bridge.fbs. Reading raises {!Table.Malformed} for bytes that are none. *)

val protocol_version : int

val least_window : int
val least_frame : int
(** Below these no link works: they are asked of both sides. *)

type hello = {
  version : int;
  node : int64;
  name : string;
  nonce : string;  (** 16 bytes *)
  wants_proof : bool;
  max_frame : int;
  window : int;
  confirms : bool;  (** gives receipts *)
  silence_ms : int;  (** takes the other side for dead after so long without a byte; 0: it does not say *)
}

type ready = {
  types : (int * string) list;  (** type_id and digest *)
  stream : int64;
  heard_stream : int64;
  heard : int64;
}

(** Why a link is refused. *)
type reason = Version | Itself | Proof | Not_allowed | Too_many | Late | Protocol | Leaving | Other of int

type node_state = {
  id : int64;
  version : int64;
  name : string;
  neighbours : int64 list;
  wants : int list;
  carries : int list;  (** those of [wants] that only a gateway of the node wants *)
  absent : int64 list;  (** neighbours whose link was cut, and who may come back *)
}

val string_of_reason : reason -> string
val write_hello : hello -> string
val read_hello : string -> hello
val write_proof : string -> string
val read_proof : string -> string
val write_ready : ready -> string
val read_ready : string -> ready
val write_refusal : reason -> string -> string
val read_refusal : string -> reason * string
val write_state : node_state -> string
val read_state : string -> node_state
val write_credit : int64 -> string
val read_credit : string -> int64
val write_lost : type_id:int -> count:int -> string

val read_lost : string -> int * int64
(** type_id and count *)

val write_receipt : sequence:int64 -> but:int64 list -> string

val read_receipt : string -> int64 * int64 list
(** All up to the sequence are delivered, but those that are listed. *)

val proof : token:string -> by_dialer:bool -> dialer:hello -> listener:hello -> string
(** What shows that a side knows the token: HMAC-SHA256 over its role, both nonces and both node ids. *)

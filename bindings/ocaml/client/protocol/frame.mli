(** The frames of a bridge, byte by byte: docs/bridge-protocol.md. *)

val max_hops : int

(** What a control frame is for. *)
type control = Hello | Proof | Ready | Refusal | Node_state | Credit | Lost | Heartbeat | Forget | Receipt

type trace = { trace_id : string;  (** 16 bytes *) span_id : string;  (** 8 bytes *) flags : int }

type data = {
  type_id : int;
  sequence : int;  (** of messages to this neighbour, from 1; 0 in a reply *)
  correlation : int64;
  priority : int;
  hops : int;
  outcome : int;  (** of a reply *)
  request : bool;
  reply : bool;
  origin : int64;
  publisher : int64;
  published : int64;  (** the publisher's sequence *)
  timestamp : int64;
  key : int64 option;
  trace : trace option;
  payload : string;
}

type t =
  | Control of control * int64 * string  (** its correlation, which only [Forget] has, and its payload *)
  | Data of data

val data_size : key:bool -> trace:bool -> int -> int
(** Of a data frame with a payload of so many bytes, without its padding. *)

val padded : int -> int

(** {1 Writing} *)

type writer
(** Bytes on their way out. *)

val writer : unit -> writer
val append : writer -> t -> unit
val append_control : writer -> control -> string -> unit

val waiting : writer -> int
(** Bytes that have not been taken. *)

val take : writer -> (Bytes.t -> int -> int -> int) -> unit
(** [take writer write] offers what waits as [write bytes first count], which says how many it took. *)

(** {1 Reading} *)

exception Malformed of string
(** What came is no frame, and nothing after it can be read. {!next} raises nothing else. *)

type reader

val reader : max_frame:int -> reader
(** Cuts a stream of bytes into frames. Its memory grows with what has come, not with what a length promises. *)

val limit : reader -> int -> unit
(** A frame longer than that is malformed from now on. *)

val fill : reader -> (Bytes.t -> int -> int -> int) -> int
(** [fill reader read] lets [read bytes first room] put bytes into the reader's memory, at least 64 KiB at a time; how
    many it said. *)

val next : reader -> t option
(** The next whole frame; [None] if more bytes are needed. *)

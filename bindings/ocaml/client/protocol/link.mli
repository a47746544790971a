(** One connection to another node, as bytes in and bytes out: the greeting, and what frames say. It knows no socket, no
    clock and no other link: its owner moves the bytes, answers what {!next} gives, and keeps the times. *)

type state =
  | Greeting  (** nothing was heard yet *)
  | Proving  (** the other side's Proof is missing *)
  | Accepting  (** {!send_ready} or {!refuse} is missing *)
  | Waiting_for_ready
  | Up

(** What the other side has said. *)
type event =
  | Accepted  (** its Hello and its Proof are good: to be answered with {!send_ready} or {!refuse} *)
  | Came_up of Wire.ready
  | Message of Frame.data  (** a reply, too; and only now *)
  | State of Wire.node_state
  | Credit of int64  (** or what a Receipt says of the same *)
  | Lost of int * int64  (** type_id and count *)
  | Forgotten of int64  (** a request's correlation *)

type t = private {
  dialed : bool;
  where : string;  (** for people *)
  token : string;
  ours : Wire.hello;
  mutable theirs : Wire.hello option;
  reader : Frame.reader;  (** to be filled with what has come *)
  writer : Frame.writer;  (** of what is to be sent *)
  mutable state : state;
  mutable early_ready : Wire.ready option;
  mutable refusal : (Wire.reason * string) option;  (** the other side's; it has ended then *)
  mutable ends_when_written : string option;  (** why *)
  mutable ended : string option;  (** why; its connection is to be closed *)
}

val create : dialed:bool -> where:string -> token:string -> Wire.hello -> t
(** Begins with our Hello. The token is [""] where no proof is asked for. *)

val next : t -> event option
(** [None] if more bytes are needed, or the link ends: then [ended] or [ends_when_written] tells why. Raises nothing,
    whatever has come. *)

val theirs : t -> Wire.hello
(** The other side's Hello, once it was {!Accepted}. *)

val send_ready : t -> Wire.ready -> unit

val refuse : t -> Wire.reason -> string -> unit
(** Says why, and ends when it is written. *)

val protocol_error : t -> string -> unit
(** {!refuse} with the reason [Protocol]. *)

val close : t -> string -> unit
(** Ends at once. *)

val is_open : t -> bool
val is_up : t -> bool

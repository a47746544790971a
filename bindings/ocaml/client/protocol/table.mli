(** FlatBuffers tables of a few kinds of fields: the payloads of control frames. Bytes from strangers are checked before
    they are believed; no more is copied than they are long. *)

exception Malformed of string
(** What reading raises, and nothing else. *)

type t
(** A table that is being read. Fields are named by their place in the schema, from 0. *)

val root : string -> t
val bool : t -> int -> bool
val uint8 : t -> int -> int
val uint16 : t -> int -> int
val uint32 : t -> int -> int

val uint64 : t -> int -> int64
(** The same bits. All of them give 0 for a field that is absent. *)

val text : t -> int -> string

val bytes : t -> int -> string
(** A vector of bytes. *)

val uint16s : t -> int -> int list

val uint64s : t -> int -> int64 list

val tables : t -> int -> t list
(** All of them give nothing for a field that is absent. *)

(** A field to be written. *)
type field =
  | Bool of bool
  | Uint8 of int
  | Uint16 of int
  | Uint32 of int
  | Uint64 of int64
  | Text of string
  | Bytes of string
  | Uint16s of int list
  | Uint64s of int64 list
  | Tables of field list list

val write : field list -> string
(** The fields in the order of the schema. *)

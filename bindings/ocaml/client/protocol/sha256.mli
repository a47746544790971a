(** SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104), for the token of a bridge. *)

val digest : string -> string
(** 32 bytes. *)

val hmac : key:string -> string -> string
(** 32 bytes. *)

val equal : string -> string -> bool
(** In a time that depends on the lengths only, so that nobody can guess a secret byte by byte. *)

(** CRC-32C (RFC 3720, appendix B.4): the checksum of frames. *)

val update : int -> Bytes.t -> int -> int -> int
(** [update crc bytes first count]: of what [crc] is of, followed by these bytes; 0 is that of nothing. Raises
    [Invalid_argument] if they do not lie in [bytes]. *)

val string : string -> int

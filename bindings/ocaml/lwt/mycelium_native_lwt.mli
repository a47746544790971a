(** Mycelium's messages as Lwt streams, and its requests as promises. Lwt's loop watches a file descriptor of the bus,
    and is woken once per batch of messages; no thread is started. *)

open Mycelium_native

val stream :
  ?name:string ->
  ?policy:Runtime.policy ->
  ?capacity:int ->
  ?history:int ->
  ?block_timeout:float ->
  Runtime.t ->
  'a message ->
  'a Lwt_stream.t
(** Subscribes at once, and ends when the runtime is closed, or when the stream is collected. A stream that is not read
    meets the policy of its subscription. A malformed message fails one read with [Bus_error (Invalid_payload, _)]; the
    read after it gives the next. *)

val with_stream :
  ?name:string ->
  ?policy:Runtime.policy ->
  ?capacity:int ->
  ?history:int ->
  ?block_timeout:float ->
  Runtime.t ->
  'a message ->
  ('a Lwt_stream.t -> 'b Lwt.t) ->
  'b Lwt.t
(** The same for as long as the promise is pending. *)

val messages :
  ?name:string ->
  ?policy:Runtime.policy ->
  ?capacity:int ->
  ?history:int ->
  ?block_timeout:float ->
  Runtime.t ->
  int ->
  Message.t Lwt_stream.t
(** Messages of a type_id as they are. *)

val request : ?timeout:float -> Runtime.t -> 'a message -> 'b message -> 'a -> 'b Lwt.t
(** As {!Runtime.request}, without waiting for the reply. A promise that is cancelled forgets the request. *)

(* A subscriber and a publisher on one bus. *)

open Mycelium_native
open Mycelium_protocol

let () =
  let bus = Runtime.create schema_digest in
  Runtime.subscribe bus TextMessage.t (fun message ->
      Printf.printf "%s: %s (%Ld)\n" message.sender message.content message.timestamp);
  Runtime.publish bus TextMessage.t { sender = "example"; content = "hi"; timestamp = 123L };
  Runtime.close bus

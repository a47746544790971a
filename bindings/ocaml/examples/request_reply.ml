(* A question and its answer. *)

open Mycelium_native
open Mycelium_protocol

let words text =
  let blank = function ' ' | '\t' | '\n' | '\r' -> ' ' | other -> other in
  String.map blank text |> String.split_on_char ' ' |> List.filter (( <> ) "") |> List.length

let count (request : WordCountRequest.t) : WordCountReply.t =
  { words = Int64.of_int (words request.text); bytes = Int64.of_int (String.length request.text) }

let () =
  let bus = Runtime.create schema_digest in
  Runtime.serve bus WordCountRequest.t WordCountReply.t count;
  let reply = Runtime.request bus WordCountRequest.t WordCountReply.t { text = "the quick brown fox" } in
  Printf.printf "%Ld words, %Ld bytes\n" reply.words reply.bytes;
  Runtime.close bus

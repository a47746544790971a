open Mycelium_native
open My_messages

let () =
  let bus = Runtime.create schema_digest in
  Runtime.serve bus WordCountRequest.t WordCountReply.t (fun request ->
      let words = List.length (String.split_on_char ' ' request.text) in
      { WordCountReply.default with words = Int64.of_int words });
  let reply = Runtime.request bus WordCountRequest.t WordCountReply.t { text = "one two three" } in
  Printf.printf "%Ld words from OCaml\n" reply.words;
  Runtime.close bus

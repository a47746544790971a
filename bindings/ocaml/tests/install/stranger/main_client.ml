open Mycelium_client
open My_messages

(* Two nodes in one process, linked over a socket at the path that is given. *)
let () =
  let server = Runtime.create schema_digest and client = Runtime.create schema_digest in
  Runtime.serve server WordCountRequest.t WordCountReply.t (fun request ->
      let words = List.length (String.split_on_char ' ' request.text) in
      { WordCountReply.default with words = Int64.of_int words });
  Bridge.dial client (Bridge.listen server ("unix:" ^ Sys.argv.(1)));
  Runtime.wait_for_subscribers ~timeout:20. client WordCountRequest.type_id;
  let reply = Runtime.request ~timeout:20. client WordCountRequest.t WordCountReply.t { text = "one two three" } in
  Printf.printf "%Ld words from another node\n" reply.words;
  Runtime.close client;
  Runtime.close server

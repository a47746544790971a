(* Two processes on one bus. One listens and serves; the other, of any language, dials, publishes and asks:

   two_processes serve unix:/tmp/two
   two_processes publish unix:/tmp/two

   With Mycelium_client in place of Mycelium_native it needs no library. *)

open Mycelium_native
open Mycelium_protocol

let updates = 1000
let patience = 30.

let count_words (request : WordCountRequest.t) : WordCountReply.t =
  let blank = function '\t' | '\n' | '\r' -> ' ' | other -> other in
  let words = List.filter (( <> ) "") (String.split_on_char ' ' (String.map blank request.text)) in
  { words = Int64.of_int (List.length words); bytes = Int64.of_int (String.length request.text) }

let numbered value : CounterUpdate.t = { counter_id = 1L; value; delta = 1 }

let serve bus address =
  let news = Event.new_channel () in
  let tell what = Event.sync (Event.send news what) in
  let received = ref 0 and in_order = ref true in
  (* Handlers run one after the other, on one thread; types are not in order among each other. *)
  Runtime.subscribe bus CounterUpdate.t (fun update ->
      incr received;
      in_order := !in_order && update = numbered !received;
      if !received = updates then tell None);
  Runtime.subscribe bus TextMessage.t (fun message -> tell (Some message));
  Runtime.serve bus WordCountRequest.t WordCountReply.t count_words;
  Printf.printf "listening at %s\n%!" (Bridge.listen bus address);
  let first = Event.sync (Event.receive news) in
  let second = Event.sync (Event.receive news) in
  let farewell (message : TextMessage.t) = Printf.printf "%s says %s\n" message.sender message.content in
  List.iter (Option.iter farewell) [ first; second ];
  Printf.printf "%d updates %s\n" updates (if !in_order then "in order" else "that are not what was published")

let publish bus address =
  Bridge.dial bus address;
  (* Until one over there can be reached. *)
  let wait type_id = Runtime.wait_for_subscribers ~timeout:patience bus type_id in
  List.iter wait [ CounterUpdate.type_id; TextMessage.type_id; WordCountRequest.type_id ];
  Runtime.publish_batch bus CounterUpdate.t (Array.init updates (fun i -> numbered (i + 1)));
  let question : WordCountRequest.t = { text = "the quick brown fox" } in
  let reply = Runtime.request ~timeout:patience bus WordCountRequest.t WordCountReply.t question in
  Printf.printf "%Ld words, %Ld bytes\n" reply.words reply.bytes;
  Runtime.publish bus TextMessage.t { TextMessage.default with sender = "OCaml"; content = "goodbye 👋" }

let () =
  let run half address =
    let bus = Runtime.create ~close_timeout:patience schema_digest in
    half bus address;
    Runtime.close bus (* waits until the other process has it all *)
  in
  match Sys.argv with
  | [| _; "serve"; address |] -> run serve address
  | [| _; "publish"; address |] -> run publish address
  | _ ->
      prerr_endline "usage: two_processes serve|publish ADDRESS";
      exit 2

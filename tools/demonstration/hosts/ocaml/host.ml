(* The demo's job, hosted by OCaml: makes the bus, loads the publisher in C++ and the subscriber in C, receives the same
   messages itself, and counts words for the publisher.

     host FILE PUBLISHER SUBSCRIBER FOLDER MESSAGES

   What was received is written to FOLDER/received-by-c.txt and FOLDER/received-by-host.txt; what was counted, to standard
   output as a line of JSON, for tools/demonstration/host.py to check. *)

open Mycelium_native
open Mycelium_protocol

type publisher
type subscriber

(* Requests sent, words that the answers say, words as the publisher counted them. *)
type counted = { requests : int; words : int; expected : int }

(* Messages received, bytes of their contents, payloads that were no message. *)
type report = { messages : int; bytes : int; invalid : int }

external open_publisher : string -> nativeint -> string -> publisher = "demo_publisher_open"
external stream : publisher -> int -> unit = "demo_publisher_stream"
external count_words : publisher -> int -> counted = "demo_publisher_count_words"
external close_publisher : publisher -> unit = "demo_publisher_close"
external open_subscriber : string -> nativeint -> string -> subscriber = "demo_subscriber_open"
external report : subscriber -> report = "demo_subscriber_report"
external close_subscriber : subscriber -> unit = "demo_subscriber_close"

let lines_per_request = 25
let patience = 30.
let is_space = function ' ' | '\t' | '\n' | '\r' -> true | _ -> false

(* Runs of bytes other than space. *)
let words_of text =
  let words = ref 0 and in_word = ref false in
  let see byte =
    if (not (is_space byte)) && not !in_word then incr words;
    in_word := not (is_space byte)
  in
  String.iter see text;
  !words

let answer (request : WordCountRequest.t) : WordCountReply.t =
  { words = Int64.of_int (words_of request.text); bytes = Int64.of_int (String.length request.text) }

(* What the handler in OCaml has received, and a way to wait for it. *)
type receiver = { file : out_channel; mutex : Mutex.t; moved : Condition.t; mutable received : int; mutable size : int }

let receive to_ (message : TextMessage.t) =
  Mutex.lock to_.mutex;
  output_string to_.file message.content;
  to_.received <- to_.received + 1;
  to_.size <- to_.size + String.length message.content;
  Condition.signal to_.moved;
  Mutex.unlock to_.mutex

let wait_for receiver messages =
  Mutex.lock receiver.mutex;
  while receiver.received < messages do
    Condition.wait receiver.moved receiver.mutex
  done;
  Mutex.unlock receiver.mutex

let dropped bus =
  let drops = (Runtime.stats bus).dropped in
  drops.oldest + drops.newest + drops.timeout + drops.full + drops.unsubscribed + drops.closed

let run file publisher subscriber folder messages =
  let received_by who = Filename.concat folder ("received-by-" ^ who ^ ".txt") in
  let bus = Runtime.create ~name:"demo" ~block_timeout:patience schema_digest in
  let publisher = open_publisher publisher (Runtime.handle bus) file in
  let in_c = open_subscriber subscriber (Runtime.handle bus) (received_by "c") in
  let receiver =
    { file = open_out_bin (received_by "host"); mutex = Mutex.create (); moved = Condition.create (); received = 0; size = 0 }
  in
  Runtime.subscribe bus TextMessage.t (receive receiver);
  Runtime.serve bus WordCountRequest.t WordCountReply.t answer;

  let start = Unix.gettimeofday () in
  stream publisher messages;
  Runtime.flush ~timeout:patience bus;
  wait_for receiver messages;
  let seconds = Unix.gettimeofday () -. start in
  let by_c = report in_c in
  let words = count_words publisher lines_per_request in
  let dropped = dropped bus in
  close_subscriber in_c;
  Runtime.close bus;
  close_publisher publisher;
  close_out receiver.file;
  Printf.printf
    "{\"language\": \"OCaml %s\", \"c\": {\"messages\": %d, \"bytes\": %d, \"invalid\": %d}, \"host\": {\"messages\": %d, \
     \"bytes\": %d}, \"seconds\": %.6f, \"requests\": %d, \"words\": %d, \"expected\": %d, \"dropped\": %d}\n"
    Sys.ocaml_version by_c.messages by_c.bytes by_c.invalid receiver.received receiver.size seconds words.requests
    words.words words.expected dropped

let () =
  match Sys.argv with
  | [| _; file; publisher; subscriber; folder; messages |] -> (
      try run file publisher subscriber folder (int_of_string messages)
      with failure ->
        prerr_endline ("host: " ^ Printexc.to_string failure);
        exit 1)
  | _ ->
      prerr_endline "usage: host FILE PUBLISHER SUBSCRIBER FOLDER MESSAGES";
      exit 2

(* A host in OCaml and a plug-in in C on one bus: host_plugin.exe PATH. *)

open Mycelium_native
open Mycelium_protocol

type plugin

external load : string -> plugin = "plugin_load"
external start : plugin -> nativeint -> unit = "plugin_start_on"
external ask : plugin -> string -> int64 = "plugin_ask_words"
external stop : plugin -> unit = "plugin_stop_all"

let messages = 1000

let words text =
  let blank = function ' ' | '\t' | '\n' | '\r' -> ' ' | other -> other in
  String.map blank text |> String.split_on_char ' ' |> List.filter (( <> ) "") |> List.length

let count (request : WordCountRequest.t) : WordCountReply.t =
  { words = Int64.of_int (words request.text); bytes = Int64.of_int (String.length request.text) }

(* Waits until handlers have counted so far; they signal after each step. *)
let wait_for mutex moved condition =
  Mutex.lock mutex;
  while not (condition ()) do
    Condition.wait moved mutex
  done;
  Mutex.unlock mutex

let run path =
  let bus = Runtime.create ~block_timeout:60. schema_digest in
  let own = ref 0 and others = ref 0 in
  let mutex = Mutex.create () and moved = Condition.create () in
  let counted counter =
    Mutex.lock mutex;
    incr counter;
    Condition.signal moved;
    Mutex.unlock mutex
  in
  Runtime.serve bus WordCountRequest.t WordCountReply.t count;
  Runtime.subscribe bus TextMessage.t (fun _ -> counted own);
  Runtime.subscribe bus CounterUpdate.t (fun update -> if update.counter_id = 7L then counted others);
  let plugin = load path in
  start plugin (Runtime.handle bus);
  for i = 1 to messages do
    Runtime.publish bus TextMessage.t
      { sender = "host"; content = Printf.sprintf "line %d" i; timestamp = Int64.of_int i }
  done;
  wait_for mutex moved (fun () -> !own >= messages && !others >= messages);
  let reply = Runtime.request bus WordCountRequest.t WordCountReply.t { text = "one two three" } in
  let asked = ask plugin "a b c d" in
  stop plugin;
  Runtime.close bus;
  Printf.printf "heard %d of its own, %d from the plug-in\n" !own !others;
  Printf.printf "its own request: %Ld words\n" reply.words;
  Printf.printf "the plug-in's request: %Ld words\n" asked

let () =
  match Sys.argv with
  | [| _; path |] -> (
      try run path
      with exn ->
        prerr_endline ("host_plugin: " ^ Printexc.to_string exn);
        exit 1)
  | _ ->
      prerr_endline "usage: host_plugin PATH";
      exit 2

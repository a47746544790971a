(* mycelium_client as a subject of the conformance suite: tests/conformance/README.md has the contract. *)

open Mycelium_client

let output = Mutex.create ()

let print line =
  Mutex.lock output;
  print_endline line;
  Mutex.unlock output

let say format = Printf.ksprintf print format

let to_hex = function
  | "" -> "-"
  | text ->
      let digits c = Printf.sprintf "%02x" (Char.code c) in
      String.concat "" (List.map digits (List.of_seq (String.to_seq text)))

let of_hex = function
  | "-" -> ""
  | text -> String.init (String.length text / 2) (fun i -> Char.chr (int_of_string ("0x" ^ String.sub text (2 * i) 2)))

(* ---- words ---- *)

let short_name status =
  let name = Status.to_string status and prefix = "MYCELIUM_ERROR_" in
  let length = String.length prefix in
  if String.length name > length && String.sub name 0 length = prefix then
    String.sub name length (String.length name - length)
  else name

let text_of_trace = function
  | None -> "-"
  | Some { Message.trace_id; span_id; flags } -> Printf.sprintf "00-%s-%s-%02x" (to_hex trace_id) (to_hex span_id) flags

let trace_of_text text : Message.trace =
  match String.split_on_char '-' text with
  | [ _; trace_id; span_id; flags ] ->
      { trace_id = of_hex trace_id; span_id = of_hex span_id; flags = int_of_string ("0x" ^ flags) }
  | _ -> invalid_arg text

let number text = Int64.of_string ("0u" ^ text)

let print_message message =
  let envelope = Message.envelope message in
  say "message %d %s publisher=%Lu sequence=%Lu timestamp=%Ld correlation=%Lu priority=%d trace=%s key=%s"
    envelope.type_id
    (to_hex (Message.to_string message))
    envelope.publisher_id envelope.sequence envelope.timestamp_ns envelope.correlation_id envelope.priority
    (text_of_trace envelope.trace)
    (match Message.key message with None -> "-" | Some key -> Printf.sprintf "%Lu" key)

(* ---- commands ---- *)

type adapter = {
  runtime : Runtime.t;
  subscriptions : (int, Subscription.t) Hashtbl.t;
  mutable servers : Subscription.t list; (* so that they are not collected *)
  held : Message.t Queue.t;
  mutex : Mutex.t; (* of held *)
}

let publish adapter type_id payload options =
  let option name = List.find_map (fun (known, value) -> if known = name then Some value else None) options in
  Runtime.publish_string
    ?correlation_id:(Option.map number (option "correlation"))
    ?priority:(Option.map int_of_string (option "priority"))
    ?trace:(Option.map trace_of_text (option "trace"))
    ?destination:(Option.map (fun key -> Runtime.To_key (number key)) (option "key"))
    adapter.runtime type_id payload

let request adapter id type_id payload timeout =
  let request = Runtime.send_request_string adapter.runtime type_id payload in
  let wait () =
    match Request.wait ~timeout request with
    | type_id, payload -> say "reply %s %d %s" id type_id (to_hex payload)
    | exception Bus_error (status, _) -> say "failed %s %s" id (short_name status)
  in
  ignore (Thread.create wait ())

let serve adapter type_id how =
  let answer message payload =
    try Runtime.reply_string adapter.runtime message type_id payload with Bus_error (Subscription, _) -> ()
  in
  let handle message =
    if Message.is_request message then begin
      say "serving %d %s" type_id (to_hex (Message.to_string message));
      match how with
      | "echo" -> answer message (Message.to_string message)
      | "silent" -> Message.release message
      | _ ->
          Mutex.lock adapter.mutex;
          Queue.push message adapter.held;
          Mutex.unlock adapter.mutex
    end
  in
  adapter.servers <- Runtime.message_subscription adapter.runtime type_id handle :: adapter.servers

let answer adapter payload =
  Mutex.lock adapter.mutex;
  let oldest = Queue.take_opt adapter.held in
  Mutex.unlock adapter.mutex;
  match oldest with
  | None -> say "error NO_REQUEST"
  | Some message ->
      (try Runtime.reply_string adapter.runtime message (Message.type_id message) payload
       with Bus_error (Subscription, _) -> ());
      say "ok"

let print_stats adapter =
  let { Bridge.sent; acknowledged; dropped; lost; missing; invalid; links_made; links_cut; refused; _ } =
    Bridge.stats adapter.runtime
  in
  say
    "stats sent=%d acknowledged=%d dropped=%d lost=%d missing=%d invalid=%d links_made=%d links_cut=%d refused=%d" sent
    acknowledged dropped lost missing invalid links_made links_cut refused

let milliseconds text = float_of_string text /. 1e3

let obey adapter words =
  let ok work =
    work ();
    say "ok"
  in
  let runtime = adapter.runtime in
  match words with
  | [ "subscribe"; type_id ] ->
      ok (fun () ->
          let type_id = int_of_string type_id in
          Hashtbl.replace adapter.subscriptions type_id (Runtime.message_subscription runtime type_id print_message))
  | [ "unsubscribe"; type_id ] ->
      ok (fun () ->
          let type_id = int_of_string type_id in
          Option.iter (Runtime.unsubscribe runtime) (Hashtbl.find_opt adapter.subscriptions type_id);
          Hashtbl.remove adapter.subscriptions type_id)
  | "publish" :: type_id :: payload :: options ->
      let option text =
        let at = String.index text '=' in
        (String.sub text 0 at, String.sub text (at + 1) (String.length text - at - 1))
      in
      ok (fun () -> publish adapter (int_of_string type_id) (of_hex payload) (List.map option options))
  | [ "wait"; type_id; count; timeout ] ->
      ok (fun () ->
          Runtime.wait_for_subscribers ~timeout:(milliseconds timeout) ~count:(int_of_string count) runtime
            (int_of_string type_id))
  | [ "request"; id; type_id; payload; timeout ] ->
      ok (fun () -> request adapter id (int_of_string type_id) (of_hex payload) (milliseconds timeout))
  | [ "serve"; type_id; how ] -> ok (fun () -> serve adapter (int_of_string type_id) how)
  | [ "answer"; payload ] -> answer adapter (of_hex payload)
  | [ "stats" ] -> print_stats adapter
  | [ "close"; timeout ] ->
      ok (fun () -> Runtime.close ~timeout:(milliseconds timeout) runtime);
      exit 0
  | _ -> say "error UNKNOWN_COMMAND"

let rec serve_commands adapter =
  match input_line stdin with
  | exception End_of_file -> Runtime.close ~timeout:5. adapter.runtime
  | line ->
      (try obey adapter (String.split_on_char ' ' line) with
      | Bus_error (status, text) ->
          prerr_endline ("adapter: " ^ text);
          say "error %s" (short_name status)
      | Invalid_argument text | Failure text ->
          prerr_endline ("adapter: " ^ text);
          say "error INVALID_ARGUMENT");
      serve_commands adapter

(* ---- arguments ---- *)

let () =
  let config = ref Bridge.default in
  let dial = ref None and listen = ref None in
  let time set = Arg.Float (fun value -> config := set !config (value /. 1e3)) in
  let count set = Arg.Int (fun value -> config := set !config value) in
  let text set = Arg.String (fun value -> config := set !config value) in
  let policies =
    [
      ("block", Runtime.Block);
      ("drop_oldest", Runtime.Drop_oldest);
      ("drop_newest", Runtime.Drop_newest);
      ("fail", Runtime.Fail);
    ]
  in
  let policy name = config := { !config with policy = List.assoc name policies } in
  Arg.parse
    [
      ("--dial", Arg.String (fun address -> dial := Some address), "ADDRESS");
      ("--listen", Arg.String (fun address -> listen := Some address), "ADDRESS");
      ("--name", text (fun config name -> { config with name = Some name }), "TEXT");
      ("--token", text (fun config token -> { config with token = Some token }), "TEXT");
      ("--hello-timeout", time (fun config hello_timeout -> { config with hello_timeout }), "MS");
      ("--heartbeat", time (fun config heartbeat -> { config with heartbeat }), "MS");
      ("--silence", time (fun config silence -> { config with silence }), "MS");
      ("--linger", time (fun config linger -> { config with linger }), "MS");
      ("--window", count (fun config window -> { config with window }), "BYTES");
      ("--max-frame", count (fun config max_frame -> { config with max_frame }), "BYTES");
      ("--capacity", count (fun config capacity -> { config with capacity }), "N");
      ("--policy", Arg.Symbol (List.map fst policies, policy), " policy");
      ("--max-links", Arg.Int ignore, "N");
      ("--at-least-once", Arg.String ignore, "TYPES");
    ]
    (fun word -> raise (Arg.Bad word))
    "adapter --dial|--listen ADDRESS";
  let types = [ Runtime.Known Mycelium_protocol.TextMessage.t; Runtime.Known Mycelium_protocol.CounterUpdate.t ] in
  let on_log _ text = prerr_endline ("adapter: " ^ text) in
  let runtime = Runtime.create ~types ~on_log Mycelium_protocol.schema_digest in
  let adapter =
    { runtime; subscriptions = Hashtbl.create 16; servers = []; held = Queue.create (); mutex = Mutex.create () }
  in
  Bridge.open_ runtime !config;
  say "subject mycelium_client.ml counts drops keys";
  Option.iter (fun address -> say "listening %s" (Bridge.listen runtime address)) !listen;
  Option.iter (Bridge.dial runtime) !dial;
  serve_commands adapter

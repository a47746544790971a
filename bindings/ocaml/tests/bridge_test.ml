(* Runtimes that are linked: with each other, by a topology, and with the client that has no library. *)

open Mycelium_native
open Mycelium_protocol
open Collecting

let with_folder work =
  let path = Filename.temp_file "myc" "" in
  Sys.remove path;
  Unix.mkdir path 0o700;
  Fun.protect
    ~finally:(fun () ->
      Array.iter (fun name -> Sys.remove (Filename.concat path name)) (Sys.readdir path);
      Unix.rmdir path)
    (fun () -> work path)

let until_wanted runtime type_id = Runtime.wait_for_subscribers ~timeout:20. runtime type_id

let words (request : WordCountRequest.t) =
  { WordCountReply.default with words = Int64.of_int (List.length (String.split_on_char ' ' request.text)) }

(* Messages to [one] from [other], a request there, and what both count. *)
let talk one other =
  let got = create () in
  Runtime.subscribe one CounterUpdate.t (fun update -> add got update.value);
  Runtime.serve one WordCountRequest.t WordCountReply.t words;
  until_wanted other CounterUpdate.type_id;
  until_wanted other WordCountRequest.type_id;
  for value = 1 to 100 do
    Runtime.publish other CounterUpdate.t (number value)
  done;
  Alcotest.(check (list int)) "in order" (List.init 100 succ) (wait got 100);
  let reply = Runtime.request ~timeout:20. other WordCountRequest.t WordCountReply.t { text = "one two three" } in
  Alcotest.(check int64) "answered there" 3L reply.words

let linked ?(config = Bridge.default) address work =
  with_runtime (fun one ->
      with_runtime (fun other ->
          Bridge.open_ one config;
          Bridge.open_ other config;
          let bound = Bridge.listen one address in
          Bridge.dial other bound;
          Bridge.wait_for_links ~timeout:20. one 1;
          Bridge.wait_for_links ~timeout:20. other 1;
          work bound one other))

let over_a_unix_socket () =
  with_folder (fun folder ->
      let address = "unix:" ^ folder ^ "/bus" in
      linked address (fun bound one other ->
          Alcotest.(check string) "the address" address bound;
          talk one other;
          let stats = Bridge.stats other in
          Alcotest.(check (list int)) "counted" [ 1; 1; 1; 101 ]
            [ stats.neighbours; stats.reachable; stats.links_made; stats.sent ];
          check_contains (Bridge.json one) (Printf.sprintf "%016Lx" stats.node)))

let over_tcp_with_a_token () =
  let config =
    { Bridge.default with name = Some "a node"; token = Some "secret"; window = 1 lsl 17; heartbeat = 0.5 }
  in
  linked ~config "tcp:127.0.0.1:0" (fun bound one other ->
      Alcotest.(check bool) "the port that the system chose" false (contains bound "127.0.0.1:0");
      talk one other;
      check_contains (Bridge.json one) "a node")

let by_a_topology () =
  with_folder (fun folder ->
      let path = folder ^ "/topology.toml" in
      let file = open_out path in
      Printf.fprintf file
        "socket_dir = %S\n[[nodes]]\nname = \"eyes\"\nservices = [\"camera\"]\n[[nodes]]\nname = \"brain\"\nservices = \
         [\"planner\"]\n"
        folder;
      close_out file;
      let create service = Runtime.create_from_topology ~schema_digest ~service path in
      let one = create "camera" in
      let other = create "planner" in
      Bridge.wait_for_links ~timeout:20. one 1;
      talk one other;
      Runtime.close other;
      Runtime.close one)

(* A token from a file, read again; and limits, which are those of the C interface. *)
let files_are_read_again () =
  with_folder (fun folder ->
      let path = folder ^ "/token" in
      let write text =
        let file = open_out path in
        output_string file text;
        close_out file;
        Unix.chmod path 0o600
      in
      write "secret\n";
      let limited = { Bridge.default with socket_mode = 0o600; max_requests = 10; max_message_rate = 1_000_000 } in
      let config = { limited with token_file = Some path } in
      linked ~config ("unix:" ^ folder ^ "/bus") (fun _ one other ->
          talk one other;
          Bridge.reload one;
          Alcotest.(check int) "all was allowed" 0 (Bridge.stats one).not_allowed;
          Sys.remove path;
          check_contains (raises Invalid_argument "no file" (fun () -> Bridge.reload one)) "token"));
  with_runtime (fun runtime ->
      let config = { Bridge.default with tls_cert = Some "/nowhere.pem"; tls_key = Some "/nowhere.key" } in
      check_contains (raises Invalid_argument "certificate" (fun () -> Bridge.open_ runtime config)) "/nowhere")

(* Confirmed is what a handler has returned from, or has raised in; acknowledged it was before. *)
let confirmed_when_it_was_handled subscribe =
  with_folder (fun folder ->
      with_runtime ~on_error:ignore_errors (fun one ->
          with_runtime (fun other ->
              let got = create () and gate = create () in
              let subscription =
                subscribe one (fun value ->
                    pass gate;
                    add got value;
                    failwith "handled all the same")
              in
              Bridge.open_ other { Bridge.default with at_least_once = Some "20001, examples" };
              Bridge.dial other (Bridge.listen one ("unix:" ^ folder ^ "/bus"));
              until_wanted other CounterUpdate.type_id;
              Runtime.publish other CounterUpdate.t (number 7);
              let is_unconfirmed () = contains (Bridge.json other) "\"unconfirmed\": 1" in
              until is_unconfirmed;
              Alcotest.(check (list int)) "not yet" [] (items got);
              open_gate gate;
              until (fun () -> not (is_unconfirmed ()));
              Alcotest.(check (list int)) "delivered" [ 7 ] (items got);
              Subscription.close subscription)))

let at_least_once () =
  confirmed_when_it_was_handled (fun bus handle ->
      Runtime.subscription bus CounterUpdate.t (fun update -> handle update.value));
  confirmed_when_it_was_handled (fun bus handle ->
      Runtime.batch_subscription bus CounterUpdate.t (Array.iter (fun (update : CounterUpdate.t) -> handle update.value)));
  with_runtime (fun runtime ->
      List.iter
        (fun (types, why) ->
          let open_it () = Bridge.open_ runtime { Bridge.default with at_least_once = Some types } in
          let text = raises Invalid_argument types open_it in
          check_contains text "at_least_once";
          check_contains text why)
        [ ("0", "ids in 1 to 65535"); ("5-3", "\"1000-1999\""); ("", "holds nothing where a type should be") ])

let what_is_refused_tells_why () =
  with_runtime (fun runtime ->
      check_contains (raises Invalid_argument "no bridge" (fun () -> Bridge.stats runtime)) "bridge";
      ignore (raises Invalid_argument "json" (fun () -> Bridge.json runtime));
      check_contains (raises Invalid_argument "address" (fun () -> Bridge.dial runtime "/tmp/x")) "no address";
      ignore (raises Invalid_argument "far" (fun () -> Bridge.listen runtime "tcp:0.0.0.0:0"));
      ignore (raises Timeout "nobody" (fun () -> Bridge.wait_for_links ~timeout:0.01 runtime 1)));
  with_runtime (fun runtime ->
      ignore (raises_invalid "limit" (fun () -> Bridge.open_ runtime { Bridge.default with window = -1 }));
      ignore (raises_invalid "time" (fun () -> Bridge.open_ runtime { Bridge.default with linger = nan }));
      Bridge.open_ runtime Bridge.default;
      ignore (raises Invalid_argument "twice" (fun () -> Bridge.open_ runtime Bridge.default)));
  let runtime = Runtime.create schema_digest in
  Runtime.close runtime;
  ignore (raises Closed "closed" (fun () -> Bridge.dial runtime "unix:/tmp/x"))

(* ---- with the client ---- *)

module Client = Mycelium_client

let with_client work =
  let client = Client.Runtime.create schema_digest in
  Fun.protect (fun () -> work client) ~finally:(fun () -> Client.Runtime.close client)

(* Both ways, more than a window holds, and requests both ways. *)
let with_the_client_that_has_no_library ~client_listens () =
  with_folder (fun folder ->
      let address = "unix:" ^ folder ^ "/bus" in
      with_runtime (fun runtime ->
          with_client (fun client ->
              Client.Bridge.open_ client { Client.Bridge.default with window = 1 lsl 16 };
              if client_listens then Bridge.dial runtime (Client.Bridge.listen client address)
              else Client.Bridge.dial client (Bridge.listen runtime address);
              let here = create () and there = create () in
              Runtime.subscribe runtime TextMessage.t (fun message -> add here message.content);
              Client.Runtime.subscribe client TextMessage.t (fun message -> add there message.content);
              Client.Runtime.serve client WordCountRequest.t WordCountReply.t words;
              Runtime.wait_for_subscribers ~timeout:20. ~count:2 runtime TextMessage.type_id;
              Client.Runtime.wait_for_subscribers ~timeout:20. ~count:2 client TextMessage.type_id;
              until_wanted runtime WordCountRequest.type_id;
              let texts from = List.init 200 (fun i -> Printf.sprintf "%s %d %s" from i (String.make 1000 '.')) in
              List.iter2
                (fun ours theirs ->
                  Runtime.publish runtime TextMessage.t (text ours);
                  Client.Runtime.publish client TextMessage.t (text theirs))
                (texts "library") (texts "client");
              let from who all = List.filter (fun text -> contains text who) all in
              let all_here = wait here 400 and all_there = wait there 400 in
              Alcotest.(check (list string)) "to the library" (texts "client") (from "client" all_here);
              Alcotest.(check (list string)) "to the client" (texts "library") (from "library" all_there);
              let reply =
                Runtime.request ~timeout:20. runtime WordCountRequest.t WordCountReply.t { text = "one two" }
              in
              Alcotest.(check int64) "the client answers" 2L reply.words)))

let () =
  Alcotest.run ~and_exit:false "bridge"
    [
      ( "linked",
        [
          test "over a Unix socket" over_a_unix_socket;
          test "over TCP, with a token" over_tcp_with_a_token;
          test "by a topology" by_a_topology;
          test "with the client, which dials" (with_the_client_that_has_no_library ~client_listens:false);
          test "with the client, which listens" (with_the_client_that_has_no_library ~client_listens:true);
        ] );
      ("files", [ test "are read again" files_are_read_again ]);
      ("types", [ test "are delivered at least once" at_least_once ]);
      ("errors", [ test "what is refused tells why" what_is_refused_tells_why ]);
    ]

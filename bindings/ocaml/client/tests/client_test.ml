(* Two clients that are linked with each other, and what a runtime does by itself. *)

open Mycelium_client
open Mycelium_protocol
open Gathering

let until_wanted ?(count = 1) runtime type_id = Runtime.wait_for_subscribers ~timeout:20. ~count runtime type_id

let messages_cross_both_ways config address () =
  with_two ~config ?address (fun one other ->
      let here = create () and there = create () in
      Runtime.subscribe one TextMessage.t (fun message -> add here message.content);
      Runtime.subscribe other CounterUpdate.t (fun update -> add there update.value);
      until_wanted other TextMessage.type_id;
      until_wanted one CounterUpdate.type_id;
      for i = 1 to 1000 do
        Runtime.publish other TextMessage.t (text (string_of_int i));
        Runtime.publish one CounterUpdate.t (number i)
      done;
      let texts = List.init 1000 (fun i -> string_of_int (i + 1)) in
      Alcotest.(check (list string)) "texts, in order" texts (wait here 1000);
      Alcotest.(check (list int)) "numbers, in order" (List.init 1000 succ) (wait there 1000))

let secret = { Bridge.default with token = Some "a secret of both" }

(* What was published is what is received, byte by byte and as values. *)
let golden_vectors_cross () =
  let open Golden_values in
  with_two (fun one other ->
      let raw = create () and values = create () in
      let subscribe (Codec (descriptor, _)) =
        let add_value value = add values (to_hex (descriptor#encode value)) in
        ( Runtime.message_subscription one descriptor#type_id (fun message -> add raw (Message.to_string message)),
          Runtime.subscription one descriptor add_value )
      in
      let handles = List.map subscribe codecs in
      List.iter (fun (Codec (descriptor, _)) -> until_wanted other descriptor#type_id) codecs;
      let publish vector =
        let (Codec (descriptor, read)) = codec_of vector.type_name in
        Runtime.publish other descriptor (read vector.value)
      in
      List.iter publish vectors;
      let count = List.length vectors in
      Alcotest.(check bool) "there are some" true (count >= 60);
      let expected = List.map (fun vector -> to_hex vector.bytes) vectors in
      Alcotest.(check (list string)) "bytes" expected (List.map to_hex (wait raw count));
      Alcotest.(check (list string)) "values" expected (wait values count);
      Alcotest.(check int) "none was refused" 0 (Bridge.stats one).invalid;
      List.iter
        (fun (one, other) ->
          Subscription.close one;
          Subscription.close other)
        handles)

let the_envelope_crosses () =
  with_two (fun one other ->
      let got = create () in
      let subscription = Runtime.message_subscription one TextMessage.type_id (add got) in
      until_wanted other TextMessage.type_id;
      let trace = { Message.trace_id = String.make 16 't'; span_id = String.make 8 's'; flags = 1 } in
      Runtime.publish_with ~correlation_id:5L ~priority:9 ~trace other TextMessage.t (text "one");
      Runtime.publish_with ~destination:(To_key 77L) other TextMessage.t (text "two");
      match wait got 2 with
      | [ first; second ] ->
          let envelope = Message.envelope first in
          Alcotest.(check int64) "correlation" 5L envelope.correlation_id;
          Alcotest.(check int) "priority" 9 envelope.priority;
          Alcotest.(check bool) "trace" true (envelope.trace = Some trace);
          Alcotest.(check bool) "a time of now" true (Int64.to_float envelope.timestamp_ns /. 1e9 > 1.6e9);
          Alcotest.(check (option int64)) "key" (Some 77L) (Message.key second);
          Alcotest.(check bool) "sequences grow" true ((Message.envelope second).sequence > envelope.sequence);
          Alcotest.(check bool) "decoded" true (Message.decode TextMessage.t first = Ok (text "one"));
          Subscription.close subscription
      | _ -> Alcotest.fail "two were sent")

let a_key_chooses_one () =
  with_two (fun one other ->
      let here = create () and there = create () in
      Runtime.subscribe one CounterUpdate.t (fun update -> add there update.value);
      Runtime.subscribe other CounterUpdate.t (fun update -> add here update.value);
      until_wanted ~count:2 other CounterUpdate.type_id;
      for i = 0 to 99 do
        Runtime.publish_with ~destination:(To_key (Int64.of_int (i mod 10))) other CounterUpdate.t (number i)
      done;
      Runtime.flush ~timeout:20. other;
      until (fun () -> List.length (items here) + List.length (items there) = 100);
      let keys all = List.sort_uniq compare (List.map (fun i -> i mod 10) all) in
      let both = List.filter (fun key -> List.mem key (keys (items there))) (keys (items here)) in
      Alcotest.(check (list int)) "a key's messages stay together" [] both;
      Alcotest.(check bool) "both have some" true (items here <> [] && items there <> []))

(* ---- requests ---- *)

let words (request : WordCountRequest.t) =
  { WordCountReply.default with words = Int64.of_int (List.length (String.split_on_char ' ' request.text)) }

let ask ?timeout runtime text = (Runtime.request ?timeout runtime WordCountRequest.t WordCountReply.t { text }).words

let requests_are_answered_here_and_there () =
  with_two (fun one other ->
      Runtime.serve one WordCountRequest.t WordCountReply.t words;
      until_wanted other WordCountRequest.type_id;
      Alcotest.(check int64) "there" 3L (ask other "one two three");
      Alcotest.(check int64) "here" 2L (ask one "one two");
      Alcotest.(check int) "none is pending" 0 (Runtime.stats other).requests_pending)

let who_is_not_answered_hears_why () =
  let errors = create () in
  with_two (fun one other ->
      ignore (raises No_reply "nobody" (fun () -> ask other "x"));
      with_runtime
        ~on_error:(fun name exn _ -> add errors (name, exn))
        (fun alone ->
          Runtime.serve alone WordCountRequest.t WordCountReply.t (fun _ -> failwith "not today");
          ignore (raises No_reply "it raised" (fun () -> ask alone "x")));
      Alcotest.(check bool) "reported" true (List.map snd (items errors) = [ Failure "not today" ]);
      let kept = create () in
      let keeper = Runtime.message_subscription one WordCountRequest.type_id (add kept) in
      until_wanted other WordCountRequest.type_id;
      let asked = Runtime.send_request other WordCountRequest.t WordCountReply.t { text = "x" } in
      let request = List.hd (wait kept 1) in
      ignore (raises Timeout "kept" (fun () -> Request.wait ~timeout:0. asked));
      (* It is told that nobody waits any more before it hears what follows. *)
      let told = create () in
      Runtime.subscribe one TextMessage.t (add told);
      until_wanted other TextMessage.type_id;
      Runtime.publish other TextMessage.t (text "after it");
      ignore (wait told 1);
      let reply () = Runtime.reply one request WordCountReply.t WordCountReply.default in
      ignore (raises Subscription "nobody waits" reply);
      let asked = Runtime.send_request other WordCountRequest.t WordCountReply.t { text = "y" } in
      Message.release (List.nth (wait kept 2) 1);
      ignore (raises No_reply "released" (fun () -> Request.wait asked));
      let asked = Runtime.send_request other WordCountRequest.t WordCountReply.t { text = "z" } in
      ignore (wait kept 3);
      Runtime.close one;
      ignore (raises No_reply "the link was cut" (fun () -> Request.wait asked));
      Subscription.close keeper)

let the_first_reply_counts () =
  with_two (fun one other ->
      let leave = create () and entered = create () in
      Runtime.serve one WordCountRequest.t WordCountReply.t (fun request ->
          open_gate entered;
          pass leave;
          words request);
      Runtime.serve other WordCountRequest.t WordCountReply.t (fun request ->
          pass entered;
          words request);
      until_wanted ~count:2 other WordCountRequest.type_id;
      Alcotest.(check int64) "the one here" 1L (ask other "one");
      open_gate leave)

(* ---- subscriptions ---- *)

let handlers_that_raise_are_reported () =
  let got = create () and errors = create () in
  with_runtime
    ~on_error:(fun name exn _ -> add errors (name, Printexc.to_string exn))
    (fun runtime ->
      let subscription =
        Runtime.subscription ~name:"fragile" runtime CounterUpdate.t (fun update ->
            if update.value = 1 then failwith "broken";
            add got update.value)
      in
      List.iter (fun value -> Runtime.publish runtime CounterUpdate.t (number value)) [ 1; 2 ];
      Alcotest.(check (list int)) "the next comes" [ 2 ] (wait got 1);
      Alcotest.(check (list (pair string string))) "told" [ ("fragile", "Failure(\"broken\")") ] (items errors);
      Alcotest.(check int) "counted" 1 (Subscription.stats subscription).callback_errors)

let nothing_comes_after_close () =
  let got = create () and entered = create () and leave = create () in
  with_runtime (fun runtime ->
      let subscription =
        Runtime.subscription runtime CounterUpdate.t (fun update ->
            open_gate entered;
            pass leave;
            add got update.value)
      in
      List.iter (fun value -> Runtime.publish runtime CounterUpdate.t (number value)) [ 1; 2; 3 ];
      pass entered;
      let closer = Thread.create Subscription.close subscription in
      until (fun () -> (Subscription.stats subscription).dropped.unsubscribed = 2);
      open_gate leave;
      Thread.join closer;
      Alcotest.(check (list int)) "what ran" [ 1 ] (items got);
      Alcotest.(check bool) "closed" true (Subscription.is_closed subscription);
      Subscription.close subscription)

let the_oldest_makes_room_here () =
  let entered = create () and leave = create () and got = create () in
  with_runtime (fun runtime ->
      let handle (update : CounterUpdate.t) =
        open_gate entered;
        pass leave;
        add got update.value
      in
      let subscription = Runtime.subscription ~policy:Drop_oldest ~capacity:2 runtime CounterUpdate.t handle in
      Runtime.publish runtime CounterUpdate.t (number 1);
      pass entered;
      List.iter (fun value -> Runtime.publish runtime CounterUpdate.t (number value)) [ 2; 3; 4; 5; 6 ];
      until (fun () -> (Subscription.stats subscription).dropped.oldest = 3);
      open_gate leave;
      Alcotest.(check (list int)) "the newest" [ 1; 5; 6 ] (wait got 3);
      Subscription.close subscription)

let a_handle_that_nobody_holds_ends_its_subscription () =
  with_runtime (fun runtime ->
      let subscribe () = ignore (Sys.opaque_identity (Runtime.subscription runtime CounterUpdate.t ignore)) in
      subscribe ();
      until (fun () ->
          Gc.full_major ();
          (Runtime.stats runtime).subscriptions = 0))

let waiting_for_handlers_is_refused_in_handlers () =
  let got = create () in
  with_runtime (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun _ ->
          add got (raises Unsupported "close" (fun () -> Runtime.close runtime));
          add got (raises Unsupported "flush" (fun () -> Runtime.flush runtime)));
      Runtime.publish runtime CounterUpdate.t (number 1);
      ignore (wait got 2))

(* ---- the life of a runtime ---- *)

let descriptors () = Array.length (Sys.readdir "/proc/self/fd")
let threads () = Array.length (Sys.readdir "/proc/self/task")

let close_ends_threads_and_sockets () =
  let cycle () =
    with_two (fun one other ->
        Runtime.subscribe one CounterUpdate.t ignore;
        until_wanted other CounterUpdate.type_id;
        Runtime.publish other CounterUpdate.t (number 1);
        Runtime.close other;
        ignore (raises Closed "publish" (fun () -> Runtime.publish other CounterUpdate.t (number 1)));
        ignore (raises Closed "subscribe" (fun () -> Runtime.subscribe other CounterUpdate.t ignore));
        ignore (raises Closed "dial" (fun () -> Bridge.dial other "unix:/nowhere"));
        Alcotest.(check int) "statistics stay" 1 (Bridge.stats other).acknowledged;
        Runtime.close other)
  in
  (* The first leaves what is kept for the next: bells, and a source of random numbers. *)
  for _ = 1 to 3 do
    cycle ()
  done;
  until (fun () -> threads () <= 2);
  let before = descriptors () in
  for _ = 1 to 20 do
    cycle ()
  done;
  until (fun () -> threads () <= 2);
  Alcotest.(check bool) "no descriptors" true (descriptors () <= before)

let close_says_that_a_handler_still_runs () =
  let entered = create () and leave = create () in
  let runtime = Runtime.create schema_digest in
  Runtime.subscribe runtime CounterUpdate.t (fun _ ->
      open_gate entered;
      pass leave);
  Runtime.publish runtime CounterUpdate.t (number 1);
  pass entered;
  check_contains (raises Timeout "close" (fun () -> Runtime.close ~timeout:0.02 runtime)) "still runs";
  open_gate leave;
  Runtime.close runtime

let two_schemas_of_one_type_are_refused () =
  with_runtime (fun runtime ->
      Runtime.publish runtime TextMessage.t (text "");
      let another =
        object
          method type_id = TextMessage.type_id
          method topic = ""
          method type_name = "Another"
          method type_digest = String.make 32 'x'
          method encode (_ : unit) = ""
          method decode (_ : Message.views option) (_ : Message.payload) : (unit, string) result = Ok ()
        end
      in
      check_contains (raises Digest "another" (fun () -> Runtime.publish runtime another ())) "two schemas")

let a_child_cannot_use_the_parents_runtime () =
  with_runtime (fun runtime ->
      Runtime.publish runtime CounterUpdate.t (number 1);
      match Unix.fork () with
      | 0 ->
          let refused work = match work () with exception Bus_error (Forked, _) -> true | _ -> false in
          let all =
            refused (fun () -> Runtime.publish runtime CounterUpdate.t (number 1))
            && refused (fun () -> Runtime.subscribe runtime CounterUpdate.t ignore)
            && refused (fun () -> Runtime.close runtime)
          in
          Unix._exit (if all then 0 else 1)
      | child -> Alcotest.(check bool) "refused" true (snd (Unix.waitpid [] child) = WEXITED 0))

let () =
  Alcotest.run ~and_exit:false "client"
    [
      ( "messages",
        [
          test "messages_cross_both_ways over unix" (messages_cross_both_ways Bridge.default None);
          test "messages_cross_both_ways over tcp" (messages_cross_both_ways Bridge.default (Some "tcp:127.0.0.1:0"));
          test "messages_cross_both_ways with a token" (messages_cross_both_ways secret None);
          test "golden_vectors_cross" golden_vectors_cross;
          test "the_envelope_crosses" the_envelope_crosses;
          test "a_key_chooses_one" a_key_chooses_one;
        ] );
      ( "requests",
        [
          test "requests_are_answered_here_and_there" requests_are_answered_here_and_there;
          test "who_is_not_answered_hears_why" who_is_not_answered_hears_why;
          test "the_first_reply_counts" the_first_reply_counts;
        ] );
      ( "subscriptions",
        [
          test "handlers_that_raise_are_reported" handlers_that_raise_are_reported;
          test "nothing_comes_after_close" nothing_comes_after_close;
          test "the_oldest_makes_room_here" the_oldest_makes_room_here;
          test "a_handle_that_nobody_holds_ends_its_subscription" a_handle_that_nobody_holds_ends_its_subscription;
          test "waiting_for_handlers_is_refused_in_handlers" waiting_for_handlers_is_refused_in_handlers;
        ] );
      ( "life",
        [
          test "close_ends_threads_and_sockets" close_ends_threads_and_sockets;
          test "close_says_that_a_handler_still_runs" close_says_that_a_handler_still_runs;
          test "two_schemas_of_one_type_are_refused" two_schemas_of_one_type_are_refused;
          test "a_child_cannot_use_the_parents_runtime" a_child_cannot_use_the_parents_runtime;
        ] );
    ]

(* Requests, those who serve them, and messages that are asked for. *)

open Mycelium_native
open Mycelium_protocol
open Collecting

let ask ?timeout runtime text = Runtime.request ?timeout runtime WordCountRequest.t WordCountReply.t { text }
let answer (request : WordCountRequest.t) : WordCountReply.t =
  { words = 1L; bytes = Int64.of_int (String.length request.text) }

let a_request_gets_its_reply () =
  with_runtime (fun runtime ->
      Runtime.serve runtime WordCountRequest.t WordCountReply.t answer;
      List.iter
        (fun length ->
          let reply = ask runtime (String.make length 'x') in
          Alcotest.(check int64) "reply" (Int64.of_int length) reply.bytes)
        [ 0; 1; 100; 100_000 ];
      Alcotest.(check int) "none is left" 0 (Runtime.stats runtime).requests_pending)

let requests_from_many_threads_get_their_own_replies () =
  with_runtime (fun runtime ->
      Runtime.serve runtime WordCountRequest.t WordCountReply.t answer;
      let wrong = ref 0 in
      let asker id =
        Thread.create
          (fun () ->
            for i = 1 to 100 do
              let length = (id * 1000) + i in
              if (ask runtime (String.make length 'x')).bytes <> Int64.of_int length then incr wrong
            done)
          ()
      in
      List.iter Thread.join (List.init 4 asker);
      Alcotest.(check int) "wrong ones" 0 !wrong)

let nobody_serves_is_told_at_once () =
  with_runtime (fun runtime ->
      check_contains (raises No_reply "nobody" (fun () -> ask ~timeout:60. runtime "x")) "nobody serves it")

let a_server_that_fails_leaves_it_unanswered () =
  let errors = create () in
  with_runtime
    ~on_error:(fun name exn _ -> add errors (name, exn))
    (fun runtime ->
      let server =
        Runtime.server ~name:"bad" runtime WordCountRequest.t WordCountReply.t (fun _ -> failwith "on purpose")
      in
      ignore (raises No_reply "failed" (fun () -> ask ~timeout:60. runtime "x"));
      Alcotest.(check bool) "reported" true (items errors = [ ("bad", Failure "on purpose") ]);
      Alcotest.(check int) "counted" 1 (Subscription.stats server).callback_errors;
      Subscription.close server)

let a_slow_server_is_waited_for_until_the_time_is_over () =
  let leave = create () in
  with_runtime (fun runtime ->
      Runtime.serve runtime WordCountRequest.t WordCountReply.t (fun request ->
          pass leave;
          answer request);
      check_contains (raises Timeout "slow" (fun () -> ask ~timeout:0.02 runtime "x")) "no reply within 0.02 s";
      open_gate leave;
      (* An answer that comes too late is no error of the server's. *)
      Runtime.flush runtime;
      Alcotest.(check int) "errors" 0 (Runtime.stats runtime).callback_errors)

let a_reply_of_another_type_is_told () =
  with_runtime (fun runtime ->
      Runtime.serve runtime WordCountRequest.t TextMessage.t (fun _ -> text "no count");
      check_contains (raises Invalid_payload "type" (fun () -> ask runtime "x")) "has type_id 1001, not 1005")

let messages_that_are_no_requests_are_left_alone () =
  let served = create () in
  with_runtime (fun runtime ->
      Runtime.serve runtime WordCountRequest.t WordCountReply.t (fun request ->
          add served request.text;
          answer request);
      Runtime.publish runtime WordCountRequest.t { text = "published" };
      ignore (ask runtime "asked");
      Runtime.flush runtime);
  Alcotest.(check (list string)) "served" [ "asked" ] (items served)

let a_request_may_be_answered_later_and_elsewhere () =
  let asked = create () in
  with_runtime (fun runtime ->
      let keeper = Runtime.message_subscription runtime WordCountRequest.type_id (add asked) in
      let answering =
        Thread.create
          (fun () ->
            let message = List.hd (wait asked 1) in
            Alcotest.(check bool) "a request" true (Message.is_request message);
            Runtime.reply runtime message WordCountReply.t { words = 7L; bytes = 0L };
            ignore
              (raises Subscription "twice" (fun () ->
                   Runtime.reply runtime message WordCountReply.t { words = 8L; bytes = 0L })))
          ()
      in
      Alcotest.(check int64) "words" 7L (ask runtime "x").words;
      Thread.join answering;
      Subscription.close keeper)

let closing_ends_requests_that_wait () =
  let asked = create () in
  let runtime = Runtime.create schema_digest in
  let keeper = Runtime.message_subscription runtime WordCountRequest.type_id (add asked) in
  let result = create () in
  let asking () = add result (raises Closed "request" (fun () -> ask ~timeout:60. runtime "x")) in
  let asker = Thread.create asking () in
  ignore (wait asked 1);
  Runtime.close runtime;
  Thread.join asker;
  check_contains (List.hd (items result)) "closed";
  ignore (Sys.opaque_identity keeper)

(* ---- receivers ---- *)

let values updates = List.map (fun (update : CounterUpdate.t) -> update.value) updates

let a_receiver_gives_what_comes () =
  with_runtime (fun runtime ->
      let receiver = Runtime.receiver runtime CounterUpdate.t in
      Alcotest.(check bool) "nothing yet" true (Receiver.next ~timeout:0. receiver = None);
      Alcotest.(check bool) "still nothing" true (Receiver.next ~timeout:0.01 receiver = None);
      for value = 1 to 600 do
        Runtime.publish runtime CounterUpdate.t (number value)
      done;
      let first = Option.get (Receiver.next receiver) in
      let rec rest got =
        match Receiver.next_batch ~timeout:0. receiver with [||] -> got | batch -> rest (got @ Array.to_list batch)
      in
      Alcotest.(check (list int)) "all" (List.init 600 succ) (values (first :: rest []));
      Alcotest.(check int) "delivered" 600 (Receiver.stats receiver).delivered;
      Receiver.close receiver;
      Receiver.close receiver;
      Alcotest.(check bool) "ended" true (Receiver.is_ended receiver);
      Alcotest.(check bool) "nothing" true (Receiver.next receiver = None))

let a_receiver_waits_for_another_thread's_message () =
  with_runtime (fun runtime ->
      let receiver = Runtime.receiver runtime CounterUpdate.t in
      let publisher =
        Thread.create
          (fun () ->
            Runtime.wait_for_subscribers runtime CounterUpdate.type_id;
            Runtime.publish runtime CounterUpdate.t (number 5))
          ()
      in
      Alcotest.(check (list int)) "it" [ 5 ] (values (Option.to_list (Receiver.next receiver)));
      Thread.join publisher)

let a_receiver_goes_on_after_a_malformed_message () =
  with_runtime (fun runtime ->
      let receiver = Runtime.receiver runtime CounterUpdate.t in
      let publish value = Runtime.publish runtime CounterUpdate.t (number value) in
      let publish_nonsense () = Runtime.publish_string runtime CounterUpdate.type_id "nonsense" in
      publish 1;
      publish_nonsense ();
      publish 2;
      Alcotest.(check (list int)) "before" [ 1 ] (values (Array.to_list (Receiver.next_batch receiver)));
      ignore (raises Invalid_payload "it" (fun () -> Receiver.next_batch receiver));
      Alcotest.(check (list int)) "after" [ 2 ] (values (Array.to_list (Receiver.next_batch receiver)));
      publish_nonsense ();
      publish 3;
      ignore (raises Invalid_payload "it" (fun () -> Receiver.next receiver));
      Alcotest.(check (list int)) "after" [ 3 ] (values (Option.to_list (Receiver.next receiver))))

let its_descriptor_tells_that_there_is_something () =
  with_runtime (fun runtime ->
      let receiver = Runtime.message_receiver runtime 60000 in
      let fd = Receiver.fd receiver in
      let readable timeout = match Unix.select [ fd ] [] [] timeout with [ _ ], _, _ -> true | _ -> false in
      Alcotest.(check bool) "nothing" false (readable 0.);
      Runtime.publish_string runtime 60000 "x";
      Alcotest.(check bool) "something" true (readable 10.);
      Alcotest.(check int) "it" 1 (Array.length (Receiver.next_batch ~timeout:0. receiver));
      Alcotest.(check int) "no more" 0 (Array.length (Receiver.next_batch ~timeout:0. receiver));
      Alcotest.(check bool) "nothing" false (readable 0.))

let closing_delivers_to_a_receiver_on_another_thread () =
  let runtime = Runtime.create schema_digest in
  let receiver = Runtime.receiver runtime CounterUpdate.t in
  let got = create () and started = create () in
  let reader =
    Thread.create
      (fun () ->
        let rec read () =
          match Receiver.next receiver with
          | None -> ()
          | Some update ->
              open_gate started;
              add got update.value;
              read ()
        in
        read ())
      ()
  in
  Runtime.publish runtime CounterUpdate.t (number 0);
  pass started;
  for value = 1 to 100 do
    Runtime.publish runtime CounterUpdate.t (number value)
  done;
  Runtime.close runtime;
  Thread.join reader;
  Alcotest.(check (list int)) "all" (List.init 101 Fun.id) (items got);
  Alcotest.(check bool) "ended" true (Receiver.is_ended receiver)

(* It would wait for itself. *)
let closing_does_not_wait_for_a_receiver_of_its_own_thread () =
  let runtime = Runtime.create ~close_timeout:60. schema_digest in
  let receiver = Runtime.receiver runtime CounterUpdate.t in
  Runtime.publish runtime CounterUpdate.t (number 1);
  Runtime.publish runtime CounterUpdate.t (number 2);
  ignore (Receiver.next receiver);
  let start = Unix.gettimeofday () in
  Runtime.close runtime;
  Alcotest.(check bool) "at once" true (Unix.gettimeofday () -. start < 30.)

let a_receiver_that_is_dropped_ends () =
  with_runtime (fun runtime ->
      let forget () = ignore (Runtime.receiver runtime CounterUpdate.t) in
      (forget [@inlined never]) ();
      until (fun () ->
          Gc.full_major ();
          (Runtime.stats runtime).queues = 0))

let () =
  Alcotest.run "request"
    [
      ( "requests",
        [
          test "a request gets its reply" a_request_gets_its_reply;
          test "requests from many threads get their own replies" requests_from_many_threads_get_their_own_replies;
          test "nobody serves is told at once" nobody_serves_is_told_at_once;
          test "a server that fails leaves it unanswered" a_server_that_fails_leaves_it_unanswered;
          test "a slow server is waited for until the time is over" a_slow_server_is_waited_for_until_the_time_is_over;
          test "a reply of another type is told" a_reply_of_another_type_is_told;
          test "messages that are no requests are left alone" messages_that_are_no_requests_are_left_alone;
          test "a request may be answered later and elsewhere" a_request_may_be_answered_later_and_elsewhere;
          test "closing ends requests that wait" closing_ends_requests_that_wait;
        ] );
      ( "receivers",
        [
          test "a receiver gives what comes" a_receiver_gives_what_comes;
          test "a receiver waits for another thread's message" a_receiver_waits_for_another_thread's_message;
          test "a receiver goes on after a malformed message" a_receiver_goes_on_after_a_malformed_message;
          test "its descriptor tells that there is something" its_descriptor_tells_that_there_is_something;
          test "closing delivers to a receiver on another thread" closing_delivers_to_a_receiver_on_another_thread;
          test "closing does not wait for a receiver of its own thread"
            closing_does_not_wait_for_a_receiver_of_its_own_thread;
          test "a receiver that is dropped ends" a_receiver_that_is_dropped_ends;
        ] );
    ]

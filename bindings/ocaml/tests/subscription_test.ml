(* Handlers: what they get, in which order, on which thread, and how they end. *)

open Mycelium_native
open Mycelium_protocol
open Collecting

let publish runtime value = Runtime.publish runtime CounterUpdate.t (number value)

let publish_range runtime first last =
  for value = first to last do
    publish runtime value
  done

let each_publisher's_messages_come_in_order () =
  let got = create () in
  let publishers = 4 and count = 2000 in
  with_runtime ~block_timeout:60. (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun update -> add got (update.counter_id, update.value));
      let publisher id =
        Thread.create
          (fun () ->
            for value = 1 to count do
              Runtime.publish runtime CounterUpdate.t { counter_id = Int64.of_int id; value; delta = 0 }
            done)
          ()
      in
      List.iter Thread.join (List.init publishers publisher));
  let of_publisher id = List.filter_map (fun (from, value) -> if from = Int64.of_int id then Some value else None) in
  for id = 0 to publishers - 1 do
    Alcotest.(check (list int)) "in order" (List.init count succ) (of_publisher id (items got))
  done

let handlers_run_on_one_thread_that_ocaml_knows () =
  let got = create () in
  with_runtime (fun runtime ->
      let thread _ = add got (Thread.id (Thread.self ())) in
      Runtime.subscribe runtime CounterUpdate.t thread;
      Runtime.subscribe runtime TextMessage.t thread;
      publish_range runtime 1 10;
      Runtime.publish runtime TextMessage.t (text "x"));
  let threads = List.sort_uniq compare (items got) in
  Alcotest.(check int) "one" 1 (List.length threads);
  Alcotest.(check bool) "another" true (List.hd threads <> Thread.id (Thread.self ()))

let an_exception_is_reported_and_the_next_message_comes () =
  let errors = create () and got = create () in
  let on_error name exn _ = add errors (name, exn) in
  with_runtime ~on_error (fun runtime ->
      let subscription =
        Runtime.subscription ~name:"picky" runtime CounterUpdate.t (fun update ->
            if update.value mod 2 = 0 then failwith "even" else add got update.value)
      in
      publish_range runtime 1 4;
      Runtime.flush runtime;
      Alcotest.(check int) "counted" 2 (Subscription.stats subscription).callback_errors;
      Alcotest.(check int) "in all" 2 (Runtime.stats runtime).callback_errors;
      Subscription.close subscription);
  Alcotest.(check (list int)) "the others" [ 1; 3 ] (items got);
  Alcotest.(check bool) "reported" true (items errors = [ ("picky", Failure "even"); ("picky", Failure "even") ])

let a_malformed_message_is_reported () =
  let errors = create () and got = create () in
  let on_error _ exn _ = add errors exn in
  with_runtime ~on_error (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun update -> add got update.value);
      Runtime.publish_string runtime CounterUpdate.type_id "\xff\xff\xff\xff\xff\xff\xff\xff";
      publish runtime 1);
  Alcotest.(check (list int)) "the next" [ 1 ] (items got);
  match items errors with
  | [ Bus_error (Invalid_payload, text) ] -> check_contains text "mycelium.examples.CounterUpdate: offset leads out"
  | _ -> Alcotest.fail "not one error"

let a_handler_that_fails_to_report_harms_nobody () =
  let got = create () in
  with_runtime
    ~on_error:(fun _ _ _ -> failwith "the report fails, too")
    (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun update ->
          add got update.value;
          failwith "on purpose");
      publish_range runtime 1 3);
  Alcotest.(check (list int)) "all" [ 1; 2; 3 ] (items got)

let batches_have_all_that_waits () =
  let got = create () and entered = create () and leave = create () in
  with_runtime (fun runtime ->
      let subscription =
        Runtime.batch_subscription runtime CounterUpdate.t (fun batch ->
            open_gate entered;
            pass leave;
            add got (Array.to_list (Array.map (fun (update : CounterUpdate.t) -> update.value) batch)))
      in
      publish runtime 0;
      pass entered;
      publish_range runtime 1 500;
      open_gate leave;
      Runtime.flush runtime;
      Subscription.close subscription);
  Alcotest.(check (list int)) "all, in order" (List.init 501 Fun.id) (List.concat (items got));
  Alcotest.(check bool) "in few batches" true (count got < 20)

let after_close_no_handler_runs () =
  with_runtime ~policy:Drop_newest (fun runtime ->
      let stop = ref false in
      let publisher =
        Thread.create
          (fun () ->
            while not !stop do
              publish runtime 1
            done)
          ()
      in
      for _ = 1 to 100 do
        let open_ = ref true and ran = ref 0 and late = ref 0 in
        let subscription =
          Runtime.subscription runtime CounterUpdate.t (fun _ -> if !open_ then incr ran else incr late)
        in
        until (fun () -> !ran > 0);
        Subscription.close subscription;
        open_ := false;
        Subscription.close subscription;
        Thread.yield ();
        Alcotest.(check int) "late ones" 0 !late
      done;
      stop := true;
      Thread.join publisher)

let a_handler_may_close_its_own_subscription () =
  let got = create () in
  with_runtime (fun runtime ->
      let own = ref None in
      let subscription =
        Runtime.subscription runtime CounterUpdate.t (fun update ->
            add got update.value;
            Option.iter Subscription.close !own)
      in
      own := Some subscription;
      publish_range runtime 1 10;
      Runtime.flush runtime;
      Alcotest.(check bool) "closed" true (Subscription.is_closed subscription));
  Alcotest.(check (list int)) "only one" [ 1 ] (items got)

let close_waits_for_the_running_handler () =
  let entered = create () and leave = create () and closing = create () in
  with_runtime (fun runtime ->
      let returned = ref false in
      let subscription =
        Runtime.subscription runtime CounterUpdate.t (fun _ ->
            open_gate entered;
            pass leave;
            returned := true)
      in
      publish runtime 1;
      pass entered;
      let closer =
        Thread.create
          (fun () ->
            open_gate closing;
            Subscription.close subscription;
            if not !returned then Alcotest.fail "it did not wait")
          ()
      in
      pass closing;
      open_gate leave;
      Thread.join closer;
      Alcotest.(check bool) "returned" true !returned)

let a_handle_that_is_dropped_ends_its_subscription () =
  with_runtime (fun runtime ->
      let forget () = ignore (Runtime.subscription runtime CounterUpdate.t ignore) in
      (forget [@inlined never]) ();
      Runtime.subscribe runtime CounterUpdate.t ignore;
      let held = Runtime.subscription runtime CounterUpdate.t ignore in
      until (fun () ->
          Gc.full_major ();
          (Runtime.stats runtime).subscriptions <= 2);
      for _ = 1 to 3 do
        Gc.compact ()
      done;
      publish runtime 1;
      Runtime.flush runtime;
      Alcotest.(check int) "two are left" 2 (Runtime.stats runtime).delivered;
      Subscription.close held)

let twenty_thousand_subscriptions_leave_nothing () =
  with_runtime (fun runtime ->
      let one () = Subscription.close (Runtime.subscription runtime CounterUpdate.t ignore) in
      Gc.full_major ();
      let before = (Gc.stat ()).live_words in
      for _ = 1 to 20_000 do
        one ()
      done;
      (* The bus tells later that each has ended. What stays is the table in which they stood, not what they held. *)
      until (fun () ->
          Gc.full_major ();
          (Gc.stat ()).live_words < before + 150_000))

let a_full_mailbox_follows_its_policy () =
  let entered = create () and leave = create () in
  with_runtime (fun runtime ->
      let slow policy type_id =
        Runtime.message_subscription ~policy ~capacity:2 runtime type_id (fun _ ->
            open_gate entered;
            pass leave)
      in
      let newest = slow Drop_newest 60000 and oldest = slow Drop_oldest 60001 and fails = slow Fail 60002 in
      Runtime.publish_string runtime 60000 "";
      pass entered;
      for _ = 1 to 10 do
        Runtime.publish_string runtime 60000 "";
        Runtime.publish_string runtime 60001 ""
      done;
      check_contains
        (raises Full "fail" (fun () ->
             for _ = 1 to 10 do
               Runtime.publish_string runtime 60002 ""
             done))
        "full";
      open_gate leave;
      Runtime.flush runtime;
      Alcotest.(check bool) "newest" true ((Subscription.stats newest).dropped.newest > 0);
      Alcotest.(check bool) "oldest" true ((Subscription.stats oldest).dropped.oldest > 0);
      Alcotest.(check bool) "full" true ((Subscription.stats fails).dropped.full > 0);
      Alcotest.(check int) "capacity" 2 (Subscription.stats fails).capacity;
      List.iter Subscription.close [ newest; oldest; fails ])

let history_comes_first () =
  let got = create () in
  with_runtime (fun runtime ->
      Runtime.keep_history runtime CounterUpdate.type_id 3;
      publish_range runtime 1 5;
      let subscription =
        Runtime.subscription ~history:2 runtime CounterUpdate.t (fun update -> add got update.value)
      in
      publish runtime 6;
      Runtime.flush runtime;
      Subscription.close subscription);
  Alcotest.(check (list int)) "the last two, then the new" [ 4; 5; 6 ] (items got)

let handlers_may_publish_and_subscribe () =
  let got = create () in
  with_runtime (fun runtime ->
      Runtime.subscribe runtime TextMessage.t (fun message -> add got message.content);
      Runtime.subscribe runtime CounterUpdate.t (fun update ->
          if update.value = 1 then Runtime.subscribe runtime CounterUpdate.t (fun _ -> add got "inner");
          Runtime.publish runtime TextMessage.t (text (string_of_int update.value)));
      publish runtime 1;
      ignore (wait got 1);
      publish runtime 2;
      ignore (wait got 3));
  Alcotest.(check (list string)) "all" [ "1"; "2"; "inner" ] (List.sort compare (items got))

let unsubscribe_knows_its_runtime () =
  with_runtime (fun one ->
      with_runtime (fun other ->
          let subscription = Runtime.subscription one CounterUpdate.t ignore in
          check_contains (raises_invalid "other" (fun () -> Runtime.unsubscribe other subscription)) "another runtime";
          Runtime.unsubscribe one subscription;
          Alcotest.(check bool) "closed" true (Subscription.is_closed subscription)))

let closing_the_runtime_closes_its_subscriptions () =
  let runtime = Runtime.create schema_digest in
  let subscription = Runtime.subscription runtime CounterUpdate.t ignore in
  Runtime.close runtime;
  Alcotest.(check bool) "closed" true (Subscription.is_closed subscription);
  Subscription.close subscription

let () =
  Alcotest.run "subscription"
    [
      ( "handlers",
        [
          test "each publisher's messages come in order" each_publisher's_messages_come_in_order;
          test "handlers run on one thread that OCaml knows" handlers_run_on_one_thread_that_ocaml_knows;
          test "an exception is reported and the next message comes"
            an_exception_is_reported_and_the_next_message_comes;
          test "a malformed message is reported" a_malformed_message_is_reported;
          test "a handler that fails to report harms nobody" a_handler_that_fails_to_report_harms_nobody;
          test "batches have all that waits" batches_have_all_that_waits;
          test "handlers may publish and subscribe" handlers_may_publish_and_subscribe;
        ] );
      ( "options",
        [
          test "a full mailbox follows its policy" a_full_mailbox_follows_its_policy;
          test "history comes first" history_comes_first;
        ] );
      ( "ends",
        [
          test "after close no handler runs" after_close_no_handler_runs;
          test "a handler may close its own subscription" a_handler_may_close_its_own_subscription;
          test "close waits for the running handler" close_waits_for_the_running_handler;
          test "a handle that is dropped ends its subscription" a_handle_that_is_dropped_ends_its_subscription;
          test "twenty thousand subscriptions leave nothing" twenty_thousand_subscriptions_leave_nothing;
          test "unsubscribe knows its runtime" unsubscribe_knows_its_runtime;
          test "closing the runtime closes its subscriptions" closing_the_runtime_closes_its_subscriptions;
        ] );
    ]

(* The life of a runtime, publishing, and what it tells of itself. *)

open Mycelium_native
open Mycelium_protocol
open Collecting

let a_digest_of_another_schema_is_refused () =
  let text = raises Digest "digest" (fun () -> Runtime.create (String.make 32 'x')) in
  check_contains text "schema digest mismatch";
  ignore (raises Digest "golden, not registered" (fun () -> Runtime.create Golden.schema_digest));
  let runtime = Runtime.create ~schemas:[ Golden.schema ] Golden.schema_digest in
  Alcotest.(check string) "registered" Golden.Node.type_digest (Runtime.type_digest runtime Golden.Node.type_id);
  Runtime.close runtime

let wrong_options_are_refused () =
  ignore (raises_invalid "threads" (fun () -> Runtime.create ~threads:0 schema_digest));
  ignore (raises_invalid "time" (fun () -> Runtime.create ~block_timeout:(-1.) schema_digest));
  ignore (raises_invalid "no number" (fun () -> Runtime.create ~close_timeout:nan schema_digest))

let a_topology_is_read () =
  ignore (raises Topology "no file" (fun () -> Runtime.create_from_topology ~service:"a" "/nowhere/topology.toml"))

let close_delivers_what_was_accepted_and_ends_every_thread () =
  let before = threads () in
  let got = create () in
  let runtime = Runtime.create schema_digest in
  Runtime.subscribe runtime CounterUpdate.t (fun update -> add got update.value);
  for value = 1 to 1000 do
    Runtime.publish runtime CounterUpdate.t (number value)
  done;
  Runtime.close runtime;
  Alcotest.(check (list int)) "all, in order" (List.init 1000 succ) (items got);
  Alcotest.(check bool) "closed" true (Runtime.is_closed runtime);
  (* OCaml's own thread that makes threads take turns stays. *)
  until (fun () -> threads () <= before + 1);
  Runtime.close runtime;
  ignore (raises Closed "publish" (fun () -> Runtime.publish runtime CounterUpdate.t (number 1)));
  ignore (raises Closed "subscribe" (fun () -> Runtime.subscribe runtime CounterUpdate.t ignore));
  ignore (raises Closed "receiver" (fun () -> Runtime.receiver runtime CounterUpdate.t));
  Alcotest.(check int) "statistics stay" 1000 (Runtime.stats runtime).delivered

let waiting_for_handlers_is_refused_in_handlers () =
  let got = create () in
  with_runtime (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun _ ->
          add got (raises Unsupported "close" (fun () -> Runtime.close runtime));
          add got (raises Unsupported "flush" (fun () -> Runtime.flush runtime)));
      Runtime.publish runtime CounterUpdate.t (number 1);
      ignore (wait got 2))

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

let flush_waits_until_handlers_have_returned () =
  let entered = create () and leave = create () in
  let returned = ref false in
  with_runtime (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun _ ->
          open_gate entered;
          pass leave;
          returned := true);
      Runtime.publish runtime CounterUpdate.t (number 1);
      pass entered;
      ignore (raises Timeout "flush" (fun () -> Runtime.flush ~timeout:0.02 runtime));
      open_gate leave;
      Runtime.flush runtime;
      Alcotest.(check bool) "returned" true !returned)

let flush_needs_no_handlers () =
  with_runtime (fun runtime ->
      Runtime.publish runtime CounterUpdate.t (number 1);
      Runtime.flush runtime)

let payloads_of_every_size_arrive () =
  let got = create () in
  let sizes = [ 0; 1; 63; 1023; 1024; 1025; 70_000; 3_000_000 ] in
  let payload size = String.init size (fun i -> Char.chr (i land 255)) in
  with_runtime (fun runtime ->
      let _kept = Runtime.message_subscription runtime 60000 (fun message -> add got (Message.to_string message)) in
      List.iter (fun size -> Runtime.publish_string runtime 60000 (payload size)) sizes;
      List.iter
        (fun size ->
          let bytes = payload size in
          Runtime.publish_payload runtime 60000
            (Bigarray.Array1.init Bigarray.char Bigarray.c_layout size (fun i -> bytes.[i])))
        sizes;
      Runtime.flush runtime;
      ignore (Sys.opaque_identity _kept));
  Alcotest.(check (list int)) "sizes" (sizes @ sizes) (List.map String.length (items got));
  List.iter (fun text -> if text <> payload (String.length text) then Alcotest.fail "it was changed") (items got)

let what_is_too_large_is_refused () =
  with_runtime ~max_payload:2000 (fun runtime ->
      ignore (raises Too_large "string" (fun () -> Runtime.publish_string runtime 60000 (String.make 2001 'x')));
      ignore (raises Too_large "loan" (fun () -> Runtime.loan runtime Bigarray.char 2001)));
  with_runtime (fun runtime ->
      ignore (raises Invalid_argument "type 0" (fun () -> Runtime.publish_string runtime 0 ""));
      ignore (raises_invalid "type 65536" (fun () -> Runtime.publish_string runtime 65536 "")))

let batches_are_published_in_order () =
  let got = create () in
  with_runtime ~block_timeout:60. (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun update -> add got update.value);
      Runtime.publish_batch runtime CounterUpdate.t (Array.init 3000 number);
      Runtime.publish_batch runtime CounterUpdate.t [||]);
  Alcotest.(check (list int)) "all" (List.init 3000 Fun.id) (items got);
  with_runtime ~max_payload:100 (fun runtime ->
      let values = [| text "short"; text (String.make 200 'x'); text "short" |] in
      check_contains
        (raises Too_large "batch" (fun () -> Runtime.publish_batch runtime TextMessage.t values))
        "1 of 3 were published")

let the_envelope_travels () =
  let got = create () in
  let trace : Message.trace = { trace_id = String.make 16 't'; span_id = String.make 8 's'; flags = 1 } in
  with_runtime (fun runtime ->
      let take message = add got (Message.envelope message, Message.to_string message) in
      let first = Runtime.message_subscription runtime CounterUpdate.type_id take in
      let other = Runtime.message_subscription runtime CounterUpdate.type_id take in
      Runtime.publish_with ~correlation_id:7L ~priority:200 ~trace ~destination:(To_subscription first) runtime
        CounterUpdate.t (number 5);
      ignore (wait got 1);
      Runtime.publish_with ~destination:(To_key 9L) runtime CounterUpdate.t (number 6);
      Runtime.flush runtime;
      Alcotest.(check int) "one each" 2 (count got);
      let envelope, payload = List.hd (items got) in
      Alcotest.(check bool) "what was given" true
        (envelope.correlation_id = 7L && envelope.priority = 200 && envelope.trace = Some trace
        && envelope.type_id = CounterUpdate.type_id && envelope.sequence = 1L);
      Alcotest.(check bool) "now" true
        (Float.abs ((Int64.to_float envelope.timestamp_ns /. 1e9) -. Unix.gettimeofday ()) < 60.);
      Alcotest.(check string) "payload" (CounterUpdate.encode (number 5)) payload;
      Alcotest.(check bool) "no trace" true ((fst (List.nth (items got) 1)).trace = None);
      ignore (raises_invalid "trace" (fun () ->
          Runtime.publish_with ~trace:{ trace with span_id = "" } runtime CounterUpdate.t (number 1)));
      List.iter Subscription.close [ first; other ])

let counters_and_metrics_tell_what_happened () =
  with_runtime ~on_error:ignore_errors (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t (fun _ -> failwith "on purpose");
      for _ = 1 to 3 do
        Runtime.publish runtime CounterUpdate.t (number 1)
      done;
      Runtime.flush runtime;
      let stats = Runtime.stats runtime in
      Alcotest.(check (list int)) "counters" [ 3; 3; 3; 1 ]
        [ stats.published; stats.delivered; stats.callback_errors; stats.subscriptions ];
      let metrics = Runtime.metrics runtime in
      check_contains metrics "mycelium_ocaml_callback_errors_total 3\n# EOF\n";
      check_contains (info_json ()) "\"version\"")

let the_log_reaches_its_handler () =
  let got = create () in
  let entered = create () and leave = create () in
  with_runtime
    ~on_log:(fun level line -> add got (level, line))
    (fun runtime ->
      let slow =
        Runtime.subscription ~name:"slow one" ~policy:Drop_newest ~capacity:2 runtime CounterUpdate.t (fun _ ->
            open_gate entered;
            pass leave)
      in
      Runtime.publish runtime CounterUpdate.t (number 0);
      pass entered;
      for value = 1 to 100 do
        Runtime.publish runtime CounterUpdate.t (number value)
      done;
      open_gate leave;
      let level, line = List.hd (wait got 1) in
      Alcotest.(check bool) "level" true (level = Level.Warning);
      check_contains line "'slow one' is too slow and loses messages";
      Subscription.close slow)

let a_thousand_runtimes_leak_nothing () =
  let one () =
    let runtime = Runtime.create ~threads:1 schema_digest in
    Runtime.publish runtime CounterUpdate.t (number 1);
    Runtime.close runtime
  in
  for _ = 1 to 100 do
    one ()
  done;
  Gc.full_major ();
  let before = resident_pages () in
  let threads_before = threads () in
  for _ = 1 to 1000 do
    one ()
  done;
  Gc.full_major ();
  until (fun () -> threads () <= threads_before);
  let grown = (resident_pages () - before) * 4 in
  if grown > 8 * 1024 then Alcotest.failf "%d KiB more than before" grown

let a_runtime_that_is_dropped_ends_its_threads () =
  let before = threads () in
  let work () =
    let runtime = Runtime.create ~threads:1 schema_digest in
    Runtime.publish runtime CounterUpdate.t (number 1)
  in
  (work [@inlined never]) ();
  until (fun () ->
      Gc.full_major ();
      threads () <= before)

let waiting_for_subscribers_ends_when_there_are_any () =
  with_runtime (fun runtime ->
      ignore
        (raises Timeout "none" (fun () ->
             Runtime.wait_for_subscribers ~timeout:0.01 runtime CounterUpdate.type_id));
      let waiting = create () in
      let thread =
        Thread.create
          (fun () ->
            open_gate waiting;
            Runtime.wait_for_subscribers ~count:2 runtime CounterUpdate.type_id)
          ()
      in
      pass waiting;
      Runtime.subscribe runtime CounterUpdate.t ignore;
      Runtime.subscribe runtime CounterUpdate.t ignore;
      Thread.join thread)

let a_forked_child_gets_errors_and_ends () =
  with_runtime (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t ignore;
      match Unix.fork () with
      | 0 ->
          let refused work = match work () with _ -> false | exception Bus_error (Forked, _) -> true in
          let good =
            refused (fun () -> Runtime.publish runtime CounterUpdate.t (number 1))
            && refused (fun () -> Runtime.flush runtime)
            && refused (fun () -> ignore (Runtime.stats runtime))
            && refused (fun () -> ignore (Runtime.receiver runtime CounterUpdate.t))
          in
          let own = Runtime.create schema_digest in
          Runtime.publish own CounterUpdate.t (number 1);
          Runtime.close own;
          Unix._exit (if good then 0 else 1)
      | child ->
          let _, status = Unix.waitpid [] child in
          Alcotest.(check bool) "child" true (status = Unix.WEXITED 0);
          Runtime.publish runtime CounterUpdate.t (number 1))

(* What the library calls by a name, and nothing else, has one here. *)
let statuses_are_those_of_the_library () =
  for code = -120 to -1 do
    let status = Status.of_int code in
    let known = match status with Unknown _ -> false | _ -> true in
    Alcotest.(check bool) (Status.to_string status) known (Status.to_string status <> "MYCELIUM_UNKNOWN_STATUS");
    Alcotest.(check int) "number" code (Status.to_int status)
  done;
  Alcotest.(check string) "name" "MYCELIUM_ERROR_FULL" (Status.to_string Full);
  let shown = Printexc.to_string (Bus_error (Full, "why")) in
  Alcotest.(check string) "shown" "Bus_error (MYCELIUM_ERROR_FULL, \"why\")" shown

let () =
  Alcotest.run "runtime"
    [
      ( "life",
        [
          test "a digest of another schema is refused" a_digest_of_another_schema_is_refused;
          test "wrong options are refused" wrong_options_are_refused;
          test "a topology is read" a_topology_is_read;
          test "close delivers what was accepted and ends every thread"
            close_delivers_what_was_accepted_and_ends_every_thread;
          test "waiting for handlers is refused in handlers" waiting_for_handlers_is_refused_in_handlers;
          test "close says that a handler still runs" close_says_that_a_handler_still_runs;
          test "a runtime that is dropped ends its threads" a_runtime_that_is_dropped_ends_its_threads;
          test "a thousand runtimes leak nothing" a_thousand_runtimes_leak_nothing;
          test "a forked child gets errors and ends" a_forked_child_gets_errors_and_ends;
        ] );
      ( "waiting",
        [
          test "flush waits until handlers have returned" flush_waits_until_handlers_have_returned;
          test "flush needs no handlers" flush_needs_no_handlers;
          test "waiting for subscribers ends when there are any" waiting_for_subscribers_ends_when_there_are_any;
        ] );
      ( "publishing",
        [
          test "payloads of every size arrive" payloads_of_every_size_arrive;
          test "what is too large is refused" what_is_too_large_is_refused;
          test "batches are published in order" batches_are_published_in_order;
          test "the envelope travels" the_envelope_travels;
        ] );
      ( "telling",
        [
          test "counters and metrics tell what happened" counters_and_metrics_tell_what_happened;
          test "statuses are those of the library" statuses_are_those_of_the_library;
          test "the log reaches its handler" the_log_reaches_its_handler;
        ] );
    ]

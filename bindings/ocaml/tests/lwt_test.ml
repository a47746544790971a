(* Streams and requests in Lwt's loop. *)

open Mycelium_native
open Mycelium_protocol
open Collecting
open Lwt.Syntax

let lwt_test name work = test name (fun () -> with_runtime (fun runtime -> Lwt_main.run (work runtime)))
let values = List.map (fun (update : CounterUpdate.t) -> update.value)

(* On a thread beside the loop, which is to be woken. *)
let publish_beside runtime first last =
  Thread.create
    (fun () ->
      for value = first to last do
        Runtime.publish runtime CounterUpdate.t (number value)
      done)
    ()

let a_stream_gives_what_comes runtime =
  let stream = Mycelium_native_lwt.stream runtime CounterUpdate.t in
  let publisher = publish_beside runtime 1 3000 in
  let* all = Lwt_stream.nget 3000 stream in
  Thread.join publisher;
  Alcotest.(check (list int)) "all, in order" (List.init 3000 succ) (values all);
  Lwt.return_unit

let with_stream_closes_it runtime =
  let* all =
    Mycelium_native_lwt.with_stream runtime CounterUpdate.t (fun stream ->
        let publisher = publish_beside runtime 1 10 in
        let* all = Lwt_stream.nget 10 stream in
        Thread.join publisher;
        Lwt.return all)
  in
  Alcotest.(check int) "all" 10 (List.length all);
  Alcotest.(check int) "closed" 0 (Runtime.stats runtime).queues;
  Lwt.return_unit

let two_streams_and_the_loop_go_on_together runtime =
  let one = Mycelium_native_lwt.stream runtime CounterUpdate.t in
  let other = Mycelium_native_lwt.messages runtime CounterUpdate.type_id in
  let publisher = publish_beside runtime 1 500 in
  let* ones = Lwt_stream.nget 500 one and* others = Lwt_stream.nget 500 other in
  Thread.join publisher;
  let decoded = List.map (fun message -> Result.get_ok (Message.decode CounterUpdate.t message)) others in
  Alcotest.(check bool) "the same" true (values ones = values decoded);
  Lwt.return_unit

let a_stream_ends_with_its_runtime () =
  let runtime = Runtime.create schema_digest in
  Lwt_main.run
    (let stream = Mycelium_native_lwt.stream runtime CounterUpdate.t in
     let waiting = Lwt_stream.to_list stream in
     Runtime.publish runtime CounterUpdate.t (number 1);
     let* () = Lwt.pause () in
     let closer = Thread.create (fun () -> Runtime.close runtime) () in
     let* all = waiting in
     Thread.join closer;
     Alcotest.(check (list int)) "what was accepted" [ 1 ] (values all);
     Lwt.return_unit)

let a_malformed_message_fails_one_read runtime =
  let stream = Mycelium_native_lwt.stream runtime CounterUpdate.t in
  Runtime.publish runtime CounterUpdate.t (number 1);
  Runtime.publish_string runtime CounterUpdate.type_id "nonsense";
  Runtime.publish runtime CounterUpdate.t (number 2);
  let* first = Lwt_stream.next stream in
  let* second = Lwt_result.catch (Lwt_stream.next stream) in
  let* third = Lwt_stream.next stream in
  Alcotest.(check (list int)) "the others" [ 1; 2 ] (values [ first; third ]);
  match second with
  | Error (Bus_error (Invalid_payload, _)) -> Lwt.return_unit
  | _ -> Alcotest.fail "it did not fail"

let ask ?timeout runtime text =
  Mycelium_native_lwt.request ?timeout runtime WordCountRequest.t WordCountReply.t { text }

let requests_run_beside_each_other runtime =
  Runtime.serve runtime WordCountRequest.t WordCountReply.t (fun request ->
      { words = 1L; bytes = Int64.of_int (String.length request.text) });
  let* replies = Lwt_list.map_p (fun length -> ask runtime (String.make length 'x')) (List.init 200 Fun.id) in
  Alcotest.(check (list int)) "each its own" (List.init 200 Fun.id)
    (List.map (fun (reply : WordCountReply.t) -> Int64.to_int reply.bytes) replies);
  let* again = ask runtime "once more" in
  Alcotest.(check int64) "again" 9L again.bytes;
  Lwt.return_unit

let fails status promise =
  let* outcome = Lwt_result.catch promise in
  match outcome with
  | Error (Bus_error (found, text)) when found = status -> Lwt.return text
  | Error exn -> raise exn
  | Ok _ -> Alcotest.fail "it did not fail"

let requests_fail_with_a_reason runtime =
  let* text = fails No_reply (ask runtime "x") in
  check_contains text "nobody serves it";
  let kept = create () in
  let keeper = Runtime.message_subscription runtime WordCountRequest.type_id (add kept) in
  let* text = fails Timeout (ask ~timeout:0.01 runtime "x") in
  check_contains text "no reply within 0.01 s";
  let abandoned = ask ~timeout:60. runtime "x" in
  Lwt.cancel abandoned;
  let* outcome = Lwt_result.catch abandoned in
  Alcotest.(check bool) "cancelled" true (outcome = Error Lwt.Canceled);
  Alcotest.(check int) "forgotten" 0 (Runtime.stats runtime).requests_pending;
  Subscription.close keeper;
  Lwt.return_unit

let requests_end_with_their_runtime () =
  let runtime = Runtime.create schema_digest in
  let kept = create () in
  let keeper = Runtime.message_subscription runtime WordCountRequest.type_id (add kept) in
  Lwt_main.run
    (let waiting = fails Closed (ask ~timeout:60. runtime "x") in
     ignore (wait kept 1);
     let closer = Thread.create (fun () -> Runtime.close runtime) () in
     let* _ = waiting in
     Thread.join closer;
     Lwt.return_unit);
  ignore (Sys.opaque_identity keeper)

let () =
  Alcotest.run "lwt"
    [
      ( "streams",
        [
          lwt_test "a stream gives what comes" a_stream_gives_what_comes;
          lwt_test "with_stream closes it" with_stream_closes_it;
          lwt_test "two streams and the loop go on together" two_streams_and_the_loop_go_on_together;
          test "a stream ends with its runtime" a_stream_ends_with_its_runtime;
          lwt_test "a malformed message fails one read" a_malformed_message_fails_one_read;
        ] );
      ( "requests",
        [
          lwt_test "requests run beside each other" requests_run_beside_each_other;
          lwt_test "requests fail with a reason" requests_fail_with_a_reason;
          test "requests end with their runtime" requests_end_with_their_runtime;
        ] );
    ]

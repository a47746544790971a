(* Ctrl-C ends every call that waits, and loses nothing. *)

open Mycelium_native
open Mycelium_protocol
open Collecting

(* Interrupts this process when its main thread waits. The interrupter holds OCaml's runtime lock but while it yields:
   by the hundredth time the main thread has gone as far as it can, into the call. *)
let interrupter begun =
  Thread.create
    (fun () ->
      (* Any thread of OCaml's that takes signals may run their handlers. *)
      ignore (Thread.sigmask Unix.SIG_BLOCK [ Sys.sigint ]);
      pass begun;
      for _ = 1 to 100 do
        Thread.yield ()
      done;
      Unix.kill (Unix.getpid ()) Sys.sigint)
    ()

let is_interrupted name work =
  let begun = create () in
  let thread = interrupter begun in
  Sys.catch_break true;
  (match
     open_gate begun;
     work ()
   with
  | _ -> Alcotest.failf "%s returned" name
  | exception Sys.Break -> ());
  Sys.catch_break false;
  Thread.join thread

(* A runtime whose handler does not return before [leave] is opened. *)
let with_stuck_handler work =
  let entered = create () and leave = create () and got = create () in
  with_runtime ~block_timeout:1000. (fun runtime ->
      let subscription =
        Runtime.subscription ~capacity:2 runtime CounterUpdate.t (fun update ->
            open_gate entered;
            pass leave;
            add got update.value)
      in
      Runtime.publish runtime CounterUpdate.t (number 1);
      pass entered;
      work runtime subscription leave got;
      open_gate leave)

let request () =
  with_runtime (fun runtime ->
      let kept = create () in
      let keeper = Runtime.message_subscription runtime WordCountRequest.type_id (add kept) in
      is_interrupted "request" (fun () ->
          Runtime.request ~timeout:1000. runtime WordCountRequest.t WordCountReply.t { text = "" });
      Alcotest.(check int) "forgotten" 0 (Runtime.stats runtime).requests_pending;
      Subscription.close keeper)

let wait_for_links () =
  with_runtime (fun runtime ->
      Bridge.open_ runtime Bridge.default;
      is_interrupted "wait_for_links" (fun () -> Bridge.wait_for_links runtime 1))

let wait_for_subscribers () =
  with_runtime (fun runtime ->
      is_interrupted "wait_for_subscribers" (fun () -> Runtime.wait_for_subscribers runtime CounterUpdate.type_id))

let receive () =
  with_runtime (fun runtime ->
      let receiver = Runtime.receiver runtime CounterUpdate.t in
      is_interrupted "next" (fun () -> Receiver.next receiver);
      Runtime.publish runtime CounterUpdate.t (number 5);
      Alcotest.(check bool) "it goes on" true (Receiver.next receiver <> None))

let flush () = with_stuck_handler (fun runtime _ _ _ -> is_interrupted "flush" (fun () -> Runtime.flush runtime))

let close_of_a_subscription () =
  with_stuck_handler (fun _ subscription _ _ -> is_interrupted "close" (fun () -> Subscription.close subscription))

let close_of_a_runtime_goes_on_and_loses_nothing () =
  with_stuck_handler (fun runtime _ leave got ->
      Runtime.publish runtime CounterUpdate.t (number 2);
      is_interrupted "close" (fun () -> Runtime.close ~timeout:1000. runtime);
      open_gate leave;
      Runtime.close ~timeout:1000. runtime;
      Alcotest.(check (list int)) "all" [ 1; 2 ] (items got))

(* Each way to publish, with a mailbox that has no room and a time that would never be over. *)
let publish_that_waits_for_room () =
  let forever work =
    while true do
      work ()
    done
  in
  let payload = Bigarray.Array1.create Bigarray.char Bigarray.c_layout 100 in
  let ways runtime =
    [
      ("publish", fun () -> Runtime.publish runtime CounterUpdate.t (number 2));
      ("publish_with", fun () -> Runtime.publish_with ~priority:1 runtime CounterUpdate.t (number 2));
      ("publish_batch", fun () -> Runtime.publish_batch runtime CounterUpdate.t [| number 2; number 3 |]);
      ("publish_string", fun () -> Runtime.publish_string runtime CounterUpdate.type_id (String.make 10_000 'x'));
      ("publish_payload", fun () -> Runtime.publish_payload runtime CounterUpdate.type_id payload);
      ("loan", fun () -> Loan.publish (Runtime.loan runtime Bigarray.char 100) CounterUpdate.type_id);
      ( "request",
        fun () -> ignore (Runtime.request ~timeout:1000. runtime CounterUpdate.t CounterUpdate.t (number 2)) );
    ]
  in
  with_stuck_handler (fun runtime subscription _ _ ->
      List.iter (fun (name, work) -> is_interrupted name (fun () -> forever work)) (ways runtime);
      let stats = Subscription.stats subscription in
      Alcotest.(check bool) "counted" true (stats.dropped.timeout >= 6))

(* What another thread's handler raises there, or a handler that raises nothing, ends no wait. *)
let a_handler_that_returns_ends_no_wait () =
  with_stuck_handler (fun runtime _ leave got ->
      Runtime.publish runtime CounterUpdate.t (number 2);
      Runtime.publish runtime CounterUpdate.t (number 3);
      let handled = create () in
      Sys.set_signal Sys.sigusr1 (Sys.Signal_handle (fun _ -> open_gate handled));
      let begun = create () in
      let signaller =
        Thread.create
          (fun () ->
            ignore (Thread.sigmask Unix.SIG_BLOCK [ Sys.sigusr1 ]);
            pass begun;
            for _ = 1 to 100 do
              Thread.yield ()
            done;
            Unix.kill (Unix.getpid ()) Sys.sigusr1;
            pass handled;
            open_gate leave)
          ()
      in
      open_gate begun;
      (* No room: this waits until the signal's handler has run, and its thread has let the stuck one go on. *)
      Runtime.publish runtime CounterUpdate.t (number 4);
      Thread.join signaller;
      Sys.set_signal Sys.sigusr1 Sys.Signal_default;
      Runtime.flush runtime;
      Alcotest.(check (list int)) "all" [ 1; 2; 3; 4 ] (items got))

let () =
  Alcotest.run "interrupt"
    [
      ( "it ends",
        [
          test "request" request;
          test "wait_for_links" wait_for_links;
          test "wait_for_subscribers" wait_for_subscribers;
          test "a receiver's next" receive;
          test "flush" flush;
          test "close of a subscription" close_of_a_subscription;
          test "close of a runtime goes on and loses nothing" close_of_a_runtime_goes_on_and_loses_nothing;
          test "publish that waits for room" publish_that_waits_for_room;
          test "a handler that returns ends no wait" a_handler_that_returns_ends_no_wait;
        ] );
    ]

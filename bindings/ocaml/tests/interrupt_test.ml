(* Ctrl-C ends every call that waits, and loses nothing. *)

open Mycelium_native
open Mycelium_protocol
open Collecting

(* Interrupts this process when its main thread waits. The interrupter holds OCaml's runtime lock but while it yields: by
   the hundredth time the main thread has gone as far as it can, into the call. *)
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
  with_runtime (fun runtime ->
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

let publish_ends_with_its_block_timeout () =
  with_stuck_handler (fun runtime _ _ _ ->
      is_interrupted "publish" (fun () ->
          for value = 2 to 1000 do
            try Runtime.publish_with runtime CounterUpdate.t (number value) with Bus_error (Timeout, _) -> ()
          done))

let () =
  Alcotest.run "interrupt"
    [
      ( "it ends",
        [
          test "request" request;
          test "wait_for_subscribers" wait_for_subscribers;
          test "a receiver's next" receive;
          test "flush" flush;
          test "close of a subscription" close_of_a_subscription;
          test "close of a runtime goes on and loses nothing" close_of_a_runtime_goes_on_and_loses_nothing;
          test "publish, with its block_timeout" publish_ends_with_its_block_timeout;
        ] );
    ]

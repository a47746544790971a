(* Ctrl-C ends every call that waits, and loses nothing. *)

open Mycelium_client
open Mycelium_protocol
open Gathering

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

let wait_for_links () =
  with_runtime (fun runtime ->
      Bridge.open_ runtime Bridge.default;
      is_interrupted "wait_for_links" (fun () -> Bridge.wait_for_links runtime 1))

let with_stuck_handler work =
  let entered = create () and leave = create () and got = create () in
  with_runtime ~block_timeout:1000. (fun runtime ->
      let subscription =
        Runtime.subscription ~capacity:1 runtime CounterUpdate.t (fun update ->
            open_gate entered;
            pass leave;
            add got update.value)
      in
      Runtime.publish runtime CounterUpdate.t (number 1);
      pass entered;
      work runtime subscription leave got;
      open_gate leave)

let publish () =
  with_stuck_handler (fun runtime _ leave got ->
      Runtime.publish runtime CounterUpdate.t (number 2);
      is_interrupted "publish" (fun () -> Runtime.publish runtime CounterUpdate.t (number 3));
      open_gate leave;
      Runtime.publish runtime CounterUpdate.t (number 4);
      Runtime.flush runtime;
      Alcotest.(check (list int)) "all but the one that was interrupted" [ 1; 2; 4 ] (items got))

let flush () = with_stuck_handler (fun runtime _ _ _ -> is_interrupted "flush" (fun () -> Runtime.flush runtime))

let close_subscription () =
  with_stuck_handler (fun _ subscription _ _ ->
      is_interrupted "Subscription.close" (fun () -> Subscription.close subscription))

let close () =
  with_stuck_handler (fun runtime _ leave got ->
      is_interrupted "close" (fun () -> Runtime.close ~timeout:1000. runtime);
      open_gate leave;
      Runtime.close runtime;
      Alcotest.(check (list int)) "nothing is lost" [ 1 ] (items got))

let () =
  Alcotest.run ~and_exit:false "interrupt"
    [
      ( "Ctrl-C ends",
        [
          test "request" request;
          test "wait_for_subscribers" wait_for_subscribers;
          test "wait_for_links" wait_for_links;
          test "publish" publish;
          test "flush" flush;
          test "Subscription.close" close_subscription;
          test "close" close;
        ] );
    ]

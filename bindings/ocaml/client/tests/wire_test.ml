(* A client against a peer that a test plays, frame by frame. *)

open Mycelium_client
open Mycelium_bridge_protocol
open Gathering

let type_id = 60000

(* A client that dials a peer, whose greeting is over. The work gets both, and the path where the peer listens. *)
let with_peer ?(config = Bridge.default) ?hello ?types ?block_timeout ?on_log ?on_error work =
  with_folder (fun folder ->
      let path = folder ^ "/peer" in
      let listening = Peer.listen path in
      with_runtime ?types ?block_timeout ~close_timeout:1. ?on_log ?on_error (fun runtime ->
          Bridge.open_ runtime config;
          Bridge.dial runtime ("unix:" ^ path);
          let peer = Peer.accept ?hello listening in
          let theirs, ready = Peer.greet peer in
          Bridge.wait_for_links ~timeout:20. runtime 1;
          work runtime peer theirs.Wire.node ready listening);
      Unix.close listening)

(* The same where the peer wants the type. *)
let with_wanting ?config ?hello ?block_timeout work =
  with_peer ?config ?hello ?block_timeout (fun runtime peer node ready listening ->
      Peer.want peer ~neighbour:node [ type_id ];
      Runtime.wait_for_subscribers ~timeout:20. runtime type_id;
      work runtime peer node ready listening)

let payloads = List.map (fun (data : Frame.data) -> data.payload)
let hear_many peer count = List.init count (fun _ -> Peer.hear_data peer)
let publish runtime text = Runtime.publish_string runtime type_id text
let kilobytes count text = text ^ String.make (count lsl 10) '.'

let no_more_than_a_window_is_on_its_way () =
  let hello = { Peer.hello with window = 65536 } in
  with_wanting ~hello (fun runtime peer _ _ _ ->
      List.iter (fun i -> publish runtime (kilobytes 20 (string_of_int i))) [ 1; 2; 3; 4; 5; 6 ];
      ignore (hear_many peer 4);
      (* It lives, and sends nothing more: what follows is the answer to a message of ours. *)
      Peer.publish peer { Peer.data with type_id };
      (match Peer.next peer with
      | Some (Control (Credit, _, _)) -> ()
      | _ -> Alcotest.fail "more than a window was sent");
      Peer.credit peer 2;
      ignore (hear_many peer 2);
      Peer.credit peer 6;
      Runtime.flush ~timeout:20. runtime;
      let { Bridge.sent; acknowledged; dropped; _ } = Bridge.stats runtime in
      Alcotest.(check (list int)) "counted" [ 6; 6; 0 ] [ sent; acknowledged; dropped ])

let a_credit_for_what_was_not_sent_ends_the_link () =
  with_wanting (fun runtime peer _ _ _ ->
      Peer.credit peer 1;
      let reason, _ = Wire.read_refusal (Peer.hear_control peer Refusal) in
      Alcotest.(check bool) "protocol" true (reason = Protocol);
      Peer.close peer;
      until (fun () -> (Bridge.stats runtime).links_cut = 1))

let accept_again ?(node = Peer.hello.node) ~heard_stream ~heard listening =
  let peer = Peer.accept ~hello:{ Peer.hello with node } listening in
  let _, ready = Peer.greet ~heard_stream ~heard peer in
  (peer, ready)

let what_was_not_acknowledged_is_sent_again () =
  with_wanting (fun runtime peer node ready listening ->
      List.iter (publish runtime) [ "1"; "2"; "3" ];
      ignore (hear_many peer 3);
      Peer.close peer;
      let peer, _ = accept_again ~heard_stream:ready.Wire.stream ~heard:1L listening in
      let again = hear_many peer 2 in
      Alcotest.(check (list string)) "the rest" [ "2"; "3" ] (payloads again);
      let sequences = List.map (fun (data : Frame.data) -> data.sequence) again in
      Alcotest.(check (list int)) "their sequences" [ 2; 3 ] sequences;
      Peer.want ~version:2L peer ~neighbour:node [ type_id ];
      publish runtime "4";
      Alcotest.(check int) "it goes on" 4 (Peer.hear_data peer).sequence;
      Peer.credit peer 4;
      Runtime.flush ~timeout:20. runtime;
      let { Bridge.sent; sent_again; acknowledged; lost; _ } = Bridge.stats runtime in
      Alcotest.(check (list int)) "counted" [ 4; 2; 4; 0 ] [ sent; sent_again; acknowledged; lost ];
      Peer.close peer)

let what_waits_outlives_a_cut () =
  with_wanting (fun runtime peer _ ready listening ->
      Peer.close peer;
      until (fun () -> (Bridge.stats runtime).links_cut = 1);
      publish runtime "while nobody is there";
      let peer, _ = accept_again ~heard_stream:ready.Wire.stream ~heard:0L listening in
      Alcotest.(check string) "waited" "while nobody is there" (Peer.hear_data peer).payload;
      Peer.credit peer 1;
      Runtime.flush ~timeout:20. runtime;
      Peer.close peer)

let another_node_gets_a_stream_of_its_own () =
  with_wanting (fun runtime peer node ready listening ->
      publish runtime "lost";
      ignore (Peer.hear_data peer);
      Peer.close peer;
      let peer, again = accept_again ~node:8L ~heard_stream:0L ~heard:0L listening in
      Alcotest.(check bool) "another stream" true (again.stream <> ready.Wire.stream);
      until (fun () -> (Bridge.stats runtime).lost = 1);
      Peer.want peer ~neighbour:node [ type_id ];
      Runtime.wait_for_subscribers ~timeout:20. runtime type_id;
      publish runtime "new";
      Alcotest.(check int) "from the beginning" 1 (Peer.hear_data peer).sequence;
      Peer.credit peer 1;
      Peer.close peer)

let who_stays_away_too_long_is_forgotten () =
  let config = { Bridge.default with linger = 0.05 } in
  with_wanting ~config (fun runtime peer _ _ _ ->
      publish runtime "lost";
      ignore (Peer.hear_data peer);
      Peer.close peer;
      until (fun () -> (Bridge.stats runtime).lost = 1);
      ignore (raises Timeout "nobody wants it" (fun () -> Runtime.wait_for_subscribers ~timeout:0. runtime type_id)))

(* ---- what comes ---- *)

let subscribed ?policy ?capacity runtime handler =
  Runtime.message_subscription ?policy ?capacity runtime type_id (fun message -> handler (Message.to_string message))

let say peer text = Peer.publish peer { Peer.data with type_id; payload = text }

let what_comes_twice_is_dealt_with_once () =
  let got = create () in
  with_peer (fun runtime peer _ _ listening ->
      let subscription = subscribed runtime (add got) in
      List.iter (say peer) [ "1"; "2" ];
      ignore (wait got 2);
      Peer.close peer;
      let peer, ready = accept_again ~heard_stream:0L ~heard:0L listening in
      Alcotest.(check (pair int64 int64)) "what it has heard" (1L, 2L) (ready.heard_stream, ready.heard);
      List.iter (say peer) [ "1"; "2"; "3" ];
      Alcotest.(check (list string)) "once" [ "1"; "2"; "3" ] (wait got 3);
      Alcotest.(check int) "counted" 2 (Bridge.stats runtime).repeated;
      Subscription.close subscription;
      Peer.close peer)

let a_gap_is_told () =
  let got = create () and log = create () in
  with_peer ~on_log:(fun _ text -> add log text) (fun runtime peer _ _ _ ->
      let subscription = subscribed runtime (add got) in
      say peer "1";
      peer.sequence <- 4;
      say peer "5";
      ignore (wait got 2);
      Alcotest.(check int) "counted" 3 (Bridge.stats runtime).missing;
      until (fun () -> List.exists (fun text -> contains text "3 messages are missing") (items log));
      Subscription.close subscription)

(* A window of messages is taken by a handler that does not return; the peer is not told that they were dealt with. *)
let a_slow_handler_slows_its_publisher_down () =
  let got = create () and leave = create () in
  with_peer ~block_timeout:1000. (fun runtime peer _ _ _ ->
      let subscription =
        subscribed ~capacity:2 runtime (fun text ->
            pass leave;
            add got text)
      in
      List.iter (say peer) [ "1"; "2"; "3"; "4"; "5" ];
      until (fun () -> (Subscription.stats subscription).high_water = 2);
      let before = (Bridge.stats runtime).received in
      Alcotest.(check bool) "it has stopped" true (before <= 4);
      open_gate leave;
      Alcotest.(check (list string)) "nothing is lost" [ "1"; "2"; "3"; "4"; "5" ] (wait got 5);
      let rec hear () = if Wire.read_credit (Peer.hear_control peer Credit) < 5L then hear () in
      hear ();
      Subscription.close subscription)

let what_is_invalid_is_handed_to_nobody () =
  let typed = create () and raw = create () in
  let errors = create () in
  with_peer
    ~on_error:(fun name _ _ -> add errors name)
    (fun runtime peer _ _ _ ->
      let module T = Mycelium_protocol.TextMessage in
      Runtime.subscribe runtime T.t (fun message -> add typed message.content);
      let subscription =
        Runtime.message_subscription runtime T.type_id (fun message -> add raw (Message.to_string message))
      in
      Peer.publish peer { Peer.data with type_id = T.type_id; payload = "no table at all" };
      Peer.publish peer { Peer.data with type_id = T.type_id; payload = T.encode (text "good") };
      Alcotest.(check (list string)) "typed" [ "good" ] (wait typed 1);
      Alcotest.(check int) "raw" 1 (List.length (wait raw 1));
      until (fun () -> (Bridge.stats runtime).invalid = 1);
      Alcotest.(check int) "no handler's error" 0 (List.length (items errors));
      Subscription.close subscription)

let types_with_another_digest_do_not_cross () =
  let module T = Mycelium_protocol.TextMessage in
  let got = create () in
  with_folder (fun folder ->
      let listening = Peer.listen (folder ^ "/peer") in
      with_runtime ~close_timeout:1. (fun runtime ->
          Runtime.subscribe runtime T.t (fun message -> add got message.content);
          Bridge.dial runtime ("unix:" ^ folder ^ "/peer");
          let peer = Peer.accept listening in
          let theirs, ready = Peer.greet ~types:[ (T.type_id, String.make 32 'x') ] peer in
          Alcotest.(check bool) "its own" true (ready.types = [ (T.type_id, T.type_digest) ]);
          Peer.publish peer { Peer.data with type_id = T.type_id; payload = T.encode (text "another") };
          Peer.want peer ~neighbour:theirs.node [ T.type_id; type_id ];
          Runtime.wait_for_subscribers ~timeout:20. runtime type_id;
          Runtime.publish runtime T.t (text "not sent");
          publish runtime "sent";
          Alcotest.(check string) "only what is alike" "sent" (Peer.hear_data peer).payload;
          Alcotest.(check (list string)) "here only" [ "not sent" ] (wait got 1);
          Peer.credit peer 1);
      Unix.close listening)

(* ---- room ---- *)

(* A window that is full: the next messages wait. *)
let with_full_window ?block_timeout policy work =
  let hello = { Peer.hello with window = 65536 } and config = { Bridge.default with policy; capacity = 2 } in
  with_wanting ~config ~hello ?block_timeout (fun runtime peer node ready listening ->
      publish runtime (kilobytes 70 "");
      ignore (Peer.hear_data peer);
      List.iter (publish runtime) [ "1"; "2" ];
      work runtime peer node ready listening)

let the_rest peer count =
  Peer.credit peer 1;
  payloads (hear_many peer count)

let the_oldest_makes_room () =
  with_full_window Drop_oldest (fun runtime peer _ _ _ ->
      List.iter (publish runtime) [ "3"; "4" ];
      Alcotest.(check (list string)) "the newest" [ "3"; "4" ] (the_rest peer 2);
      Alcotest.(check (pair int int64)) "it is told" (type_id, 2L) (Wire.read_lost (Peer.hear_control peer Lost));
      Peer.credit peer 3;
      Alcotest.(check int) "counted" 2 (Bridge.stats runtime).dropped)

let the_newest_finds_no_room () =
  with_full_window Drop_newest (fun runtime peer _ _ _ ->
      List.iter (publish runtime) [ "3"; "4" ];
      Alcotest.(check (list string)) "the oldest" [ "1"; "2" ] (the_rest peer 2);
      Peer.credit peer 3;
      Alcotest.(check int) "counted" 2 (Bridge.stats runtime).dropped)

let a_publisher_is_refused () =
  with_full_window Fail (fun runtime peer _ _ _ ->
      ignore (raises Full "publish" (fun () -> publish runtime "3"));
      Alcotest.(check (list string)) "the others" [ "1"; "2" ] (the_rest peer 2);
      Peer.credit peer 3)

let a_publisher_waits_in_vain () =
  with_full_window ~block_timeout:0.02 Block (fun runtime peer _ _ _ ->
      ignore (raises Timeout "publish" (fun () -> publish runtime "3"));
      Alcotest.(check (list string)) "the others" [ "1"; "2" ] (the_rest peer 2);
      Peer.credit peer 3)

let a_publisher_waits_for_room () =
  with_full_window ~block_timeout:1000. Block (fun runtime peer _ _ _ ->
      let thread = Thread.create (publish runtime) "3" in
      Alcotest.(check (list string)) "all" [ "1"; "2"; "3" ] (the_rest peer 3);
      Thread.join thread;
      Peer.credit peer 4)

(* ---- the end ---- *)

let close_waits_for_the_acknowledgement () =
  with_wanting (fun runtime peer _ _ _ ->
      publish runtime "last";
      ignore (Peer.hear_data peer);
      let thread = Thread.create (fun () -> Runtime.close ~timeout:1000. runtime) () in
      until (fun () -> Runtime.is_closed runtime);
      (* Whatever it says before, it does not say goodbye. *)
      Peer.publish peer { Peer.data with type_id };
      let rec hear_credit () =
        match Peer.next peer with
        | Some (Control (Credit, _, _)) -> ()
        | Some (Control (Refusal, _, _)) | None -> Alcotest.fail "it has gone before the acknowledgement"
        | Some _ -> hear_credit ()
      in
      hear_credit ();
      Peer.credit peer 1;
      let reason, _ = Wire.read_refusal (Peer.hear_control peer Refusal) in
      Alcotest.(check bool) "leaving" true (reason = Leaving);
      Peer.hear_end peer;
      Thread.join thread;
      ignore (raises Closed "publish" (fun () -> publish runtime "more")))

let who_asks_hears_that_the_runtime_is_closed () =
  with_wanting (fun runtime peer _ _ _ ->
      let asked = Runtime.send_request_string runtime type_id "x" in
      Alcotest.(check bool) "a request" true (Peer.hear_data peer).request;
      Peer.credit peer 1;
      Runtime.close runtime;
      ignore (raises Closed "request" (fun () -> Request.wait ~timeout:20. asked));
      Peer.hear_end peer)

let who_says_nothing_counts_as_dead () =
  let config = { Bridge.default with silence = 0.05; heartbeat = 0.02 } in
  with_peer ~config (fun runtime peer _ _ listening ->
      Peer.hear_end peer;
      Peer.close peer;
      let peer, _ = accept_again ~heard_stream:0L ~heard:0L listening in
      until (fun () -> (Bridge.stats runtime).links_made >= 2);
      Peer.close peer)

let a_heartbeat_says_that_it_lives () =
  let config = { Bridge.default with heartbeat = 0.02 } in
  with_peer ~config (fun _ peer _ _ _ ->
      ignore (Peer.hear_control peer Heartbeat);
      ignore (Peer.hear_control peer Heartbeat))

let () =
  Alcotest.run ~and_exit:false "wire"
    [
      ( "sending",
        [
          test "no_more_than_a_window_is_on_its_way" no_more_than_a_window_is_on_its_way;
          test "a_credit_for_what_was_not_sent_ends_the_link" a_credit_for_what_was_not_sent_ends_the_link;
          test "what_was_not_acknowledged_is_sent_again" what_was_not_acknowledged_is_sent_again;
          test "what_waits_outlives_a_cut" what_waits_outlives_a_cut;
          test "another_node_gets_a_stream_of_its_own" another_node_gets_a_stream_of_its_own;
          test "who_stays_away_too_long_is_forgotten" who_stays_away_too_long_is_forgotten;
        ] );
      ( "receiving",
        [
          test "what_comes_twice_is_dealt_with_once" what_comes_twice_is_dealt_with_once;
          test "a_gap_is_told" a_gap_is_told;
          test "a_slow_handler_slows_its_publisher_down" a_slow_handler_slows_its_publisher_down;
          test "what_is_invalid_is_handed_to_nobody" what_is_invalid_is_handed_to_nobody;
          test "types_with_another_digest_do_not_cross" types_with_another_digest_do_not_cross;
        ] );
      ( "room",
        [
          test "the_oldest_makes_room" the_oldest_makes_room;
          test "the_newest_finds_no_room" the_newest_finds_no_room;
          test "a_publisher_is_refused" a_publisher_is_refused;
          test "a_publisher_waits_in_vain" a_publisher_waits_in_vain;
          test "a_publisher_waits_for_room" a_publisher_waits_for_room;
        ] );
      ( "time and end",
        [
          test "close_waits_for_the_acknowledgement" close_waits_for_the_acknowledgement;
          test "who_asks_hears_that_the_runtime_is_closed" who_asks_hears_that_the_runtime_is_closed;
          test "who_says_nothing_counts_as_dead" who_says_nothing_counts_as_dead;
          test "a_heartbeat_says_that_it_lives" a_heartbeat_says_that_it_lives;
        ] );
    ]

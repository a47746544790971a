(* What a leaf makes of what nodes say. *)

open Mycelium_bridge_protocol
open Gathering

let state ?(version = 1L) ?(wants = []) ?(absent = []) id neighbours =
  { Wire.id; version; name = ""; neighbours; wants; carries = []; absent }

(* This node is 1, its neighbour 2. *)
let linked () =
  let network = Network.create 1L "one" in
  Alcotest.(check bool) "news" true (Network.say network ~neighbours:[ 2L ] ());
  network

let learn network news = List.map (Network.learn network) news
let wanted network = Network.Types.elements (Network.wanted network)
let reachable network = Network.Ids.elements (Network.reachable network)

let all_that_can_be_reached_count () =
  let network = linked () in
  let news = [ state 2L [ 1L; 3L ] ~wants:[ 7 ]; state 3L [ 2L ] ~wants:[ 5; 7 ]; state 4L [ 3L ] ~wants:[ 9 ] ] in
  Alcotest.(check (list bool)) "news" [ true; true; true ] (learn network news);
  Alcotest.(check (list int64)) "both ends name a link" [ 1L; 2L; 3L ] (reachable network);
  Alcotest.(check (list int)) "wanted" [ 5; 7 ] (wanted network);
  Alcotest.(check bool) "its own wants" true (Network.say network ~wants:[ 100 ] ());
  Alcotest.(check (list int)) "do not count" [ 5; 7 ] (wanted network);
  ignore (Network.say network ~neighbours:[] ());
  Alcotest.(check (list int)) "cut off" [] (wanted network)

(* What is for a node that is cut off is kept, as long as both ends of the link name each other. *)
let who_is_absent_counts () =
  let network = linked () in
  let says news = Alcotest.(check bool) "news" true (Network.learn network news) in
  let hub version neighbours absent = says (state 2L neighbours ~version ~absent) in
  let far version neighbours absent = says (state 3L neighbours ~version ~absent ~wants:[ 5 ]) in
  let check what types = Alcotest.(check (list int)) what types (wanted network) in
  far 1L [ 2L ] [];
  hub 1L [ 1L; 3L ] [];
  check "linked" [ 5 ];
  hub 2L [ 1L ] [ 3L ];
  check "the hub says that it is absent" [ 5 ];
  Alcotest.(check (list int64)) "and cannot be reached" [ 1L; 2L ] (reachable network);
  far 2L [] [ 2L ];
  check "both say so" [ 5 ];
  says (state 4L [ 3L ] ~wants:[ 9 ]);
  far 3L [ 4L ] [ 2L ];
  check "and who is behind it" [ 5; 9 ];
  far 4L [ 4L ] [];
  check "it waits no longer" [];
  far 5L [ 4L ] [ 2L ];
  check "it does again" [ 5; 9 ];
  hub 3L [ 1L ] [];
  check "the hub waits no longer" []

let the_newest_version_counts () =
  let network = linked () in
  let says version wants = Network.learn network (state 2L [ 1L ] ~version ~wants) in
  Alcotest.(check bool) "first" true (says 5L [ 1 ]);
  Alcotest.(check bool) "older" false (says 4L [ 2 ]);
  Alcotest.(check bool) "same" false (says 5L [ 2 ]);
  Alcotest.(check (list int)) "kept" [ 1 ] (wanted network);
  Alcotest.(check bool) "unsigned" true (says (-1L) [ 3 ]);
  Alcotest.(check (list int)) "newer" [ 3 ] (wanted network)

let its_own_state_is_its_own () =
  let network = linked () in
  let before = (Network.self network).version in
  Alcotest.(check (list bool)) "nobody, and itself" [ false; false ]
    (learn network [ state 0L []; state 1L [] ~version:99L ]);
  Alcotest.(check bool) "nothing new" false (Network.say network ~neighbours:[ 2L ] ());
  Alcotest.(check int64) "its version" before (Network.self network).version;
  Alcotest.(check bool) "new" true (Network.say network ~wants:[ 1 ] ());
  Alcotest.(check int64) "grows" (Int64.succ before) (Network.self network).version

let nodes_are_bounded () =
  let network = linked () in
  ignore (Network.learn network (state 2L [ 1L ] ~wants:[ 5 ]));
  for i = 3 to 3 * Network.max_nodes do
    ignore (Network.learn network (state (Int64.of_int i) []))
  done;
  Alcotest.(check bool) "few are kept" true (List.length (Network.states network) <= Network.max_nodes);
  Alcotest.(check (list int)) "those that live among them" [ 5 ] (wanted network);
  let many = List.init (Network.max_nodes + 1) Int64.of_int in
  Alcotest.(check bool) "too many neighbours" false (Network.learn network (state 9000L many));
  let most = List.tl many in
  Alcotest.(check bool) "absent ones among them" false (Network.learn network (state 9000L [ 1L ] ~absent:most))

let what_they_tell_is_bounded () =
  let network = linked () in
  let wants = List.init 65535 succ in
  let told = learn network (List.init 20 (fun i -> state (Int64.of_int (2 + i)) [ 1L; 2L ] ~wants)) in
  (* The first is alive, and others give way to each other. *)
  Alcotest.(check bool) "the living" true (List.hd told);
  let count sum (state : Wire.node_state) = sum + List.length state.wants in
  let known = List.fold_left count 0 (Network.states network) in
  Alcotest.(check bool) "bounded" true (known <= Network.max_known);
  Alcotest.(check int) "wanted" 65535 (List.length (wanted network))

let () =
  Alcotest.run ~and_exit:false "network"
    [
      ( "what a leaf knows",
        [
          test "all_that_can_be_reached_count" all_that_can_be_reached_count;
          test "who_is_absent_counts" who_is_absent_counts;
          test "the_newest_version_counts" the_newest_version_counts;
          test "its_own_state_is_its_own" its_own_state_is_its_own;
          test "nodes_are_bounded" nodes_are_bounded;
          test "what_they_tell_is_bounded" what_they_tell_is_bounded;
        ] );
    ]

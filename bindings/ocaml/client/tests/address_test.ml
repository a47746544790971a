(* Where a client listens and dials, and who is let in. *)

open Mycelium_client
open Gathering

let secret = { Bridge.default with token = Some "a secret of both" }

let addresses_are_checked () =
  let refused part address =
    with_runtime (fun runtime ->
        check_contains (raises Invalid_argument address (fun () -> Bridge.dial runtime address)) part)
  in
  refused "neither unix: nor tcp:" "/tmp/socket";
  refused "1 to 107 bytes" "unix:";
  refused "1 to 107 bytes" ("unix:/" ^ String.make 107 'x');
  refused "port is missing" "tcp:localhost";
  refused "no number from 0 to 65535" "tcp:localhost:65536";
  refused "no number from 0 to 65535" "tcp:localhost:0x1";
  refused "in brackets" "tcp:::1:5";
  refused "host is missing" "tcp::5";
  refused "same token" "tcp:192.0.2.1:5";
  with_runtime (fun runtime ->
      ignore (raises Invalid_argument "listen" (fun () -> Bridge.listen runtime "tcp:0.0.0.0:0"));
      ignore (raises Runtime "no folder" (fun () -> Bridge.listen runtime "unix:/nowhere/at/all"));
      ignore (raises Invalid_argument "twice" (fun () -> Bridge.open_ runtime Bridge.default)))

let wrong_limits_are_refused () =
  let refused name config =
    with_runtime (fun runtime -> ignore (raises Invalid_argument name (fun () -> Bridge.open_ runtime config)))
  in
  refused "window" { Bridge.default with window = 65535 };
  refused "frame" { Bridge.default with max_frame = 1023 };
  refused "capacity" { Bridge.default with capacity = 0 };
  refused "silence" { Bridge.default with silence = 0. };
  refused "linger" { Bridge.default with linger = nan }

let a_socket_that_was_left_behind_is_replaced () =
  with_folder (fun folder ->
      let path = folder ^ "/bus" in
      Unix.close (Peer.listen path);
      with_runtime (fun runtime ->
          let address = Bridge.listen runtime ("unix:" ^ path) in
          Alcotest.(check int) "for this user" 0o600 ((Unix.stat path).st_perm);
          with_runtime (fun other ->
              let text = raises Runtime "twice" (fun () -> Bridge.listen other address) in
              check_contains text "another process listens"));
      Alcotest.(check bool) "it goes with its runtime" false (Sys.file_exists path);
      close_out (open_out path);
      with_runtime (fun runtime ->
          check_contains (raises Runtime "a file" (fun () -> Bridge.listen runtime ("unix:" ^ path))) "no socket"))

let another_token_is_told () =
  with_folder (fun folder ->
      with_runtime (fun one ->
          with_runtime (fun other ->
              Bridge.open_ one secret;
              Bridge.open_ other { secret with token = Some "another" };
              Bridge.dial other (Bridge.listen one ("unix:" ^ folder ^ "/bus"));
              until (fun () -> (Bridge.stats other).refused > 0);
              let text = raises Timeout "wait" (fun () -> Bridge.wait_for_links ~timeout:0. other 1) in
              check_contains text "the token is another one")))

let a_second_neighbour_is_refused () =
  with_two (fun one _ ->
      with_folder (fun folder ->
          let address = Bridge.listen one ("unix:" ^ folder ^ "/more") in
          with_runtime (fun third ->
              Bridge.dial third address;
              until (fun () -> Option.is_some (Bridge.last_refusal third));
              Alcotest.(check bool) "too many" true (fst (Option.get (Bridge.last_refusal third)) = Too_many))))

let () =
  Alcotest.run ~and_exit:false "address"
    [
      ( "bridges",
        [
          test "addresses_are_checked" addresses_are_checked;
          test "wrong_limits_are_refused" wrong_limits_are_refused;
          test "a_socket_that_was_left_behind_is_replaced" a_socket_that_was_left_behind_is_replaced;
          test "another_token_is_told" another_token_is_told;
          test "a_second_neighbour_is_refused" a_second_neighbour_is_refused;
        ] );
    ]

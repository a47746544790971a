(* Memory of the bus in OCaml's hands: views without copies that stay valid, loans, and what the GC may do to them. *)

open Mycelium_native
open Collecting

let pattern size = String.init size (fun i -> Char.chr (i land 255))
let string_of view = String.init (Bigarray.Array1.dim view) (Bigarray.Array1.get view)

(* Messages that take memory which has become free: what is still held is not among it. *)
let churn size =
  with_runtime (fun runtime ->
      let kept = create () in
      let subscription = Runtime.message_subscription runtime 60000 (add kept) in
      for _ = 1 to 100 do
        Runtime.publish_string runtime 60000 (String.make size '\xff')
      done;
      ignore (wait kept 100);
      Subscription.close subscription);
  Gc.compact ()

(* One message of a type_id, as a subscription gets it. *)
let received ?(type_id = 60000) payload =
  let got = create () in
  with_runtime (fun runtime ->
      let subscription = Runtime.message_subscription runtime type_id (add got) in
      Runtime.publish_string runtime type_id payload;
      ignore (wait got 1);
      Subscription.close subscription);
  List.hd (items got)

let a_message_outlives_its_runtime () =
  let text = pattern 4096 in
  let message = received text in
  churn 4096;
  Alcotest.(check bool) "the same" true (Message.to_string message = text);
  Alcotest.(check int) "length" 4096 (Message.length message);
  Alcotest.(check int) "type" 60000 (Message.type_id message)

let views_outlive_the_message_and_what_was_cut_from_them_too () =
  let text = pattern 4096 in
  let view, part =
    let message = received text in
    let view = Message.payload message in
    (view, Bigarray.Array1.sub (Message.view message Bigarray.int8_unsigned 1024 1024) 512 256)
  in
  churn 4096;
  Alcotest.(check bool) "view" true (string_of view = text);
  Alcotest.(check bool) "part" true
    (List.init 256 (fun i -> Char.chr part.{i}) = List.init 256 (fun i -> text.[1024 + 512 + i]))

let a_view_is_no_copy () =
  let message = received (pattern 64) in
  let bytes = Message.payload message and words = Message.view message Bigarray.int64 8 2 in
  bytes.{8} <- '\xab';
  Alcotest.(check int64) "seen through the other" 0xabL (Int64.logand words.{0} 0xffL)

let views_lie_inside_and_aligned () =
  let message = received (pattern 64) in
  let refused kind first count = ignore (raises_invalid "view" (fun () -> Message.view message kind first count)) in
  refused Bigarray.char 0 65;
  refused Bigarray.char 65 0;
  refused Bigarray.char (-1) 1;
  refused Bigarray.char 0 (-1);
  refused Bigarray.int64 8 8;
  refused Bigarray.int64 0 max_int;
  refused Bigarray.int32 2 1;
  Alcotest.(check int) "whole" 8 (Bigarray.Array1.dim (Message.view message Bigarray.float64 0 8));
  Alcotest.(check int) "end" 0 (Bigarray.Array1.dim (Message.view message Bigarray.char 64 0))

let release_lets_go_at_once () =
  let message = received (pattern 64) in
  let view = Message.payload message in
  Message.release message;
  Message.release message;
  check_contains (raises_invalid "after" (fun () -> Message.length message)) "released";
  ignore (raises_invalid "after" (fun () -> Message.to_string message));
  ignore (raises_invalid "after" (fun () -> Message.payload message));
  ignore (raises_invalid "after" (fun () -> Message.envelope message));
  Alcotest.(check bool) "the view stays" true (string_of view = pattern 64)

let numbers =
  let floats = Bigarray.Array1.init Bigarray.float64 Bigarray.c_layout 10_000 float_of_int in
  { Golden.Vectors.default with float64s = floats }

let vectors_of_a_decoded_message_are_views_of_it () =
  let got = create () in
  let runtime = Runtime.create ~schemas:[ Golden.schema ] Golden.schema_digest in
  Runtime.subscribe runtime Golden.Vectors.t (fun vectors -> add got vectors.float64s);
  Runtime.subscribe runtime Golden.Vectors.t (fun vectors -> add got vectors.float64s);
  Runtime.publish runtime Golden.Vectors.t numbers;
  (match wait got 2 with
  | [ one; other ] ->
      Alcotest.(check bool) "equal" true (one = numbers.float64s && other = numbers.float64s);
      one.{7} <- -1.;
      Alcotest.(check (float 0.)) "the same memory" (-1.) other.{7};
      one.{7} <- 7.
  | _ -> Alcotest.fail "not two");
  for _ = 1 to 100 do
    Runtime.publish runtime Golden.Vectors.t
      { numbers with float64s = Bigarray.Array1.init Bigarray.float64 Bigarray.c_layout 10_000 (fun _ -> nan) }
  done;
  Runtime.close runtime;
  Gc.compact ();
  Alcotest.(check bool) "unchanged" true (List.hd (items got) = numbers.float64s)

(* A descriptor of one's own that keeps what it must not: it gets nothing, or memory of its own, never a crash. *)
let a_decoder_that_keeps_the_payload_harms_nobody () =
  let windows = create () and parts = create () and late = create () in
  let greedy : string message =
    object
      method type_id = 60000
      method topic = ""
      method type_name = "greedy"
      method type_digest = ""
      method encode text = text

      method decode views payload =
        add windows payload;
        add parts (Bigarray.Array1.sub payload 16 16);
        Option.iter (add late) views;
        Ok (string_of payload)
    end
  in
  let text = pattern 64 in
  with_runtime (fun runtime ->
      Runtime.subscribe runtime greedy ignore;
      for _ = 1 to 1000 do
        Runtime.publish runtime greedy text
      done;
      Runtime.flush runtime;
      Alcotest.(check int) "all" 1000 (count parts));
  churn 64;
  List.iter (fun window -> Alcotest.(check int) "nothing" 0 (Bigarray.Array1.dim window)) (items windows);
  List.iter (fun part -> if string_of part <> String.sub text 16 16 then Alcotest.fail "it was changed") (items parts);
  List.iter
    (fun (views : Message.views) -> ignore (raises_invalid "late" (fun () -> views#view Bigarray.char 0 1)))
    (items late)

let received_messages_do_not_pile_up () =
  let before = resident_pages () in
  let payload = String.make 65_536 'x' in
  with_runtime ~block_timeout:60. (fun runtime ->
      let look message = ignore (Message.payload message) in
      let subscription = Runtime.message_subscription ~capacity:64 runtime 60000 look in
      for _ = 1 to 20_000 do
        Runtime.publish_string runtime 60000 payload
      done;
      Runtime.flush runtime;
      Subscription.close subscription);
  (* 1.2 GiB went through. *)
  let grown = (resident_pages () - before) * 4 / 1024 in
  if grown > 128 then Alcotest.failf "%d MiB more than before" grown

let a_loan_is_published_without_a_copy () =
  let got = create () in
  with_runtime (fun runtime ->
      let subscription = Runtime.message_subscription runtime 60000 (add got) in
      let loan = Runtime.loan runtime Bigarray.int32 100 in
      let data = Loan.data loan in
      for i = 0 to 99 do
        data.{i} <- Int32.of_int i
      done;
      Alcotest.(check bool) "live" true (Loan.is_live loan);
      Loan.publish ~length:50 loan 60000;
      Alcotest.(check bool) "taken" false (Loan.is_live loan);
      Alcotest.(check int) "emptied" 0 (Bigarray.Array1.dim data);
      check_contains (raises_invalid "again" (fun () -> Loan.publish loan 60000)) "has been published";
      let message = List.hd (wait got 1) in
      let view = Message.view message Bigarray.int32 0 50 in
      Alcotest.(check int) "length" 200 (Message.length message);
      Alcotest.(check (list int32)) "content" (List.init 50 Int32.of_int) (List.init 50 (fun i -> view.{i}));
      Subscription.close subscription)

(* Nobody may write into a message: a part of the loan that is in use keeps its memory, and a copy is published. *)
let a_part_of_a_loan_keeps_its_memory () =
  let got = create () in
  with_runtime (fun runtime ->
      let subscription = Runtime.message_subscription runtime 60000 (add got) in
      let loan = Runtime.loan runtime Bigarray.char 64 in
      let data = Loan.data loan in
      Bigarray.Array1.fill data 'a';
      let part = Bigarray.Array1.sub data 0 32 in
      Loan.publish loan 60000;
      Bigarray.Array1.fill part 'b';
      let message = List.hd (wait got 1) in
      Alcotest.(check string) "message" (String.make 64 'a') (Message.to_string message);
      Alcotest.(check string) "part" (String.make 32 'b') (string_of part);
      Alcotest.(check bool) "taken" false (Loan.is_live loan);
      ignore (raises_invalid "again" (fun () -> Loan.publish loan 60000));
      Subscription.close subscription)

let a_loan_that_nobody_took_is_still_there () =
  let runtime = Runtime.create Mycelium_protocol.schema_digest in
  let loan = Runtime.loan runtime Bigarray.char 64 in
  Bigarray.Array1.fill (Loan.data loan) 'x';
  ignore (raises_invalid "length" (fun () -> Loan.publish ~length:65 loan 60000));
  ignore (raises Invalid_argument "type 0" (fun () -> Loan.publish loan 0));
  Alcotest.(check int) "there" 64 (Bigarray.Array1.dim (Loan.data loan));
  Runtime.close runtime;
  ignore (raises Closed "closed" (fun () -> Loan.publish loan 60000));
  Alcotest.(check char) "content" 'x' (Loan.data loan).{63}

let loans_that_are_dropped_are_given_back () =
  with_runtime (fun runtime ->
      let before = resident_pages () in
      for _ = 1 to 2000 do
        let loan = Runtime.loan runtime Bigarray.char 1_000_000 in
        (Loan.data loan).{999_999} <- 'x'
      done;
      let grown = (resident_pages () - before) * 4 / 1024 in
      if grown > 256 then Alcotest.failf "%d MiB more than before" grown)

let () =
  Alcotest.run "message"
    [
      ( "views",
        [
          test "a message outlives its runtime" a_message_outlives_its_runtime;
          test "views outlive the message, and what was cut from them too"
            views_outlive_the_message_and_what_was_cut_from_them_too;
          test "a view is no copy" a_view_is_no_copy;
          test "views lie inside and aligned" views_lie_inside_and_aligned;
          test "release lets go at once" release_lets_go_at_once;
          test "vectors of a decoded message are views of it" vectors_of_a_decoded_message_are_views_of_it;
          test "a decoder that keeps the payload harms nobody" a_decoder_that_keeps_the_payload_harms_nobody;
          test "received messages do not pile up" received_messages_do_not_pile_up;
        ] );
      ( "loans",
        [
          test "a loan is published without a copy" a_loan_is_published_without_a_copy;
          test "a part of a loan keeps its memory" a_part_of_a_loan_keeps_its_memory;
          test "a loan that nobody took is still there" a_loan_that_nobody_took_is_still_there;
          test "loans that are dropped are given back" loans_that_are_dropped_are_given_back;
        ] );
    ]

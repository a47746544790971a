(* The bytes of the protocol: checksums and proofs against published vectors, frames and tables against themselves, and
   against bytes that nobody meant. *)

open Mycelium_bridge_protocol
open Gathering

let of_hex text =
  String.init (String.length text / 2) (fun i -> Char.chr (int_of_string ("0x" ^ String.sub text (2 * i) 2)))

let same_bytes name expected found =
  Alcotest.(check string) name (Golden_values.to_hex expected) (Golden_values.to_hex found)

(* RFC 3720, B.4, and the check value of the catalogue of CRCs. *)
let crc_of_published_vectors () =
  let check name text expected = Alcotest.(check int) name expected (Crc32c.string text) in
  check "zeros" (String.make 32 '\000') 0x8a9136aa;
  check "ones" (String.make 32 '\255') 0x62a8ab43;
  check "rising" (String.init 32 Char.chr) 0x46dd794e;
  check "falling" (String.init 32 (fun i -> Char.chr (31 - i))) 0x113fdb5c;
  check "digits" "123456789" 0xe3069283;
  check "nothing" "" 0

(* By its definition, a bit at a time. *)
let slow_crc text =
  let step crc = if crc land 1 = 1 then (crc lsr 1) lxor 0x82f63b78 else crc lsr 1 in
  let rec times n f value = if n = 0 then value else times (n - 1) f (f value) in
  let add crc byte = times 8 step (crc lxor Char.code byte) in
  Seq.fold_left add 0xffffffff (String.to_seq text) lxor 0xffffffff

let crc_in_pieces_of_every_length () =
  let text = String.init 100 (fun i -> Char.chr (i * 37 land 0xff)) in
  let bytes = Bytes.of_string text in
  for length = 0 to 100 do
    let expected = slow_crc (String.sub text 0 length) in
    Alcotest.(check int) "whole" expected (Crc32c.update 0 bytes 0 length);
    let half = length / 3 in
    Alcotest.(check int) "pieces" expected (Crc32c.update (Crc32c.update 0 bytes 0 half) bytes half (length - half))
  done;
  Alcotest.check_raises "outside" (Invalid_argument "Crc32c.update") (fun () -> ignore (Crc32c.update 0 bytes 90 11))

(* FIPS 180-4's examples; the last is a million letters. *)
let sha256_of_published_vectors () =
  let check name text expected = same_bytes name (of_hex expected) (Sha256.digest text) in
  check "nothing" "" "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  check "abc" "abc" "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  check "two blocks" "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
  check "long" (String.make 1_000_000 'a') "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

(* RFC 4231, cases 1 to 4, 6 and 7. *)
let hmac_of_published_vectors () =
  let check name key text expected = same_bytes name (of_hex expected) (Sha256.hmac ~key text) in
  check "1" (String.make 20 '\x0b') "Hi There" "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
  check "2" "Jefe" "what do ya want for nothing?"
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  check "3" (String.make 20 '\xaa') (String.make 50 '\xdd')
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe";
  check "4"
    (String.init 25 (fun i -> Char.chr (i + 1)))
    (String.make 50 '\xcd') "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b";
  check "6" (String.make 131 '\xaa') "Test Using Larger Than Block-Size Key - Hash Key First"
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
  check "7" (String.make 131 '\xaa')
    "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed \
     before being used by the HMAC algorithm."
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2";
  Alcotest.(check bool) "equal" true (Sha256.equal "abc" "abc");
  Alcotest.(check bool) "another" false (Sha256.equal "abc" "abd");
  Alcotest.(check bool) "longer" false (Sha256.equal "abc" "abcd")

(* ---- frames ---- *)

let trace = { Frame.trace_id = String.make 16 't'; span_id = String.make 8 's'; flags = 1 }

let frames =
  let data = { Peer.data with sequence = 1; publisher = 2L; published = 3L; timestamp = -4L; payload = "0123456789" } in
  [
    Frame.Control (Heartbeat, 0L, "");
    Control (Forget, -1L, "");
    Control (Hello, 0L, Wire.write_hello Peer.hello);
    Data data;
    Data { data with payload = "" };
    Data { data with key = Some 5L };
    Data { data with trace = Some trace; request = true; priority = 255; hops = 15 };
    Data { data with trace = Some trace; key = Some (-5L); payload = String.make 100_000 'x' };
    Data { data with reply = true; outcome = -15; sequence = 0; correlation = 99L };
  ]

(* Gives a reader the text in pieces of the size, and takes all frames that it finds. *)
let read_in_pieces ?(max_frame = 1 lsl 20) text size =
  let reader = Frame.reader ~max_frame in
  let rec take found = match Frame.next reader with None -> found | Some frame -> take (frame :: found) in
  let rec go at found =
    if at = String.length text then List.rev found
    else
      let give bytes first room =
        let count = min (min size room) (String.length text - at) in
        Bytes.blit_string text at bytes first count;
        count
      in
      let count = Frame.fill reader give in
      go (at + count) (take found)
  in
  go 0 []

let frames_are_read_as_they_were_written () =
  let text = Peer.bytes_of frames in
  Alcotest.(check int) "padded" 0 (String.length text land 15);
  List.iter
    (fun size -> if read_in_pieces text size <> frames then Alcotest.failf "in pieces of %d they are others" size)
    [ 1; 7; 16; 31; 1000; 65536; 1_000_000 ]

let is_malformed name part text =
  match read_in_pieces ~max_frame:4096 text 4096 with
  | _ -> Alcotest.failf "%s: it was read" name
  | exception Frame.Malformed why -> check_contains why part

let what_is_no_frame_is_refused () =
  let changed frame at change =
    let bytes = Bytes.of_string (Peer.bytes_of [ frame ]) in
    Bytes.set_uint8 bytes at (change (Bytes.get_uint8 bytes at));
    Bytes.to_string bytes
  in
  let data = Frame.Data { Peer.data with sequence = 1; payload = "0123456789" } in
  let set value _ = value in
  is_malformed "length" "over the limit" (changed data 2 (set 255));
  is_malformed "flags" "unknown flags" (changed data 7 (set 1));
  is_malformed "parts" "shorter than its parts" (changed data 0 (set 63));
  is_malformed "control and trace" "no known kind" (changed (Control (Hello, 0L, String.make 64 'x')) 6 (set 3));
  is_malformed "kind" "no known kind" (changed (Control (Hello, 0L, "")) 4 (set 11));
  is_malformed "kind 0" "no known kind" (changed (Control (Hello, 0L, "")) 4 (set 0));
  is_malformed "control with a sequence" "no known kind" (changed (Control (Hello, 0L, "")) 8 (set 1));
  is_malformed "type" "without a type" (Peer.bytes_of [ Data { Peer.data with type_id = 0 } ]);
  is_malformed "sequence" "no stream" (changed data 15 (set 0x80));
  List.iter
    (fun at -> is_malformed "bytes" "checksum" (changed data at (fun byte -> byte lxor 1)))
    [ 16; 24; 30; 40; 73 ];
  Alcotest.(check int) "padding is not looked at" 1
    (List.length (read_in_pieces (changed data 79 (set 255)) 4096))

(* A length is not believed before the bytes are there. *)
let a_reader_takes_memory_for_what_has_come () =
  let reader = Frame.reader ~max_frame:0x7fff_ffff in
  let bytes = Bytes.of_string (Peer.bytes_of [ Data { Peer.data with sequence = 1; payload = "x" } ]) in
  Bytes.set_int32_le bytes 0 0x7fff_fff0l;
  let rooms = ref [] in
  for _ = 1 to 3 do
    ignore
      (Frame.fill reader (fun into first room ->
           rooms := room :: !rooms;
           Bytes.blit bytes 0 into first (Bytes.length bytes);
           Bytes.length bytes));
    Alcotest.(check bool) "no frame" true (Frame.next reader = None)
  done;
  Alcotest.(check bool) "little room" true (List.for_all (fun room -> room <= 1 lsl 18) !rooms)

(* ---- tables ---- *)

let hello = { Peer.hello with name = "n\xc3\xa4me"; wants_proof = true; node = -1L }

let ready =
  { Wire.types = [ (1001, String.make 32 'd'); (65535, "") ]; stream = 5L; heard_stream = -6L; heard = 7L }

let state =
  {
    Wire.id = 1L;
    version = -2L;
    name = "";
    neighbours = [ 1L; -1L; 3L ];
    wants = [ 1; 65535; 3 ];
    carries = [ 65535 ];
    absent = [ -1L; 7L ];
  }

let tables_are_read_as_they_were_written () =
  Alcotest.(check bool) "hello" true (Wire.read_hello (Wire.write_hello hello) = hello);
  Alcotest.(check bool) "ready" true (Wire.read_ready (Wire.write_ready ready) = ready);
  Alcotest.(check bool) "state" true (Wire.read_state (Wire.write_state state) = state);
  let empty = { state with neighbours = []; wants = []; carries = []; absent = [] } in
  Alcotest.(check bool) "empty state" true (Wire.read_state (Wire.write_state empty) = empty);
  Alcotest.(check bool) "proof" true (Wire.read_proof (Wire.write_proof "mac") = "mac");
  Alcotest.(check bool) "refusal" true (Wire.read_refusal (Wire.write_refusal Late "why") = (Late, "why"));
  Alcotest.(check bool) "another reason" true (Wire.read_refusal (Wire.write_refusal (Other 99) "") = (Other 99, ""));
  Alcotest.(check int64) "credit" 9L (Wire.read_credit (Wire.write_credit 9L));
  Alcotest.(check bool) "lost" true (Wire.read_lost (Wire.write_lost ~type_id:5 ~count:6) = (5, 6L));
  let receipt but = Wire.read_receipt (Wire.write_receipt ~sequence:7L ~but) in
  Alcotest.(check bool) "receipt" true (receipt [ 3L; 6L; -1L ] = (7L, [ 3L; 6L; -1L ]));
  Alcotest.check_raises "out of order" (Table.Malformed "a Receipt lists what is open in its order") (fun () ->
      ignore (receipt [ 6L; 3L ]))

(* What flatc has made of a Hello and a Ready in JSON: other places for the same fields, shared vtables, defaults left
   out. *)
let tables_of_another_writer_are_read () =
  let hello =
    Wire.read_hello
      (of_hex
         "180000000000120020000600180008000c0005001000140012000000000101002c000000140000000000000100000100\
          2a00000000000000100000000102030405060708090a0b0c0d0e0f10050000006ec3a46d65000000")
  in
  let expected =
    {
      Wire.version = 1;
      node = 42L;
      name = "n\xc3\xa4me";
      nonce = String.init 16 (fun i -> Char.chr (i + 1));
      wants_proof = true;
      max_frame = 1 lsl 24;
      window = 65536;
      confirms = false;
      silence_ms = 0;
    }
  in
  Alcotest.(check bool) "hello" true (hello = expected);
  let ready =
    Wire.read_ready
      (of_hex
         "100000000c001c0004000800000010000c000000180000000500000000000000ffffffffffffffff0000000002000000\
          2400000004000000ecffffff0000070004000000030000000102030008000c0006000800080000000000e90304000000\
          0300000001020300")
  in
  let digest = "\001\002\003" in
  let expected = { Wire.types = [ (1001, digest); (7, digest) ]; stream = 5L; heard_stream = 0L; heard = -1L } in
  Alcotest.(check bool) "ready" true (ready = expected)

let what_is_no_table_is_refused () =
  let refused name read text =
    match read text with
    | _ -> Alcotest.failf "%s: it was read" name
    | exception Table.Malformed _ -> ()
  in
  refused "nothing" Wire.read_credit "";
  refused "an offset out" Wire.read_credit "\xff\xff\xff\x7f\000\000\000\000";
  refused "node 0" Wire.read_hello (Wire.write_hello { hello with node = 0L });
  refused "a short nonce" Wire.read_hello (Wire.write_hello { hello with nonce = "short" });
  refused "stream 0" Wire.read_ready (Wire.write_ready { ready with stream = 0L })

(* ---- bytes that nobody meant ---- *)

let mutate text =
  let bytes = Bytes.of_string text in
  for _ = 0 to Random.int 4 do
    let range = if Random.bool () then 256 else 24 in
    Bytes.set_uint8 bytes (Random.int (Bytes.length bytes)) (Random.int range)
  done;
  let length = if Random.int 8 = 0 then Random.int (Bytes.length bytes + 1) else Bytes.length bytes in
  Bytes.sub_string bytes 0 length

let rounds = 100_000

let mutated_tables_end_in_a_value_or_an_error () =
  Random.init 4;
  let reads =
    [|
      (Wire.write_hello hello, fun text -> ignore (Wire.read_hello text));
      (Wire.write_ready ready, fun text -> ignore (Wire.read_ready text));
      (Wire.write_state state, fun text -> ignore (Wire.read_state text));
      (Wire.write_refusal Proof "why", fun text -> ignore (Wire.read_refusal text));
      (Wire.write_proof (String.make 32 'p'), fun text -> ignore (Wire.read_proof text));
      (Wire.write_credit 5L, fun text -> ignore (Wire.read_credit text));
      (Wire.write_lost ~type_id:1 ~count:2, fun text -> ignore (Wire.read_lost text));
    |]
  in
  let read = ref 0 in
  for round = 1 to rounds do
    let text, reader = reads.(round mod Array.length reads) in
    match reader (mutate text) with () -> incr read | exception Table.Malformed _ -> ()
  done;
  Alcotest.(check bool) "the test is not empty" true (!read > rounds / 20 && !read < rounds - (rounds / 20))

(* Half of them with a checksum that is right, so that it is not all that is tried. *)
let mutated_frames_end_in_frames_or_an_error () =
  Random.init 5;
  let small = List.filter (fun frame -> String.length (Peer.bytes_of [ frame ]) < 1000) frames in
  let texts = Array.of_list (List.map (fun frame -> Peer.bytes_of [ frame ]) small) in
  let repair text =
    let length = min (String.length text) (Int32.to_int (String.get_int32_le text 0) land 0xffff) in
    let bytes = Bytes.of_string text in
    if length >= 32 then begin
      Bytes.set_int32_le bytes 24 0l;
      Bytes.set_int32_le bytes 24 (Int32.of_int (Crc32c.update 0 bytes 0 length))
    end;
    Bytes.to_string bytes
  in
  let read = ref 0 and refused = ref 0 in
  for round = 1 to rounds do
    let text = mutate texts.(round mod Array.length texts) in
    let text = if round land 1 = 0 && String.length text >= 32 then repair text else text in
    match read_in_pieces (text ^ texts.(0)) 4096 with
    | frames -> if frames <> [] then incr read
    | exception Frame.Malformed _ -> incr refused
  done;
  Alcotest.(check bool) "the test is not empty" true (!read > rounds / 20 && !refused > rounds / 20)

(* A link that is given such bytes, in whatever state, goes on or ends. *)
let mutated_links_go_on_or_end () =
  Random.init 6;
  let greeting =
    Frame.[ Control (Hello, 0L, Wire.write_hello Peer.hello); Control (Ready, 0L, Wire.write_ready ready) ]
  in
  let conversation = greeting @ List.filter (function Frame.Control (Hello, _, _) -> false | _ -> true) frames in
  let text = Peer.bytes_of conversation in
  let up = ref 0 and ended = ref 0 in
  for _ = 1 to rounds / 50 do
    let link = Link.create ~dialed:true ~where:"" ~token:"" { Peer.hello with node = 1L; nonce = "ours" } in
    let text = mutate text in
    let give bytes first room =
      let count = min room (String.length text) in
      Bytes.blit_string text 0 bytes first count;
      count
    in
    ignore (Frame.fill link.reader give);
    let rec go () =
      match Link.next link with
      | None -> ()
      | Some Accepted ->
          Link.send_ready link ready;
          go ()
      | Some _ -> go ()
    in
    go ();
    if Link.is_open link then incr up else incr ended
  done;
  Alcotest.(check bool) "the test is not empty" true (!up > 10 && !ended > 10)

let () =
  Alcotest.run ~and_exit:false "protocol"
    [
      ( "digests",
        [
          test "crc_of_published_vectors" crc_of_published_vectors;
          test "crc_in_pieces_of_every_length" crc_in_pieces_of_every_length;
          test "sha256_of_published_vectors" sha256_of_published_vectors;
          test "hmac_of_published_vectors" hmac_of_published_vectors;
        ] );
      ( "frames",
        [
          test "frames_are_read_as_they_were_written" frames_are_read_as_they_were_written;
          test "what_is_no_frame_is_refused" what_is_no_frame_is_refused;
          test "a_reader_takes_memory_for_what_has_come" a_reader_takes_memory_for_what_has_come;
        ] );
      ( "tables",
        [
          test "tables_are_read_as_they_were_written" tables_are_read_as_they_were_written;
          test "tables_of_another_writer_are_read" tables_of_another_writer_are_read;
          test "what_is_no_table_is_refused" what_is_no_table_is_refused;
        ] );
      ( "strangers",
        [
          test "mutated_tables_end_in_a_value_or_an_error" mutated_tables_end_in_a_value_or_an_error;
          test "mutated_frames_end_in_frames_or_an_error" mutated_frames_end_in_frames_or_an_error;
          test "mutated_links_go_on_or_end" mutated_links_go_on_or_end;
        ] );
    ]

(* Generated OCaml against the golden vectors, and against what the library accepts. *)

open Mycelium_native
open Golden_values

let payload text =
  Bigarray.Array1.init Bigarray.char Bigarray.c_layout (String.length text) (fun i -> text.[i])

(* Decodes as the bus does, without copies: its own views of a payload. *)
let with_views text =
  let runtime = Runtime.create (schema_digest ()) in
  let received = ref None in
  ignore (Runtime.message_subscription runtime 60000 (fun message -> received := Some message));
  Runtime.publish_string runtime 60000 text;
  Runtime.close runtime;
  Option.get !received

let each check () = List.iter (fun vector -> check vector (codec_of vector.type_name)) vectors
let same_bytes name expected found = Alcotest.(check string) name (to_hex expected) (to_hex found)

let decoded name = function Ok value -> value | Error text -> Alcotest.failf "%s: %s" name text

let every_type_has_vectors () =
  Alcotest.(check bool) "at least 60" true (List.length vectors >= 60);
  let types = List.sort_uniq compare (List.map (fun vector -> vector.type_name) vectors) in
  Alcotest.(check int) "types" (List.length codecs) (List.length types)

let values_become_the_same_bytes =
  each (fun vector (Codec (descriptor, read)) ->
      same_bytes vector.name vector.bytes (descriptor#encode (read vector.value)))

(* compare, as a NaN does not equal itself *)
let bytes_become_the_same_values =
  each (fun vector (Codec (descriptor, read)) ->
      let expected = read vector.value in
      let found = decoded vector.name (descriptor#decode None (payload vector.bytes)) in
      if compare expected found <> 0 then Alcotest.failf "%s has decoded to another value" vector.name)

let what_is_read_without_copies_is_the_same =
  each (fun vector (Codec (descriptor, read)) ->
      let message = with_views vector.bytes in
      let views =
        object
          method view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t =
            fun kind first count -> Message.view message kind first count
        end
      in
      let found = decoded vector.name (descriptor#decode (Some views) (Message.payload message)) in
      if compare (read vector.value) found <> 0 then Alcotest.failf "%s has decoded to another value" vector.name;
      same_bytes vector.name vector.bytes (descriptor#encode found))

let with_golden work =
  let runtime = Runtime.create ~schemas:[ Golden.schema ] Golden.schema_digest in
  Fun.protect (fun () -> work runtime) ~finally:(fun () -> Runtime.close runtime)

let digests_are_those_of_the_registry () =
  with_golden (fun runtime ->
      List.iter
        (fun (Codec (descriptor, _)) ->
          same_bytes descriptor#type_name (Runtime.type_digest runtime descriptor#type_id) descriptor#type_digest)
        codecs);
  same_bytes "set" (schema_digest ()) Mycelium_protocol.schema_digest

(* An error or a value, never a crash; and the library accepts no payload that the module refuses, nor the other way
   round, but for fields that are deprecated. *)
let mutated_inputs_end_in_a_value_or_an_error () =
  Random.init 3;
  let mutate text =
    let bytes = Bytes.of_string text in
    for _ = 0 to Random.int 4 do
      let range = if Random.bool () then 256 else 24 in
      Bytes.set_uint8 bytes (Random.int (Bytes.length bytes)) (Random.int range)
    done;
    let length = if Random.int 8 = 0 then Random.int (Bytes.length bytes + 1) else Bytes.length bytes in
    Bytes.sub_string bytes 0 length
  in
  let accepted = ref 0 and rounds = ref 0 in
  with_golden (fun runtime ->
      let try_one vector =
        incr rounds;
        let (Codec (descriptor, _)) = codec_of vector.type_name in
        let text = mutate vector.bytes in
        let fits =
          match Runtime.verify_payload runtime descriptor#type_id text with
          | () -> true
          | exception Bus_error (Status.Invalid_payload, _) -> false
        in
        let result = descriptor#decode None (payload text) in
        if Result.is_ok result then incr accepted;
        let agree =
          if vector.type_name = Golden.Evolved.type_name then (not fits) || Result.is_ok result
          else fits = Result.is_ok result
        in
        if not agree then Alcotest.failf "%s: the library and the module do not agree on %s" vector.name (to_hex text);
        (* What was read is written canonically, and reads as itself. *)
        Result.iter
          (fun value ->
            let again = descriptor#encode value in
            let read = decoded vector.name (descriptor#decode None (payload again)) in
            same_bytes vector.name again (descriptor#encode read))
          result
      in
      while !rounds < 100_000 do
        List.iter try_one vectors
      done);
  Alcotest.(check bool) "the test is not empty" true (!accepted > 10_000 && !accepted < 90_000)

let refusal_says_why () =
  Alcotest.(check (result reject string))
    "too short"
    (Error "mycelium.examples.TextMessage: payload is shorter than any table (byte 0)")
    (Mycelium_protocol.TextMessage.decode "12345")

let a_member_from_the_future_reads_as_none () =
  let vector = List.find (fun vector -> vector.name = "drawing_circle") vectors in
  let bytes = Bytes.of_string vector.bytes in
  (* The only byte that is 1: the member's number. *)
  let place = Bytes.index bytes '\001' in
  Alcotest.(check bool) "the only one" true (place = Bytes.rindex bytes '\001');
  Bytes.set_uint8 bytes place 200;
  match Golden.Drawing.decode (Bytes.to_string bytes) with
  | Ok read -> Alcotest.(check bool) "none" true (read.main = None && read.title = "one")
  | Error text -> Alcotest.fail text

let raises_invalid name expected work =
  match work () with
  | _ -> Alcotest.failf "%s: nothing was raised" name
  | exception Invalid_argument text -> Alcotest.(check string) name expected text

let what_does_not_fit_is_refused_by_name () =
  let open Golden in
  raises_invalid "range" "mycelium.golden.Scalars.uint8: 256 is not between 0 and 255" (fun () ->
      Scalars.encode { Scalars.default with uint8 = 256 });
  raises_invalid "negative" "mycelium.golden.Scalars.uint32: -1 is not between 0 and 4294967295" (fun () ->
      Scalars.encode { Scalars.default with uint32 = -1 });
  raises_invalid "optional" "mycelium.golden.Optionals.int8: 128 is not between -128 and 127" (fun () ->
      Optionals.encode { Optionals.default with int8 = Some 128 });
  raises_invalid "enum" "mycelium.golden.Defaults.colour: 128 is not between -128 and 127" (fun () ->
      Defaults.encode { Defaults.default with colour = Unknown 128 });
  raises_invalid "array" "mycelium.golden.Frame.name: has 3 elements instead of 5" (fun () ->
      Structs.encode { Structs.default with frame = Some { Frame.default with name = "abc" } });
  raises_invalid "array of structs" "mycelium.golden.Frame.corners: has 0 elements instead of 3" (fun () ->
      Structs.encode { Structs.default with frames = [| { Frame.default with corners = [||] } |] })

let not_utf8 = [ "\xff"; "a\xc3"; "\xc0\x80"; "\xed\xa0\x80"; "\xf4\x90\x80\x80"; "12345678\x80"; "\xe6\xbc" ]

let text_that_is_not_utf8_is_refused () =
  let open Golden in
  let text = "is not UTF-8; make the field a [ubyte] if it holds other bytes" in
  let why field = Printf.sprintf "mycelium.golden.Strings.%s: %s" field text in
  List.iter
    (fun text ->
      raises_invalid "one" (why "plain") (fun () -> Strings.encode { Strings.default with plain = text });
      raises_invalid "many" (why "list") (fun () -> Strings.encode { Strings.default with list = [| "good"; text |] });
      (* Of the same length, so that it can stand in its place. *)
      let good = String.make (String.length text) 'z' in
      let bytes = Strings.encode { Strings.default with plain = good } in
      let rec place i = if String.sub bytes i (String.length good) = good then i else place (i + 1) in
      let spoilt = Bytes.of_string bytes in
      Bytes.blit_string text 0 spoilt (place 0) (String.length text);
      match Strings.decode (Bytes.to_string spoilt) with
      | Error why -> if not (Collecting.contains why "string is not UTF-8") then Alcotest.fail why
      | Ok _ -> Alcotest.failf "%S was read" text)
    not_utf8

let deep levels =
  let rec go level (node : Golden.Node.t) =
    if level = levels then node else go (level + 1) { Golden.Node.default with next = Some node }
  in
  go 1 Golden.Node.default

let depth_is_bounded () =
  Alcotest.(check bool) "64 deep" true (Result.is_ok (Golden.Node.decode (Golden.Node.encode (deep 64))));
  let too_deep = "tables are nested deeper than 64, which nobody could read" in
  raises_invalid "65 deep" too_deep (fun () -> Golden.Node.encode (deep 65));
  let rec ring : Golden.Node.t = { name = ""; weight = 0; next = Some ring; children = [||] } in
  raises_invalid "a ring" too_deep (fun () -> Golden.Node.encode ring);
  (* A failed encoding leaves nothing behind in the builder. *)
  same_bytes "after" (Golden.Node.encode (deep 3)) (Golden.Node.encode (deep 3))

(* A small payload of 20 levels, on each of which 16 elements are the next level's only table: 16^20 tables. *)
let work_is_bounded () =
  let levels = 20 and width = 16 in
  let vtable = 4 in
  let table i = vtable + 12 + (i * (8 + 4 + (4 * width))) in
  let bytes = Bytes.make (table levels + 12) '\000' in
  let set at value = Bytes.set_int32_le bytes at (Int32.of_int value) in
  set 0 (table 0);
  (* Of a Node: 12 bytes, tables of 8 bytes, whose children (field 3) stand at 4. *)
  List.iteri (fun i value -> Bytes.set_uint16_le bytes (vtable + (2 * i)) value) [ 12; 8; 0; 0; 0; 4 ];
  for i = 0 to levels - 1 do
    let at = table i in
    set at (at - vtable);
    set (at + 4) 4;
    set (at + 8) width;
    for j = 0 to width - 1 do
      let place = at + 12 + (4 * j) in
      set place (table (i + 1) - place)
    done
  done;
  set (table levels) (table levels - vtable);
  set (table levels + 4) 4;
  match Golden.Node.decode (Bytes.to_string bytes) with
  | Error text ->
      let expected = "mycelium.golden.Node: parts are shared too many times over" in
      Alcotest.(check string) "text" expected (String.sub text 0 (String.length expected))
  | Ok _ -> Alcotest.fail "it was accepted"

let () =
  let test name work = Alcotest.test_case name `Quick work in
  Alcotest.run "golden"
    [
      ( "vectors",
        [
          test "every type has some" every_type_has_vectors;
          test "values become the same bytes" values_become_the_same_bytes;
          test "bytes become the same values" bytes_become_the_same_values;
          test "what is read without copies is the same" what_is_read_without_copies_is_the_same;
          test "digests are those of the registry" digests_are_those_of_the_registry;
        ] );
      ( "decoding",
        [
          test "100,000 mutated inputs end in a value or an error" mutated_inputs_end_in_a_value_or_an_error;
          test "refusal says why" refusal_says_why;
          test "a union's member from the future reads as none" a_member_from_the_future_reads_as_none;
          test "work is bounded" work_is_bounded;
        ] );
      ( "encoding",
        [
          test "what does not fit is refused by name" what_does_not_fit_is_refused_by_name;
          test "text that is not UTF-8 is refused" text_that_is_not_utf8_is_refused;
          test "depth is bounded" depth_is_bounded;
        ] );
    ]

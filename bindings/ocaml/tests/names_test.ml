(* Generated OCaml whose schemas use OCaml's words and the names of its library, every kind of reference, and the global
   name space. Most of the test is that it compiles. *)

let round_trip encode decode value =
  match decode (encode value) with
  | Ok read -> if compare read value <> 0 then Alcotest.fail "it has decoded to another value"
  | Error text -> Alcotest.fail text

let words_that_are_taken_get_an_underscore () =
  let message : Names.Virtual.t =
    {
      Names.Virtual.default with
      encode = "e";
      topic = Some { type_id = 1; wire_size = 2; operator = Delete };
      topic_ = [| { Names.Register.default with operator = Int_ } |];
      type_id = Auto;
      in_ = Some Names.Recursive.default;
    }
  in
  round_trip Names.Virtual.encode Names.Virtual.decode message;
  Alcotest.(check int) "type_id" 60000 Names.Virtual.type_id;
  Alcotest.(check string) "type_name" "names.class.default.virtual" Names.Virtual.type_name;
  Alcotest.(check string) "topic" "quote \" backslash \\ tab \t ??/ \xc3\xa9" Names.Virtual.topic

let types_that_hold_each_other_are_values () =
  let leaf : Names.Leaf.t = { x = 6 } in
  let mutual : Names.Mutual.t = { Names.Mutual.default with any = Some (Again leaf); must = { x = 5 } } in
  let leafy = { Names.Recursive.default with other = Some mutual } in
  let tree = { Names.Recursive.default with us = [| Names.Recursive.default; leafy |] } in
  round_trip Names.Recursive.encode Names.Recursive.decode { tree with me = Some tree; any = Some (Mutual mutual) }

let encoding_without_a_required_union_is_refused () =
  match Names.Mutual.encode Names.Mutual.default with
  | _ -> Alcotest.fail "it was written"
  | exception Invalid_argument text ->
      Alcotest.(check string) "text" "names.other.Mutual.any: is required, and is None" text

let the_global_name_space_works () =
  round_trip Names.Global.encode Names.Global.decode
    { global = 1; leaf = Some { x = 2 }; any = Some (Names_class_default_virtual Names.Virtual.default) }

let names_of_ocaml's_library_are_free () =
  let text : Odd.String.t =
    {
      array = [| "a"; ""; "c" |];
      bool = [| true; false |];
      option = Some { Odd.Option.default with none = "n" };
      _hidden = Some 0;
      __ = 7;
      list = Int64.logor Odd.List.of_ Odd.List.high;
      standard = Some Odd.Stdlib.None;
      fixed = Some { string = [| 1; -1 |]; array = [| True; Unknown_; Unknown 9 |] };
      fixed_ = [| Odd.Bytes.default |];
    }
  in
  round_trip Odd.String.encode Odd.String.decode text;
  Alcotest.(check int64) "high" Int64.min_int Odd.List.high;
  Alcotest.(check bool) "default" true (Odd.String.default.list = Odd.List.to_);
  let flat : Odd.Flat_.t = { bigarray = Odd.Bigarray.default } in
  let result ok : Odd.Int64.t = { ok; flat = Some flat; both = [| flat; flat |] } in
  List.iter
    (fun ok -> round_trip Odd.Int64.encode Odd.Int64.decode (result ok))
    [ Some (Odd.Result.Some text); Some (None Odd.Option.default); Some (Error (result None)); None ]

let () =
  let test name work = Alcotest.test_case name `Quick work in
  Alcotest.run "names"
    [
      ( "names",
        [
          test "words that are taken get an underscore" words_that_are_taken_get_an_underscore;
          test "types that hold each other are values" types_that_hold_each_other_are_values;
          test "encoding without a required union is refused" encoding_without_a_required_union_is_refused;
          test "the global name space works" the_global_name_space_works;
          test "names of OCaml's library are free" names_of_ocaml's_library_are_free;
        ] );
    ]

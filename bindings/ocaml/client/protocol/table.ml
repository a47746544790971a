exception Malformed of string

let malformed why = raise_notrace (Malformed why)

(* ---- reading ---- *)

(* How many bytes may still be copied out: parts may be shared, and without a bound a small payload that names one part
   a million times would become a large value. *)
type source = { text : string; mutable reach : int }
type t = { source : source; start : int; length : int; vtable : int; vtable_length : int }

let inside source at size alignment =
  at >= 0 && at land (alignment - 1) = 0 && size <= String.length source.text && at <= String.length source.text - size

let get_16 source at = String.get_uint16_le source.text at
let get_32 source at = Int32.to_int (String.get_int32_le source.text at) land 0xffff_ffff

let follow source at =
  if not (inside source at 4 4) then malformed "an offset is misaligned or outside the payload";
  let distance = get_32 source at in
  if distance = 0 || not (inside source (at + distance) 1 1) then malformed "an offset leads out of the payload";
  at + distance

let spend source count =
  if count > source.reach then malformed "parts are shared too many times over";
  source.reach <- source.reach - count

let table source start =
  if not (inside source start 4 4) then malformed "a table is misaligned or outside the payload";
  let vtable = start - Int32.to_int (String.get_int32_le source.text start) in
  if not (inside source vtable 4 2) then malformed "a table has no vtable inside the payload";
  let vtable_length = get_16 source vtable and length = get_16 source (vtable + 2) in
  if vtable_length < 4 || vtable_length land 1 <> 0 || not (inside source vtable vtable_length 2) then
    malformed "a vtable runs past the end";
  if length < 4 || not (inside source start length 4) then malformed "a table runs past the end";
  { source; start; length; vtable; vtable_length }

let root text =
  if String.length text < 8 then malformed "it is shorter than any table";
  let source = { text; reach = 1024 + (2 * String.length text) } in
  table source (follow source 0)

(* Where a field stands; None if it is absent. *)
let locate t id size =
  let slot = 4 + (2 * id) in
  if slot + 2 > t.vtable_length then None
  else
    match get_16 t.source (t.vtable + slot) with
    | 0 -> None
    | distance when distance < 4 || distance + size > t.length || (t.start + distance) land (size - 1) <> 0 ->
        malformed "a field is misaligned or outside its table"
    | distance -> Some (t.start + distance)

let number size get otherwise t id = match locate t id size with None -> otherwise | Some at -> get t.source at
let uint8 = number 1 (fun source at -> Char.code source.text.[at]) 0
let bool t id = uint8 t id <> 0
let uint16 = number 2 get_16 0
let uint32 = number 4 get_32 0
let uint64 = number 8 (fun source at -> String.get_int64_le source.text at) 0L

(* The first element of a vector and their number; none if the field is absent. *)
let elements t id size =
  match locate t id 4 with
  | None -> (0, 0)
  | Some at ->
      let at = follow t.source at in
      if not (inside t.source at 4 4) then malformed "a vector is misaligned or outside the payload";
      let count = get_32 t.source at in
      if not (inside t.source (at + 4) (count * size) 1) then malformed "a vector runs past the end";
      if count <> 0 && (at + 4) land (size - 1) <> 0 then malformed "a vector's elements are misaligned";
      spend t.source (count * size);
      (at + 4, count)

let bytes t id =
  let first, count = elements t id 1 in
  String.sub t.source.text first count

let text t id =
  let first, count = elements t id 1 in
  if first <> 0 && not (inside t.source (first + count) 1 1 && t.source.text.[first + count] = '\000') then
    malformed "a string is not terminated";
  String.sub t.source.text first count

(* More there are not, of types or of neighbours; and each becomes an element of a list. *)
let most_elements = 65536

let vector size get t id =
  let first, count = elements t id size in
  if count > most_elements then malformed "a vector is longer than any that there is";
  List.init count (fun i -> get t.source (first + (size * i)))

let uint16s = vector 2 get_16
let uint64s = vector 8 (fun source at -> String.get_int64_le source.text at)
let tables = vector 4 (fun source at -> table source (follow source at))

(* ---- writing ---- *)

type field =
  | Bool of bool
  | Uint8 of int
  | Uint16 of int
  | Uint32 of int
  | Uint64 of int64
  | Text of string
  | Bytes of string
  | Uint16s of int list
  | Uint64s of int64 list
  | Tables of field list list

let size_of = function
  | Bool _ | Uint8 _ -> 1
  | Uint16 _ -> 2
  | Uint32 _ | Text _ | Bytes _ | Uint16s _ | Uint64s _ | Tables _ -> 4
  | Uint64 _ -> 8

let aligned size alignment = (size + alignment - 1) land -alignment

(* Grows from its front to its end: what a table refers to stands behind it, its vtable before it. *)
type builder = { mutable out : Bytes.t; mutable used : int }

let reserve b count =
  let at = b.used in
  if at + count > Bytes.length b.out then begin
    let larger = Bytes.make (max (2 * Bytes.length b.out) (at + count)) '\000' in
    Bytes.blit b.out 0 larger 0 at;
    b.out <- larger
  end;
  b.used <- at + count;
  at

let pad_to b alignment = ignore (reserve b (aligned b.used alignment - b.used))
let set_32 b at value = Bytes.set_int32_le b.out at (Int32.of_int value)

let write_vector b size count write =
  pad_to b 4;
  if size = 8 && (b.used + 4) land 7 <> 0 then ignore (reserve b 4);
  let at = reserve b (4 + (size * count)) in
  set_32 b at count;
  write (at + 4);
  at

let write_bytes b value =
  let length = String.length value in
  write_vector b 1 length (fun first -> Bytes.blit_string value 0 b.out first length)

let write_text b value =
  let at = write_bytes b value in
  ignore (reserve b 1); (* its zero *)
  at

let rec write_table b fields =
  let vtable_length = 4 + (2 * List.length fields) in
  (* Each field at a multiple of its size, behind the table's distance to its vtable. *)
  let place (places, next) field =
    let at = aligned next (size_of field) in
    (at :: places, at + size_of field)
  in
  let places, length = List.fold_left place ([], 4) fields in
  let places = List.rev places in
  pad_to b 2;
  let vtable = reserve b vtable_length in
  pad_to b 8;
  let start = reserve b length in
  Bytes.set_uint16_le b.out vtable vtable_length;
  Bytes.set_uint16_le b.out (vtable + 2) length;
  List.iteri (fun i at -> Bytes.set_uint16_le b.out (vtable + 4 + (2 * i)) at) places;
  set_32 b start (start - vtable);
  List.iter2 (fun at field -> write_field b (start + at) field) places fields;
  start

and write_field b at field =
  let refer target = set_32 b at (target - at) in
  match field with
  | Bool value -> Bytes.set_uint8 b.out at (Bool.to_int value)
  | Uint8 value -> Bytes.set_uint8 b.out at value
  | Uint16 value -> Bytes.set_uint16_le b.out at value
  | Uint32 value -> set_32 b at value
  | Uint64 value -> Bytes.set_int64_le b.out at value
  | Text value -> refer (write_text b value)
  | Bytes value -> refer (write_bytes b value)
  | Uint16s values ->
      let set first = List.iteri (fun i value -> Bytes.set_uint16_le b.out (first + (2 * i)) value) values in
      refer (write_vector b 2 (List.length values) set)
  | Uint64s values ->
      let set first = List.iteri (fun i value -> Bytes.set_int64_le b.out (first + (8 * i)) value) values in
      refer (write_vector b 8 (List.length values) set)
  | Tables values ->
      let first = ref 0 in
      refer (write_vector b 4 (List.length values) (fun at -> first := at));
      List.iteri
        (fun i fields ->
          let target = write_table b fields in
          set_32 b (!first + (4 * i)) (target - (!first + (4 * i))))
        values

let write fields =
  let b = { out = Bytes.make 256 '\000'; used = 0 } in
  let root = reserve b 4 in
  let start = write_table b fields in
  set_32 b root (start - root);
  Bytes.sub_string b.out 0 b.used

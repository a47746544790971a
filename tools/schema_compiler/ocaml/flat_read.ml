(* What the generated modules need beside the standard library: FlatBuffers read from bytes that nobody has checked, and
   written in the canonical order (docs/schema.md). It accepts what schema/flat_reader.hpp accepts. The standard library
   is named in here only, so that a table may be called String. Three files of Mycelium's stand here as one module. *)

open Bigarray

type payload = (char, int8_unsigned_elt, c_layout) Array1.t
type views = < view : 'a 'b. ('a, 'b) kind -> int -> int -> ('a, 'b, c_layout) Array1.t >
type int8s = (int, int8_signed_elt, c_layout) Array1.t
type uint8s = (int, int8_unsigned_elt, c_layout) Array1.t
type int16s = (int, int16_signed_elt, c_layout) Array1.t
type uint16s = (int, int16_unsigned_elt, c_layout) Array1.t
type int32s = (int32, int32_elt, c_layout) Array1.t
type int64s = (int64, int64_elt, c_layout) Array1.t
type float32s = (float, float32_elt, c_layout) Array1.t
type float64s = (float, float64_elt, c_layout) Array1.t

(* The compiler's own access to a Bigarray of bytes, checked against its bounds: what is wrong in here, or a payload
   that changes while it is read, is an exception and never a crash. *)
external get_16 : payload -> int -> int = "%caml_bigstring_get16"
external get_32 : payload -> int -> int32 = "%caml_bigstring_get32"
external get_64 : payload -> int -> int64 = "%caml_bigstring_get64"
external set_64 : payload -> int -> int64 -> unit = "%caml_bigstring_set64"

let () =
  if Sys.big_endian || Sys.int_size < 63 then
    failwith "messages of Mycelium need a machine of 64 bits, little endian"

let max_payload = 0x7fff_ffff
let max_depth = 64
let some value = Some value
let map = Option.map

(* ---- reading ---- *)

exception Malformed of string * int

type reader = {
  payload : payload;
  size : int;
  views : views option;
  mutable steps : int; (* tables and elements that may still be visited *)
  mutable reach : int; (* bytes that may still be copied out *)
  mutable depth : int;
}

type table = { start : int; length : int; vtable : int; vtable_length : int }

let malformed what at = raise_notrace (Malformed (what, at))
let inside r at size alignment = at land (alignment - 1) = 0 && at >= 0 && size <= r.size && at <= r.size - size

let spend r steps reach at =
  if steps > r.steps || reach > r.reach then malformed "parts are shared too many times over" at;
  r.steps <- r.steps - steps;
  r.reach <- r.reach - reach

let get_uint8 r at = Char.code (Array1.get r.payload at)
let get_int8 r at = (get_uint8 r at lxor 0x80) - 0x80
let get_bool r at = get_uint8 r at <> 0
let get_uint16 r at = get_16 r.payload at
let get_int16 r at = (get_uint16 r at lxor 0x8000) - 0x8000
let[@inline] get_int32 r at = Int32.to_int (get_32 r.payload at)
let[@inline] get_uint32 r at = Int32.to_int (get_32 r.payload at) land 0xffff_ffff
let[@inline] get_int64 r at = get_64 r.payload at
let[@inline] get_float32 r at = Int32.float_of_bits (get_32 r.payload at)
let[@inline] get_float64 r at = Int64.float_of_bits (get_64 r.payload at)

let follow r at =
  if not (inside r at 4 4) then malformed "offset is misaligned or outside the payload" at;
  let distance = get_uint32 r at in
  if distance = 0 || distance > max_payload || not (inside r (at + distance) 1 1) then
    malformed "offset leads out of the payload" at;
  at + distance

(* The table at [start]; [leave] it after its fields. *)
let enter_table r start =
  if not (inside r start 4 4) then malformed "table is misaligned or outside the payload" start;
  let vtable = start - get_int32 r start in
  if vtable < 0 || not (inside r vtable 4 2) then malformed "table has no vtable inside the payload" start;
  let vtable_length = get_uint16 r vtable in
  let length = get_uint16 r (vtable + 2) in
  if vtable_length < 4 || vtable_length land 1 <> 0 || not (inside r vtable vtable_length 2) then
    malformed "vtable runs past the end" vtable;
  if length < 4 || not (inside r start length 4) then malformed "table runs past the end" start;
  r.depth <- r.depth + 1;
  if r.depth > max_depth then malformed "tables are nested too deep" start;
  spend r 1 length start;
  { start; length; vtable; vtable_length }

let leave r = r.depth <- r.depth - 1

(* Where the value of a slot stands; 0 if it is absent. *)
let locate r table slot size alignment =
  if slot + 2 > table.vtable_length then 0
  else
    let distance = get_uint16 r (table.vtable + slot) in
    if distance = 0 then 0
    else if distance < 4 || distance + size > table.length || (table.start + distance) land (alignment - 1) <> 0 then
      malformed "field is misaligned or outside its table" (table.vtable + slot)
    else table.start + distance

let target r table slot required =
  let at = locate r table slot 4 4 in
  if at <> 0 then follow r at
  else if required then malformed "required field is missing" table.start
  else 0

(* The number of elements of the vector at [at]; the first is 4 bytes further. *)
let elements r at size alignment =
  if not (inside r at 4 4) then malformed "vector is misaligned or outside the payload" at;
  let count = get_uint32 r at in
  if count > max_payload / size || not (inside r (at + 4) (count * size) 1) then
    malformed "vector or string runs past the end" at;
  if count <> 0 && (at + 4) land (alignment - 1) <> 0 then malformed "vector's elements are misaligned" at;
  spend r 0 (4 + (count * size)) at;
  count

(* Eight bytes at a time: most text has nothing else. *)
let is_ascii text =
  let size = String.length text in
  let words = size land lnot 7 in
  let high = ref 0L and i = ref 0 in
  while !i < words do
    high := Int64.logor !high (String.get_int64_ne text !i);
    i := !i + 8
  done;
  let rest = ref 0 in
  for i = words to size - 1 do
    rest := !rest lor Char.code text.[i]
  done;
  Int64.equal (Int64.logand !high 0x8080_8080_8080_8080L) 0L && !rest < 0x80

(* As in table 3-7 of the Unicode Standard: no overlong forms, no surrogates, nothing over U+10FFFF. *)
let rec is_well_formed text i =
  let continues i = Char.code text.[i] land 0xc0 = 0x80 in
  if i >= String.length text then true
  else
    let lead = Char.code text.[i] in
    if lead < 0x80 then is_well_formed text (i + 1)
    else if lead < 0xc2 || lead > 0xf4 then false
    else
      let following = if lead < 0xe0 then 1 else if lead < 0xf0 then 2 else 3 in
      let least = match lead with 0xe0 -> 0xa0 | 0xf0 -> 0x90 | _ -> 0x80 in
      let most = match lead with 0xed -> 0x9f | 0xf4 -> 0x8f | _ -> 0xbf in
      i + following < String.length text
      && Char.code text.[i + 1] >= least
      && Char.code text.[i + 1] <= most
      && (following < 2 || continues (i + 2))
      && (following < 3 || continues (i + 3))
      && is_well_formed text (i + following + 1)

let is_utf8 text = is_ascii text || is_well_formed text 0

let text r at =
  let count = elements r at 1 1 in
  let first = at + 4 in
  if not (inside r (first + count) 1 1 && get_uint8 r (first + count) = 0) then malformed "string is not terminated" at;
  let out = Bytes.create count in
  let words = count land lnot 7 in
  let i = ref 0 in
  while !i < words do
    Bytes.set_int64_ne out !i (get_64 r.payload (first + !i));
    i := !i + 8
  done;
  for i = words to count - 1 do
    Bytes.set out i (Array1.get r.payload (first + i))
  done;
  let out = Bytes.unsafe_to_string out in
  if not (is_utf8 out) then malformed "string is not UTF-8" at;
  out

let[@inline] read_number get size r table slot default =
  let at = locate r table slot size size in
  if at = 0 then default else get r at

let read_bool r table slot default = (read_number [@inlined]) get_bool 1 r table slot default
let read_int8 r table slot default = (read_number [@inlined]) get_int8 1 r table slot default
let read_uint8 r table slot default = (read_number [@inlined]) get_uint8 1 r table slot default
let read_int16 r table slot default = (read_number [@inlined]) get_int16 2 r table slot default
let read_uint16 r table slot default = (read_number [@inlined]) get_uint16 2 r table slot default
let read_int32 r table slot default = (read_number [@inlined]) get_int32 4 r table slot default
let read_uint32 r table slot default = (read_number [@inlined]) get_uint32 4 r table slot default
let read_int64 r table slot default = (read_number [@inlined]) get_int64 8 r table slot default
let read_float32 r table slot default = (read_number [@inlined]) get_float32 4 r table slot default
let read_float64 r table slot default = (read_number [@inlined]) get_float64 8 r table slot default

let read_option get size r table slot =
  let at = locate r table slot size size in
  if at = 0 then None else Some (get r at)

let read_string r table slot required =
  let at = target r table slot required in
  if at = 0 then "" else text r at

let read_struct load size alignment r table slot =
  let at = locate r table slot size alignment in
  if at = 0 then None else Some (load r at)

let read_required_struct load size alignment r table slot =
  let at = locate r table slot size alignment in
  if at = 0 then malformed "required field is missing" table.start else load r at

let read_table read r table slot =
  let at = target r table slot false in
  if at = 0 then None else Some (read r at)

let read_required_table read r table slot = read r (target r table slot true)

(* The type of a union stands in the slot before its value. A member that a newer schema added reads as none. *)
let read_union read r table slot required =
  let type_at = locate r table (slot - 2) 1 1 in
  let at = target r table slot required in
  let number = if type_at = 0 then 0 else get_uint8 r type_at in
  if (number = 0) <> (at = 0) then malformed "union has a type without a value or a value without a type" table.start;
  if at = 0 then None else read r number at

(* Of what stands inline: bool, enums, structs. *)
let read_array get size alignment r table slot required =
  let at = target r table slot required in
  if at = 0 then [||]
  else
    let count = elements r at size alignment in
    Array.init count (fun i -> get r (at + 4 + (i * size)))

let read_offsets read r table slot required =
  let at = target r table slot required in
  if at = 0 then [||]
  else
    let count = elements r at 4 4 in
    spend r count 0 at;
    Array.init count (fun i -> read r (follow r (at + 4 + (4 * i))))

let read_strings r table slot required = read_offsets text r table slot required

(* Numbers: a view of the payload where its owner offers views, else a copy. *)
let read_vector kind size copy r table slot required =
  let at = target r table slot required in
  if at = 0 then Array1.create kind c_layout 0
  else
    let count = elements r at size size in
    match r.views with
    | Some views -> views#view kind (at + 4) count
    | None ->
        let out = Array1.create kind c_layout count in
        copy r (at + 4) out;
        out

(* One loop for each kind: an element's access is only quick where its kind is known. *)
let copy_int8s r at (out : int8s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_int8 r (at + i)
  done

let copy_uint8s r at (out : uint8s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_uint8 r (at + i)
  done

let copy_int16s r at (out : int16s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_int16 r (at + (2 * i))
  done

let copy_uint16s r at (out : uint16s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_uint16 r (at + (2 * i))
  done

let copy_int32s r at (out : int32s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_32 r.payload (at + (4 * i))
  done

let copy_int64s r at (out : int64s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_64 r.payload (at + (8 * i))
  done

let copy_float32s r at (out : float32s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_float32 r (at + (4 * i))
  done

let copy_float64s r at (out : float64s) =
  for i = 0 to Array1.dim out - 1 do
    out.{i} <- get_float64 r (at + (8 * i))
  done

let read_int8s r table slot required = read_vector int8_signed 1 copy_int8s r table slot required
let read_uint8s r table slot required = read_vector int8_unsigned 1 copy_uint8s r table slot required
let read_int16s r table slot required = read_vector int16_signed 2 copy_int16s r table slot required
let read_uint16s r table slot required = read_vector int16_unsigned 2 copy_uint16s r table slot required
let read_int32s r table slot required = read_vector int32 4 copy_int32s r table slot required
let read_int64s r table slot required = read_vector int64 8 copy_int64s r table slot required
let read_float32s r table slot required = read_vector float32 4 copy_float32s r table slot required
let read_float64s r table slot required = read_vector float64 8 copy_float64s r table slot required

(* An array inside a struct. *)
let load_array load size count r at = Array.init count (fun i -> load r (at + (i * size)))
let load_bytes count r at = String.init count (fun i -> Array1.get r.payload (at + i))

(* Parts may be shared; these bounds are far above what an honest payload of that size needs, and keep the work linear
   in its size. *)
let decode name read views payload =
  let size = Array1.dim payload in
  let r =
    { payload; size; views; steps = 1024 + (4 * size); reach = (16 lsl 20) + (8 * size); depth = 0 }
  in
  match
    if size < 8 then malformed "payload is shorter than any table" 0;
    if size > max_payload then malformed "payload is over 2 GiB" 0;
    read r (follow r 0)
  with
  | value -> Ok value
  | exception Malformed (what, at) -> Error (name ^ ": " ^ what ^ " (byte " ^ string_of_int at ^ ")")

let decode_string name read text =
  let size = String.length text in
  let payload = Array1.create char c_layout size in
  let words = size land lnot 7 in
  let i = ref 0 in
  while !i < words do
    set_64 payload !i (String.get_int64_ne text !i);
    i := !i + 8
  done;
  for i = words to size - 1 do
    payload.{i} <- text.[i]
  done;
  decode name read None payload

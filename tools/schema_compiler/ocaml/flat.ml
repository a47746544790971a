(* What the generated modules below need beside the standard library: FlatBuffers read from bytes that nobody has
   checked, and written in the canonical order (docs/schema.md). It accepts what schema/flat_reader.hpp accepts.
   Everything of the standard library is named in here only, so that a table may be called String. *)

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

(* Well-formed UTF-8 as in table 3-7 of the Unicode Standard: no overlong forms, no surrogates, nothing over U+10FFFF. *)
let is_utf8 text =
  let size = String.length text in
  let byte i = Char.code (String.unsafe_get text i) in
  let continues i = byte i land 0xc0 = 0x80 in
  let rec from i =
    if i >= size then true
    else if i + 8 <= size && Int64.logand (String.get_int64_ne text i) 0x8080808080808080L = 0L then from (i + 8)
    else
      let lead = byte i in
      if lead < 0x80 then from (i + 1)
      else if lead < 0xc2 || lead > 0xf4 then false
      else
        let following = if lead < 0xe0 then 1 else if lead < 0xf0 then 2 else 3 in
        let least = match lead with 0xe0 -> 0xa0 | 0xf0 -> 0x90 | _ -> 0x80 in
        let most = match lead with 0xed -> 0x9f | 0xf4 -> 0x8f | _ -> 0xbf in
        i + following < size
        && byte (i + 1) >= least
        && byte (i + 1) <= most
        && (following < 2 || continues (i + 2))
        && (following < 3 || continues (i + 3))
        && from (i + following + 1)
  in
  from 0

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

(* ---- writing ---- *)

(* Grows from its end to its front; positions count from the end. *)
type builder = {
  mutable bytes : Bytes.t;
  mutable used : int;
  mutable alignment : int; (* the largest that was asked for *)
  mutable vtables : int list;
  mutable slots : int array; (* of the table being written: where each field stands; 0 if it is absent *)
  mutable first : int; (* where its fields begin *)
  mutable level : int;
}

let out_of_range name value low high =
  invalid_arg (name ^ ": " ^ string_of_int value ^ " is not between " ^ string_of_int low ^ " and " ^ string_of_int high)

let[@inline] check name value low high = if value < low || value > high then out_of_range name value low high
let check_length name length wanted =
  if length <> wanted then
    invalid_arg (name ^ ": has " ^ string_of_int length ^ " elements instead of " ^ string_of_int wanted)

(* Room for [count] bytes before those that are there; the index of the first. *)
let push b count =
  let used = b.used + count in
  let size = Bytes.length b.bytes in
  if used > size then begin
    if used > max_payload then invalid_arg "the message is over 2 GiB";
    let bytes = Bytes.create (max used (2 * size)) in
    Bytes.blit b.bytes (size - b.used) bytes (Bytes.length bytes - b.used) b.used;
    b.bytes <- bytes
  end;
  b.used <- used;
  Bytes.length b.bytes - used

let push_zeros b count =
  let at = push b count in
  Bytes.fill b.bytes at count '\000';
  at

(* Pads so that something aligned can stand before the next [count] bytes. *)
let align b alignment count =
  if alignment > b.alignment then b.alignment <- alignment;
  let padding = -(b.used + count) land (alignment - 1) in
  if padding > 0 then ignore (push_zeros b padding)

let push_uint32 b value =
  align b 4 4;
  let at = push b 4 in
  Bytes.set_int32_le b.bytes at (Int32.of_int value);
  b.used

let refer b position =
  align b 4 4;
  let at = push b 4 in
  Bytes.set_int32_le b.bytes at (Int32.of_int (b.used - position))

let store_bool bytes at _ value = Bytes.set_uint8 bytes at (Bool.to_int value)

let store_int8 bytes at name value =
  check name value (-0x80) 0x7f;
  Bytes.set_int8 bytes at value

let store_uint8 bytes at name value =
  check name value 0 0xff;
  Bytes.set_uint8 bytes at value

let store_int16 bytes at name value =
  check name value (-0x8000) 0x7fff;
  Bytes.set_int16_le bytes at value

let store_uint16 bytes at name value =
  check name value 0 0xffff;
  Bytes.set_uint16_le bytes at value

let store_int32 bytes at name value =
  check name value (-0x8000_0000) 0x7fff_ffff;
  Bytes.set_int32_le bytes at (Int32.of_int value)

let store_uint32 bytes at name value =
  check name value 0 0xffff_ffff;
  Bytes.set_int32_le bytes at (Int32.of_int value)

let[@inline] store_int64 bytes at _ value = Bytes.set_int64_le bytes at value
let[@inline] store_float32 bytes at _ value = Bytes.set_int32_le bytes at (Int32.bits_of_float value)

(* [nan] of OCaml before 5.1 is a signalling one; every language writes the quiet one. *)
let[@inline] store_float64 bytes at _ value =
  let bits = Int64.bits_of_float value in
  Bytes.set_int64_le bytes at (if Int64.equal bits 0x7ff0_0000_0000_0001L then 0x7ff8_0000_0000_0000L else bits)

let[@inline] place b size =
  align b size size;
  push b size

let[@inline] add store size b id name value =
  let at = place b size in
  store b.bytes at name value;
  b.slots.(id) <- b.used

let add_bool b id name (value : bool) default = if value <> default then add store_bool 1 b id name value
let add_int8 b id name (value : int) default = if value <> default then add store_int8 1 b id name value
let add_uint8 b id name (value : int) default = if value <> default then add store_uint8 1 b id name value
let add_int16 b id name (value : int) default = if value <> default then add store_int16 2 b id name value
let add_uint16 b id name (value : int) default = if value <> default then add store_uint16 2 b id name value
let add_int32 b id name (value : int) default = if value <> default then add store_int32 4 b id name value
let add_uint32 b id name (value : int) default = if value <> default then add store_uint32 4 b id name value

let add_int64 b id name (value : int64) default =
  if not (Int64.equal value default) then (add [@inlined]) store_int64 8 b id name value

(* Compared as numbers of their size: -0.0 is 0.0, and a NaN equals nothing. *)
let add_float32 b id name (value : float) (default : float) =
  if Int32.float_of_bits (Int32.bits_of_float value) <> default then
    (add [@inlined]) store_float32 4 b id name value

let add_float64 b id name (value : float) (default : float) =
  if value <> default then (add [@inlined]) store_float64 8 b id name value

let add_option store size b id name value =
  match value with None -> () | Some value -> add store size b id name value

let add_offset b id position =
  if position <> 0 then begin
    refer b position;
    b.slots.(id) <- b.used
  end

let add_struct store size alignment b id value =
  align b alignment size;
  let at = push_zeros b size in
  store b.bytes at value;
  b.slots.(id) <- b.used

let add_struct_option store size alignment b id value =
  match value with None -> () | Some value -> add_struct store size alignment b id value

let deeper b =
  if b.level >= max_depth then invalid_arg "tables are nested deeper than 64, which nobody could read";
  b.level <- b.level + 1

(* After what the fields refer to is written. *)
let start_table b count =
  if Array.length b.slots < count then b.slots <- Array.make (2 * count) 0 else Array.fill b.slots 0 count 0;
  b.first <- b.used

(* Whether [length] bytes at two places are the same. *)
let same bytes length one other =
  let i = ref 0 in
  while !i < length && Bytes.get_uint16_le bytes (one + !i) = Bytes.get_uint16_le bytes (other + !i) do
    i := !i + 2
  done;
  !i >= length

let rec find_vtable b at length = function
  | [] -> 0
  | position :: older ->
      if same b.bytes length at (Bytes.length b.bytes - position) then position else find_vtable b at length older

let end_table b count =
  align b 4 4;
  ignore (push b 4);
  let start = b.used in
  let present = ref count in
  while !present > 0 && b.slots.(!present - 1) = 0 do
    decr present
  done;
  let length = 4 + (2 * !present) in
  let at = push b length in
  Bytes.set_uint16_le b.bytes at length;
  Bytes.set_uint16_le b.bytes (at + 2) (start - b.first);
  for id = 0 to !present - 1 do
    let position = b.slots.(id) in
    Bytes.set_uint16_le b.bytes (at + 4 + (2 * id)) (if position = 0 then 0 else start - position)
  done;
  let vtable =
    match find_vtable b at length b.vtables with
    | 0 ->
        b.vtables <- b.used :: b.vtables;
        b.used
    | older ->
        b.used <- start;
        older
  in
  Bytes.set_int32_le b.bytes (Bytes.length b.bytes - start) (Int32.of_int (vtable - start));
  b.level <- b.level - 1;
  start

let write_text b text =
  if not (is_utf8 text) then invalid_arg "a string is not UTF-8; make the field [ubyte] if it holds other bytes";
  let length = String.length text in
  align b 4 (length + 1);
  let at = push b (length + 1) in
  Bytes.blit_string text 0 b.bytes at length;
  Bytes.set b.bytes (at + length) '\000';
  push_uint32 b length

(* What follows returns the position, 0 for what is absent. *)

let write_string b text required = if required || text <> "" then write_text b text else 0
let write_option write b value = match value with None -> 0 | Some value -> write b value

let write_required write b name value =
  match value with Some value -> write b value | None -> invalid_arg (name ^ ": is required, and is None")

let union_type number value = match value with None -> 0 | Some value -> number value

let write_offsets write b values required =
  let count = Array.length values in
  if count = 0 && not required then 0
  else begin
    let positions = Array.make count 0 in
    for i = 0 to count - 1 do
      positions.(i) <- write b values.(i)
    done;
    if count > 0 then align b 4 (4 * count);
    for i = count - 1 downto 0 do
      refer b positions.(i)
    done;
    push_uint32 b count
  end

let write_strings b values required = write_offsets write_text b values required

let[@inline] start_vector b count size alignment =
  if count > max_payload / size then invalid_arg "the message is over 2 GiB";
  if count > 0 then begin
    align b 4 (count * size);
    align b alignment (count * size)
  end;
  push b (count * size)

(* Of what stands inline: bool, enums, structs. *)
let write_array store size alignment b values required =
  let count = Array.length values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count size alignment in
    Bytes.fill b.bytes at (count * size) '\000';
    for i = 0 to count - 1 do
      store b.bytes (at + (i * size)) values.(i)
    done;
    push_uint32 b count
  end

let write_int8s b (values : int8s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 1 1 in
    for i = 0 to count - 1 do
      Bytes.set_int8 b.bytes (at + i) values.{i}
    done;
    push_uint32 b count
  end

let write_uint8s b (values : uint8s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 1 1 in
    for i = 0 to count - 1 do
      Bytes.set_uint8 b.bytes (at + i) values.{i}
    done;
    push_uint32 b count
  end

let write_int16s b (values : int16s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 2 2 in
    for i = 0 to count - 1 do
      Bytes.set_int16_le b.bytes (at + (2 * i)) values.{i}
    done;
    push_uint32 b count
  end

let write_uint16s b (values : uint16s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 2 2 in
    for i = 0 to count - 1 do
      Bytes.set_uint16_le b.bytes (at + (2 * i)) values.{i}
    done;
    push_uint32 b count
  end

let write_int32s b (values : int32s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 4 4 in
    for i = 0 to count - 1 do
      Bytes.set_int32_le b.bytes (at + (4 * i)) values.{i}
    done;
    push_uint32 b count
  end

let write_int64s b (values : int64s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 8 8 in
    for i = 0 to count - 1 do
      Bytes.set_int64_le b.bytes (at + (8 * i)) values.{i}
    done;
    push_uint32 b count
  end

let write_float32s b (values : float32s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 4 4 in
    for i = 0 to count - 1 do
      store_float32 b.bytes (at + (4 * i)) "" values.{i}
    done;
    push_uint32 b count
  end

let write_float64s b (values : float64s) required =
  let count = Array1.dim values in
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count 8 8 in
    for i = 0 to count - 1 do
      store_float64 b.bytes (at + (8 * i)) "" values.{i}
    done;
    push_uint32 b count
  end

(* An array inside a struct. *)
let store_array store size count bytes at name values =
  check_length name (Array.length values) count;
  Array.iteri (fun i value -> store bytes (at + (i * size)) value) values

let store_bytes count bytes at name text =
  check_length name (String.length text) count;
  Bytes.blit_string text 0 bytes at count

let new_builder () =
  { bytes = Bytes.create 1024; used = 0; alignment = 1; vtables = []; slots = Array.make 16 0; first = 0; level = 0 }

(* One builder waits here to be used again, unless it has grown large. *)
let spare = Atomic.make None
let largest_spare = 1 lsl 20

let encode write value =
  let b = match Atomic.exchange spare None with Some b -> b | None -> new_builder () in
  b.used <- 0;
  b.alignment <- 1;
  b.vtables <- [];
  b.level <- 0;
  let root = write b value in
  align b (max 4 b.alignment) 4;
  refer b root;
  let text = Bytes.sub_string b.bytes (Bytes.length b.bytes - b.used) b.used in
  if Bytes.length b.bytes <= largest_spare then Atomic.set spare (Some b);
  text

(* ---- descriptors ---- *)

type 'a message =
  < type_id : int
  ; topic : string
  ; type_name : string
  ; type_digest : string
  ; encode : 'a -> string
  ; decode : views option -> payload -> ('a, string) result >

let message ~type_id ~topic ~type_name ~type_digest ~write ~read : 'a message =
  object
    method type_id = type_id
    method topic = topic
    method type_name = type_name
    method type_digest = type_digest
    method encode value = encode write value
    method decode views payload = decode type_name read views payload
  end

let empty_int8s : int8s = Array1.create int8_signed c_layout 0
let empty_uint8s : uint8s = Array1.create int8_unsigned c_layout 0
let empty_int16s : int16s = Array1.create int16_signed c_layout 0
let empty_uint16s : uint16s = Array1.create int16_unsigned c_layout 0
let empty_int32s : int32s = Array1.create int32 c_layout 0
let empty_int64s : int64s = Array1.create int64 c_layout 0
let empty_float32s : float32s = Array1.create float32 c_layout 0
let empty_float64s : float64s = Array1.create float64 c_layout 0

(* For [default] values, where a module of the schema may hide the standard library's. *)
let none = None
let repeat count value = Array.make count value
let zeros count = String.make count '\000'

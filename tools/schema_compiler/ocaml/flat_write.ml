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
  let number = string_of_int in
  invalid_arg (name ^ ": " ^ number value ^ " is not between " ^ number low ^ " and " ^ number high)

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

let write_text b name text =
  if not (is_utf8 text) then invalid_arg (name ^ ": is not UTF-8; make the field a [ubyte] if it holds other bytes");
  let length = String.length text in
  align b 4 (length + 1);
  let at = push b (length + 1) in
  Bytes.blit_string text 0 b.bytes at length;
  Bytes.set b.bytes (at + length) '\000';
  push_uint32 b length

(* What follows returns the position, 0 for what is absent. *)

let write_string b name text required = if required || text <> "" then write_text b name text else 0
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

let write_strings b name values required = write_offsets (fun b text -> write_text b name text) b values required

let start_vector b count size alignment =
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

let write_vector b count size required fill =
  if count = 0 && not required then 0
  else begin
    let at = start_vector b count size size in
    fill b.bytes at;
    push_uint32 b count
  end

let write_int8s b (values : int8s) required =
  write_vector b (Array1.dim values) 1 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        Bytes.set_int8 bytes (at + i) values.{i}
      done)

let write_uint8s b (values : uint8s) required =
  write_vector b (Array1.dim values) 1 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        Bytes.set_uint8 bytes (at + i) values.{i}
      done)

let write_int16s b (values : int16s) required =
  write_vector b (Array1.dim values) 2 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        Bytes.set_int16_le bytes (at + (2 * i)) values.{i}
      done)

let write_uint16s b (values : uint16s) required =
  write_vector b (Array1.dim values) 2 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        Bytes.set_uint16_le bytes (at + (2 * i)) values.{i}
      done)

let write_int32s b (values : int32s) required =
  write_vector b (Array1.dim values) 4 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        Bytes.set_int32_le bytes (at + (4 * i)) values.{i}
      done)

let write_int64s b (values : int64s) required =
  write_vector b (Array1.dim values) 8 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        Bytes.set_int64_le bytes (at + (8 * i)) values.{i}
      done)

let write_float32s b (values : float32s) required =
  write_vector b (Array1.dim values) 4 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        store_float32 bytes (at + (4 * i)) "" values.{i}
      done)

let write_float64s b (values : float64s) required =
  write_vector b (Array1.dim values) 8 required (fun bytes at ->
      for i = 0 to Array1.dim values - 1 do
        store_float64 bytes (at + (8 * i)) "" values.{i}
      done)

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

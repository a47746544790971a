(* Eight bytes at a time, by a table for each place among the eight ("slicing by 8": Kounavis and Berry, 2005). *)

let polynomial = 0x82f6_3b78 (* with its bits reversed *)

(* tables.(256 * place + byte) *)
let tables =
  let tables = Array.make (8 * 256) 0 in
  for byte = 0 to 255 do
    let crc = ref byte in
    for _ = 1 to 8 do
      crc := if !crc land 1 = 1 then (!crc lsr 1) lxor polynomial else !crc lsr 1
    done;
    tables.(byte) <- !crc
  done;
  for i = 256 to (8 * 256) - 1 do
    let before = tables.(i - 256) in
    tables.(i) <- (before lsr 8) lxor tables.(before land 0xff)
  done;
  tables

let[@inline] at place byte = Array.unsafe_get tables ((place lsl 8) lor (byte land 0xff))

let update crc bytes first count =
  if first < 0 || count < 0 || first > Bytes.length bytes - count then invalid_arg "Crc32c.update";
  let crc = ref (crc lxor 0xffff_ffff) and i = ref first in
  let words = first + (count land lnot 7) in
  while !i < words do
    let low = Int32.to_int (Bytes.get_int32_le bytes !i) lxor !crc in
    let high = Int32.to_int (Bytes.get_int32_le bytes (!i + 4)) in
    crc :=
      at 7 low
      lxor at 6 (low lsr 8)
      lxor at 5 (low lsr 16)
      lxor at 4 (low lsr 24)
      lxor at 3 high
      lxor at 2 (high lsr 8)
      lxor at 1 (high lsr 16)
      lxor at 0 (high lsr 24);
    i := !i + 8
  done;
  for i = words to first + count - 1 do
    crc := (!crc lsr 8) lxor at 0 (!crc lxor Char.code (Bytes.unsafe_get bytes i))
  done;
  !crc lxor 0xffff_ffff

let string text = update 0 (Bytes.unsafe_of_string text) 0 (String.length text)

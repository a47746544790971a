(* Words of 32 bits, in integers of 63. *)

let word value = value land 0xffff_ffff

(* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). *)
let constants =
  [|
    0x428a2f98; 0x71374491; 0xb5c0fbcf; 0xe9b5dba5; 0x3956c25b; 0x59f111f1; 0x923f82a4; 0xab1c5ed5; 0xd807aa98;
    0x12835b01; 0x243185be; 0x550c7dc3; 0x72be5d74; 0x80deb1fe; 0x9bdc06a7; 0xc19bf174; 0xe49b69c1; 0xefbe4786;
    0x0fc19dc6; 0x240ca1cc; 0x2de92c6f; 0x4a7484aa; 0x5cb0a9dc; 0x76f988da; 0x983e5152; 0xa831c66d; 0xb00327c8;
    0xbf597fc7; 0xc6e00bf3; 0xd5a79147; 0x06ca6351; 0x14292967; 0x27b70a85; 0x2e1b2138; 0x4d2c6dfc; 0x53380d13;
    0x650a7354; 0x766a0abb; 0x81c2c92e; 0x92722c85; 0xa2bfe8a1; 0xa81a664b; 0xc24b8b70; 0xc76c51a3; 0xd192e819;
    0xd6990624; 0xf40e3585; 0x106aa070; 0x19a4c116; 0x1e376c08; 0x2748774c; 0x34b0bcb5; 0x391c0cb3; 0x4ed8aa4a;
    0x5b9cca4f; 0x682e6ff3; 0x748f82ee; 0x78a5636f; 0x84c87814; 0x8cc70208; 0x90befffa; 0xa4506ceb; 0xbef9a3f7;
    0xc67178f2;
  |] [@ocamlformat "disable"]

(* The same of the square roots of the first 8 primes (5.3.3). *)
let initial =
  [|
    0x6a09e667; 0xbb67ae85; 0x3c6ef372; 0xa54ff53a; 0x510e527f; 0x9b05688c; 0x1f83d9ab; 0x5be0cd19;
  |] [@ocamlformat "disable"]

let[@inline] rotate value by = word ((value lsr by) lor (value lsl (32 - by)))

(* The schedule of one block (6.2.2, step 1). *)
let schedule words text first =
  for t = 0 to 15 do
    words.(t) <- word (Int32.to_int (String.get_int32_be text (first + (4 * t))))
  done;
  for t = 16 to 63 do
    let a = words.(t - 15) and b = words.(t - 2) in
    let s0 = rotate a 7 lxor rotate a 18 lxor (a lsr 3) in
    let s1 = rotate b 17 lxor rotate b 19 lxor (b lsr 10) in
    words.(t) <- word (words.(t - 16) + s0 + words.(t - 7) + s1)
  done

let compress state words =
  let rec round t a b c d e f g h =
    if t = 64 then List.iteri (fun i value -> state.(i) <- word (state.(i) + value)) [ a; b; c; d; e; f; g; h ]
    else
      let s1 = rotate e 6 lxor rotate e 11 lxor rotate e 25 in
      let choice = e land f lxor (lnot e land g) in
      let one = word (h + s1 + choice + constants.(t) + words.(t)) in
      let s0 = rotate a 2 lxor rotate a 13 lxor rotate a 22 in
      let majority = a land b lxor (a land c) lxor (b land c) in
      round (t + 1) (word (one + s0 + majority)) a b c (word (d + one)) e f g
  in
  round 0 state.(0) state.(1) state.(2) state.(3) state.(4) state.(5) state.(6) state.(7)

(* A one, zeros, and the length in bits (5.1.1). *)
let padding length =
  let zeros = 63 - ((length + 8) land 63) in
  let rest = Bytes.make (1 + zeros + 8) '\000' in
  Bytes.set rest 0 '\x80';
  Bytes.set_int64_be rest (1 + zeros) (Int64.of_int (8 * length));
  Bytes.unsafe_to_string rest

let digest text =
  let text = text ^ padding (String.length text) in
  let state = Array.copy initial and words = Array.make 64 0 in
  for block = 0 to (String.length text / 64) - 1 do
    schedule words text (64 * block);
    compress state words
  done;
  let out = Bytes.create 32 in
  Array.iteri (fun i value -> Bytes.set_int32_be out (4 * i) (Int32.of_int value)) state;
  Bytes.unsafe_to_string out

let block = 64

let hmac ~key text =
  let key = if String.length key > block then digest key else key in
  let pad with_ =
    String.init block (fun i -> Char.chr (with_ lxor if i < String.length key then Char.code key.[i] else 0))
  in
  digest (pad 0x5c ^ digest (pad 0x36 ^ text))

let equal a b =
  String.length a = String.length b
  &&
  let differences = ref 0 in
  String.iteri (fun i byte -> differences := !differences lor (Char.code byte lxor Char.code b.[i])) a;
  !differences = 0

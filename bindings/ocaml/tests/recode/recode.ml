(* For each line "TYPE_ID HEX" of the standard input: the payload decoded and encoded again in hexadecimal, or
   "refused". tests/golden/agree.py compares it with the other languages'. *)

open Golden
module P = Mycelium_protocol

let payload text =
  Bigarray.Array1.init Bigarray.char Bigarray.c_layout (String.length text) (fun i -> text.[i])

let recoder descriptor =
  let recode text = Result.map descriptor#encode (descriptor#decode None (payload text)) in
  (descriptor#type_id, recode)

let recoders =
  [
    recoder P.TextMessage.t;
    recoder P.CounterUpdate.t;
    recoder P.BatchOperation.t;
    recoder P.WordCountRequest.t;
    recoder P.WordCountReply.t;
    recoder Scalars.t;
    recoder Defaults.t;
    recoder Optionals.t;
    recoder Strings.t;
    recoder Vectors.t;
    recoder Structs.t;
    recoder Node.t;
    recoder Drawing.t;
    recoder Evolved.t;
    recoder Mixed.t;
    recoder Golden.Empty.t;
  ]

let of_hex text =
  String.init (String.length text / 2) (fun i -> Char.chr (int_of_string ("0x" ^ String.sub text (2 * i) 2)))

let to_hex text =
  String.concat "" (List.map (fun c -> Printf.sprintf "%02x" (Char.code c)) (List.of_seq (String.to_seq text)))

let answer line =
  match String.split_on_char ' ' line with
  | [ type_id; hex ] -> (
      match (List.assoc (int_of_string type_id) recoders) (of_hex hex) with
      | Ok again -> to_hex again
      | Error _ -> "refused")
  | _ -> failwith ("not TYPE_ID HEX: " ^ line)

let () =
  try
    while true do
      print_endline (answer (input_line stdin))
    done
  with End_of_file -> ()

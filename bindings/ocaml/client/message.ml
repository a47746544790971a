type payload = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t
type views = < view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t >

type 'a descriptor =
  < type_id : int
  ; topic : string
  ; type_name : string
  ; type_digest : string
  ; encode : 'a -> string
  ; decode : views option -> payload -> ('a, string) result >

type trace = Mycelium_bridge_protocol.Frame.trace = { trace_id : string; span_id : string; flags : int }

type envelope = {
  type_id : int;
  priority : int;
  correlation_id : int64;
  sequence : int64;
  publisher_id : int64;
  timestamp_ns : int64;
  trace : trace option;
}

(* A message that its subscribers here share. *)
type content = {
  envelope : envelope;
  key : int64 option;
  body : string;
  question : Question.t option;
  is_foreign : bool; (* it has come over a link *)
  mutable is_valid : bool option; (* None: nobody has looked *)
}

(* One subscriber's. *)
type t = { content : content; mutable released : bool }

let check_trace { trace_id; span_id; flags } =
  if String.length trace_id <> 16 || String.length span_id <> 8 || flags < 0 || flags > 255 then
    invalid_arg "Mycelium_client: a trace has 16 bytes of trace_id, 8 of span_id and flags of 8 bits"

let live t =
  if t.released then invalid_arg "Mycelium_client.Message: it was released";
  t.content

let envelope t = (live t).envelope
let type_id t = (envelope t).type_id
let key t = (live t).key
let length t = String.length (live t).body
let to_string t = (live t).body
let is_request t = Option.is_some (live t).question

external set_64 : payload -> int -> int64 -> unit = "%caml_bigstring_set64"

let payload_of text =
  let size = String.length text in
  let payload = Bigarray.Array1.create Bigarray.char Bigarray.c_layout size in
  let words = size land lnot 7 in
  let i = ref 0 in
  while !i < words do
    set_64 payload !i (String.get_int64_ne text !i);
    i := !i + 8
  done;
  for i = words to size - 1 do
    payload.{i} <- text.[i]
  done;
  payload

let payload t = payload_of (live t).body

(* The bytes are checked here: generated code believes nothing. *)
let decode_content (descriptor : 'a descriptor) content =
  let known = descriptor#type_id and found = content.envelope.type_id in
  if known <> found then
    Error (Printf.sprintf "%s: the message has type_id %d, not %d" descriptor#type_name found known)
  else begin
    let result = descriptor#decode None (payload_of content.body) in
    content.is_valid <- Some (Result.is_ok result);
    result
  end

let decode descriptor t = decode_content descriptor (live t)

let release t =
  if not t.released then begin
    t.released <- true;
    Option.iter Question.let_go t.content.question
  end

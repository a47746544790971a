type t = Native.message
type payload = Native.payload
type views = < view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t >

type 'a descriptor =
  < type_id : int
  ; topic : string
  ; type_name : string
  ; type_digest : string
  ; encode : 'a -> string
  ; decode : views option -> payload -> ('a, string) result >

type trace = { trace_id : string; span_id : string; flags : int }

type envelope = {
  type_id : int;
  priority : int;
  correlation_id : int64;
  sequence : int64;
  publisher_id : int64;
  timestamp_ns : int64;
  trace : trace option;
}

let type_id = Native.message_type_id
let length = Native.message_length
let is_request = Native.message_is_request
let release = Native.message_release
let to_string = Native.message_to_string
let view message kind first count = Native.message_view message kind first count
let payload message = view message Bigarray.char 0 (length message)

let trace_of text =
  if text = "" then None
  else
    Some { trace_id = String.sub text 0 16; span_id = String.sub text 16 8; flags = Char.code text.[24] }

let bytes_of_trace = function
  | None -> ""
  | Some { trace_id; span_id; flags } ->
      if String.length trace_id <> 16 || String.length span_id <> 8 || flags < 0 || flags > 255 then
        invalid_arg "Mycelium_native: a trace has 16 bytes of trace_id, 8 of span_id and flags of 8 bits";
      trace_id ^ span_id ^ String.make 1 (Char.chr flags)

let envelope message =
  let type_id, priority, correlation_id, sequence, publisher_id, timestamp_ns, trace =
    Native.message_envelope message
  in
  { type_id; priority; correlation_id; sequence; publisher_id; timestamp_ns; trace = trace_of trace }

let views message : views =
  object
    method view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t =
      fun kind first count -> view message kind first count
  end

let decode (descriptor : 'a descriptor) message =
  let known = descriptor#type_id and found = type_id message in
  if known <> found then
    Error (Printf.sprintf "%s: the message has type_id %d, not %d" descriptor#type_name found known)
  else descriptor#decode (Some (views message)) (payload message)

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

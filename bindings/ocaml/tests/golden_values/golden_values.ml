(* The values of schema/golden/vectors.json as records, written out by hand for each type: what decodes to them has put
   every field in its place. *)

open Golden
module P = Mycelium_protocol

type json = Yojson.Safe.t

let field (json : json) name =
  match json with `Assoc fields -> List.assoc_opt name fields | _ -> failwith "not an object"

let of_field json name default convert = match field json name with None -> default | Some value -> convert value
let optional json name convert = Option.map convert (field json name)

let int = function `Int number -> number | _ -> failwith "not an int"
let bool = function `Bool value -> value | _ -> failwith "not a bool"
let string = function `String text -> text | _ -> failwith "not a string"

(* Of an unsigned one over the largest int64 the same bits. *)
let int64 = function
  | `Int number -> Int64.of_int number
  | `Intlit digits when digits.[0] = '-' -> Int64.of_string digits
  | `Intlit digits -> Int64.of_string ("0u" ^ digits)
  | _ -> failwith "not an int64"

let float = function
  | `Float number -> number
  | `Int number -> float_of_int number
  | `String "inf" -> infinity
  | `String "-inf" -> neg_infinity
  | `String "nan" -> nan
  | _ -> failwith "not a float"

let list convert = function `List items -> List.map convert items | _ -> failwith "not a list"
let array convert json = Array.of_list (list convert json)
let vector kind convert json = Bigarray.Array1.of_array kind Bigarray.c_layout (array convert json)
let int32 json = Int64.to_int32 (int64 json)
let bytes json = String.of_seq (List.to_seq (list (fun json -> Char.chr (int json)) json))

let colour json : Colour.t = match int json with 0 -> Red | 1 -> Green | 5 -> Blue | -128 -> Darkest | n -> Unknown n

let size json : Size.t =
  match int64 json with 0L -> None | 1L -> Small | -1L -> Largest | number -> Unknown number

let text_message json : P.TextMessage.t =
  {
    sender = of_field json "sender" "" string;
    content = of_field json "content" "" string;
    timestamp = of_field json "timestamp" 0L int64;
  }

let counter_update json : P.CounterUpdate.t =
  {
    counter_id = of_field json "counter_id" 0L int64;
    value = of_field json "value" 0 int;
    delta = of_field json "delta" 0 int;
  }

let item_key json : P.ItemKey.t = { bytes = of_field json "bytes" (String.make 20 '\000') bytes }

let batch_operation json : P.BatchOperation.t =
  {
    operation_id = of_field json "operation_id" 0L int64;
    items = of_field json "items" [||] (array item_key);
    total_count = of_field json "total_count" 0 int;
  }

let word_count_request json : P.WordCountRequest.t = { text = of_field json "text" "" string }

let word_count_reply json : P.WordCountReply.t =
  { words = of_field json "words" 0L int64; bytes = of_field json "bytes" 0L int64 }

let scalars json : Scalars.t =
  {
    boolean = of_field json "boolean" false bool;
    int8 = of_field json "int8" 0 int;
    uint8 = of_field json "uint8" 0 int;
    int16 = of_field json "int16" 0 int;
    uint16 = of_field json "uint16" 0 int;
    int32 = of_field json "int32" 0 int;
    uint32 = of_field json "uint32" 0 int;
    int64 = of_field json "int64" 0L int64;
    uint64 = of_field json "uint64" 0L int64;
    float32 = of_field json "float32" 0. float;
    float64 = of_field json "float64" 0. float;
  }

let defaults json : Defaults.t =
  {
    boolean = of_field json "boolean" true bool;
    int8 = of_field json "int8" (-128) int;
    uint8 = of_field json "uint8" 255 int;
    int16 = of_field json "int16" (-32768) int;
    uint16 = of_field json "uint16" 65535 int;
    int32 = of_field json "int32" (-2147483648) int;
    uint32 = of_field json "uint32" 4294967295 int;
    int64 = of_field json "int64" Int64.min_int int64;
    uint64 = of_field json "uint64" Int64.max_int int64;
    float32 = of_field json "float32" (Int32.float_of_bits (Int32.bits_of_float 0.1)) float;
    float64 = of_field json "float64" (-1e300) float;
    infinite = of_field json "infinite" infinity float;
    colour = of_field json "colour" Colour.Blue colour;
    access = of_field json "access" Access.write int;
    size = of_field json "size" Size.Small size;
  }

let optionals json : Optionals.t =
  {
    boolean = optional json "boolean" bool;
    int8 = optional json "int8" int;
    uint8 = optional json "uint8" int;
    int16 = optional json "int16" int;
    uint16 = optional json "uint16" int;
    int32 = optional json "int32" int;
    uint32 = optional json "uint32" int;
    int64 = optional json "int64" int64;
    uint64 = optional json "uint64" int64;
    float32 = optional json "float32" float;
    float64 = optional json "float64" float;
    colour = optional json "colour" colour;
  }

let strings json : Strings.t =
  {
    plain = of_field json "plain" "" string;
    needed = of_field json "needed" "" string;
    list = of_field json "list" [||] (array string);
  }

let vectors json : Vectors.t =
  let numbers name kind convert =
    of_field json name (Bigarray.Array1.create kind Bigarray.c_layout 0) (vector kind convert)
  in
  {
    booleans = of_field json "booleans" [||] (array bool);
    int8s = numbers "int8s" Bigarray.int8_signed int;
    uint8s = numbers "uint8s" Bigarray.int8_unsigned int;
    int16s = numbers "int16s" Bigarray.int16_signed int;
    uint16s = numbers "uint16s" Bigarray.int16_unsigned int;
    int32s = numbers "int32s" Bigarray.int32 int32;
    uint32s = numbers "uint32s" Bigarray.int32 int32;
    int64s = numbers "int64s" Bigarray.int64 int64;
    uint64s = numbers "uint64s" Bigarray.int64 int64;
    float32s = numbers "float32s" Bigarray.float32 float;
    float64s = numbers "float64s" Bigarray.float64 float;
    colours = of_field json "colours" [||] (array colour);
    sizes = of_field json "sizes" [||] (array size);
    needed = numbers "needed" Bigarray.int8_unsigned int;
  }

let point json : Point.t = { x = of_field json "x" 0 int; y = of_field json "y" 0 int }

let frame json : Frame.t =
  {
    flag = of_field json "flag" false bool;
    origin = of_field json "origin" Point.default point;
    scale = of_field json "scale" 0. float;
    name = of_field json "name" (String.make 5 '\000') bytes;
    corners = of_field json "corners" (Array.make 3 Point.default) (array point);
    colour = of_field json "colour" Colour.Red colour;
  }

let wide json : Wide.t = { low = of_field json "low" 0L int64; high = of_field json "high" 0L int64 }

let structs json : Structs.t =
  {
    before = of_field json "before" false bool;
    point = optional json "point" point;
    frame = optional json "frame" frame;
    wide = optional json "wide" wide;
    points = of_field json "points" [||] (array point);
    frames = of_field json "frames" [||] (array frame);
    wides = of_field json "wides" [||] (array wide);
  }

let rec node json : Node.t =
  {
    name = of_field json "name" "" string;
    weight = of_field json "weight" 0 int;
    next = optional json "next" node;
    children = of_field json "children" [||] (array node);
  }

let circle json : Circle.t = { radius = of_field json "radius" 0. float }
let square json : Square.t = { side = of_field json "side" 0. float; label = of_field json "label" "" string }

let rec shape json name : Shape.t option =
  let value = field json name in
  match (Option.map string (field json (name ^ "_type")), value) with
  | None, None -> None
  | Some "Circle", Some value -> Some (Circle (circle value))
  | Some "Square", Some value -> Some (Square (square value))
  | Some "Twin", Some value -> Some (Twin (square value))
  | Some "Drawing", Some value -> Some (Drawing (drawing value))
  | _ -> failwith "no shape"

and drawing json : Drawing.t =
  {
    title = of_field json "title" "" string;
    main = shape json "main";
    background = shape json "background";
    node = optional json "node" node;
  }

let evolved json : Evolved.t =
  {
    first = of_field json "first" 0 int;
    second = of_field json "second" 0L int64;
    third = of_field json "third" "" string;
    shape = shape json "shape";
    last = of_field json "last" 0 int;
  }

let mixed json : Mixed.t =
  {
    a = of_field json "a" 0 int;
    b = of_field json "b" 0L int64;
    c = of_field json "c" "" string;
    d = of_field json "d" 0 int;
    e = of_field json "e" [||] (array node);
    f = of_field json "f" 0. float;
    g = of_field json "g" 0. float;
    h = of_field json "h" false bool;
    i = optional json "i" circle;
    j = optional json "j" point;
    k = of_field json "k" 0 int;
    l = optional json "l" int;
  }

(* A type of message with a way to read its values from JSON. *)
type codec = Codec : 'a Golden.message * (json -> 'a) -> codec

let codecs =
  [
    Codec (P.TextMessage.t, text_message);
    Codec (P.CounterUpdate.t, counter_update);
    Codec (P.BatchOperation.t, batch_operation);
    Codec (P.WordCountRequest.t, word_count_request);
    Codec (P.WordCountReply.t, word_count_reply);
    Codec (Scalars.t, scalars);
    Codec (Defaults.t, defaults);
    Codec (Optionals.t, optionals);
    Codec (Strings.t, strings);
    Codec (Vectors.t, vectors);
    Codec (Structs.t, structs);
    Codec (Node.t, node);
    Codec (Drawing.t, drawing);
    Codec (Evolved.t, evolved);
    Codec (Mixed.t, mixed);
    Codec (Golden.Empty.t, fun _ -> ());
  ]

let codec_of type_name = List.find (fun (Codec (descriptor, _)) -> descriptor#type_name = type_name) codecs

type vector = { name : string; type_name : string; value : json; bytes : string }

let of_hex text =
  String.init (String.length text / 2) (fun i -> Char.chr (int_of_string ("0x" ^ String.sub text (2 * i) 2)))

let to_hex text =
  String.concat "" (List.map (fun c -> Printf.sprintf "%02x" (Char.code c)) (List.of_seq (String.to_seq text)))

let vectors =
  let text name json = match field json name with Some value -> string value | None -> failwith name in
  list
    (fun json ->
      {
        name = text "name" json;
        type_name = text "type" json;
        value = Option.get (field json "value");
        bytes = of_hex (text "bytes" json);
      })
    (Yojson.Safe.from_file (Sys.getenv "MYCELIUM_GOLDEN"))

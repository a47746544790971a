open Table

let protocol_version = 1
let least_window = 64 lsl 10
let least_frame = 1024
let nonce_size = 16

type hello = {
  version : int;
  node : int64;
  name : string;
  nonce : string;
  wants_proof : bool;
  max_frame : int;
  window : int;
  confirms : bool;
  silence_ms : int;
}

type ready = { types : (int * string) list; stream : int64; heard_stream : int64; heard : int64 }
type reason = Version | Itself | Proof | Not_allowed | Too_many | Late | Protocol | Leaving | Other of int
type node_state = {
  id : int64;
  version : int64;
  name : string;
  neighbours : int64 list;
  wants : int list;
  carries : int list;
  absent : int64 list;
}

(* In the order of the schema, from 0. *)
let reasons =
  [
    (Version, "version");
    (Itself, "itself");
    (Proof, "proof");
    (Not_allowed, "not allowed");
    (Too_many, "too many");
    (Late, "late");
    (Protocol, "protocol");
    (Leaving, "leaving");
  ]

let string_of_reason = function
  | Other number -> Printf.sprintf "reason %d" number
  | reason -> List.assoc reason reasons

let number_of_reason = function
  | Other number -> number
  | reason ->
      let rec find i = function [] -> i | (known, _) :: rest -> if known = reason then i else find (i + 1) rest in
      find 0 reasons

let reason_of_number number = match List.nth_opt reasons number with Some (reason, _) -> reason | None -> Other number

let write_hello (hello : hello) =
  write
    [
      Uint16 hello.version;
      Uint64 hello.node;
      Text hello.name;
      Bytes hello.nonce;
      Bool hello.wants_proof;
      Uint32 hello.max_frame;
      Uint32 hello.window;
      Bool hello.confirms;
      Uint32 hello.silence_ms;
    ]

let read_hello text =
  let t = root text in
  let nonce = bytes t 3 and node = uint64 t 1 in
  if String.length nonce <> nonce_size then raise (Malformed "a nonce has 16 bytes");
  if Int64.equal node 0L then raise (Malformed "a node has an id");
  {
    version = uint16 t 0;
    node;
    name = Table.text t 2;
    nonce;
    wants_proof = bool t 4;
    max_frame = uint32 t 5;
    window = uint32 t 6;
    confirms = bool t 7;
    silence_ms = uint32 t 8;
  }

let write_proof mac = write [ Bytes mac ]
let read_proof text = bytes (root text) 0

let write_ready ready =
  let types = List.map (fun (type_id, digest) -> [ Uint16 type_id; Bytes digest ]) ready.types in
  write [ Tables types; Uint64 ready.stream; Uint64 ready.heard_stream; Uint64 ready.heard ]

let read_ready text =
  let t = root text in
  let types = List.map (fun each -> (uint16 each 0, bytes each 1)) (tables t 0) in
  let stream = uint64 t 1 in
  if Int64.equal stream 0L then raise (Malformed "a stream has a number");
  { types; stream; heard_stream = uint64 t 2; heard = uint64 t 3 }

let write_refusal reason text = write [ Uint8 (number_of_reason reason); Text text ]

let read_refusal text =
  let t = root text in
  (reason_of_number (uint8 t 0), Table.text t 1)

let write_state (state : node_state) =
  write
    [
      Uint64 state.id;
      Uint64 state.version;
      Text state.name;
      Uint64s state.neighbours;
      Uint16s state.wants;
      Uint16s state.carries;
      Uint64s state.absent;
    ]

let read_state text =
  let t = root text in
  {
    id = uint64 t 0;
    version = uint64 t 1;
    name = Table.text t 2;
    neighbours = uint64s t 3;
    wants = uint16s t 4;
    carries = uint16s t 5;
    absent = uint64s t 6;
  }

let write_credit sequence = write [ Uint64 sequence ]
let read_credit text = uint64 (root text) 0
let write_lost ~type_id ~count = write [ Uint16 type_id; Uint64 (Int64.of_int count) ]

let read_lost text =
  let t = root text in
  (uint16 t 0, uint64 t 1)

let write_receipt ~sequence ~but = write [ Uint64 sequence; Uint64s but ]

let read_receipt text =
  let t = root text in
  let but = uint64s t 1 in
  if List.sort Int64.unsigned_compare but <> but then raise (Malformed "a Receipt lists what is open in its order");
  (uint64 t 0, but)

let proof ~token ~by_dialer ~dialer ~listener =
  let identity (hello : hello) =
    let node = Bytes.create 8 in
    Bytes.set_int64_le node 0 hello.node;
    hello.nonce ^ Bytes.to_string node
  in
  let role = if by_dialer then "dialer" else "listener" in
  Sha256.hmac ~key:token ("mycelium bridge 1 " ^ role ^ identity dialer ^ identity listener)

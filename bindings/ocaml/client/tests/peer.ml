(* The other side of a link, played by a test: it says and hears frames, one at a time. *)

open Mycelium_bridge_protocol

let patience = 20.

type t = { socket : Unix.file_descr; reader : Frame.reader; hello : Wire.hello; mutable sequence : int }

let hello =
  {
    Wire.version = 1;
    node = 7L;
    name = "peer";
    nonce = String.make 16 'n';
    wants_proof = false;
    max_frame = 1 lsl 20;
    window = 1 lsl 20;
    confirms = true;
    silence_ms = 5000;
  }

let of_socket ?(hello = hello) socket =
  Unix.setsockopt_float socket Unix.SO_RCVTIMEO patience;
  { socket; reader = Frame.reader ~max_frame:(1 lsl 24); hello; sequence = 0 }

let listen path =
  let socket = Unix.socket Unix.PF_UNIX Unix.SOCK_STREAM 0 in
  Unix.bind socket (ADDR_UNIX path);
  Unix.listen socket 8;
  Unix.setsockopt_float socket Unix.SO_RCVTIMEO patience;
  socket

let accept ?hello listening = of_socket ?hello (fst (Unix.accept listening))

let connect ?hello path =
  let socket = Unix.socket Unix.PF_UNIX Unix.SOCK_STREAM 0 in
  Unix.connect socket (ADDR_UNIX path);
  of_socket ?hello socket

let close peer = Unix.close peer.socket

(* ---- saying ---- *)

let say_bytes peer text = ignore (Unix.write_substring peer.socket text 0 (String.length text))

let bytes_of frames =
  let writer = Frame.writer () in
  List.iter (Frame.append writer) frames;
  let out = ref "" in
  Frame.take writer (fun bytes first count ->
      out := Bytes.sub_string bytes first count;
      count);
  !out

let say peer frame = say_bytes peer (bytes_of [ frame ])
let say_control peer kind payload = say peer (Control (kind, 0L, payload))

let data =
  {
    Frame.type_id = 60000;
    sequence = 0;
    correlation = 0L;
    priority = 0;
    hops = 0;
    outcome = 0;
    request = false;
    reply = false;
    origin = hello.node;
    publisher = 1L;
    published = 0L;
    timestamp = 0L;
    key = None;
    trace = None;
    payload = "";
  }

(* With the next sequence. *)
let publish peer data =
  peer.sequence <- peer.sequence + 1;
  say peer (Data { data with Frame.sequence = peer.sequence; published = Int64.of_int peer.sequence })

let credit peer sequence = say_control peer Credit (Wire.write_credit (Int64.of_int sequence))

let want ?(version = 1L) peer ~neighbour wants =
  say_control peer Node_state
    (Wire.write_state
       {
         id = peer.hello.node;
         version;
         name = "peer";
         neighbours = [ neighbour ];
         wants;
         carries = [];
         absent = [];
       })

(* ---- hearing ---- *)

(* None: the other side has closed. *)
let rec next peer =
  match Frame.next peer.reader with
  | Some frame -> Some frame
  | None -> (
      match Frame.fill peer.reader (Unix.read peer.socket) with
      | 0 -> None
      | _ -> next peer
      | exception Unix.Unix_error ((EAGAIN | EWOULDBLOCK), _, _) -> Alcotest.fail "nothing came in time"
      | exception Unix.Unix_error (ECONNRESET, _, _) -> None)

(* The first that fits, passing over others. *)
let rec hear peer fits =
  match next peer with
  | None -> Alcotest.fail "the other side closed the link"
  | Some frame -> ( match fits frame with Some value -> value | None -> hear peer fits)

let hear_control peer kind =
  hear peer (function Frame.Control (found, _, payload) when found = kind -> Some payload | _ -> None)

let hear_data peer = hear peer (function Frame.Data data -> Some data | _ -> None)
let hear_end peer =
  let rec go () = match next peer with None -> () | Some _ -> go () in
  go ()

(* ---- the greeting ---- *)

let say_hello peer = say_control peer Hello (Wire.write_hello peer.hello)
let hear_hello peer = Wire.read_hello (hear_control peer Hello)

let say_ready ?(types = []) ?(stream = 1L) ?(heard_stream = 0L) ?(heard = 0L) peer =
  say_control peer Ready (Wire.write_ready { types; stream; heard_stream; heard })

let hear_ready peer = Wire.read_ready (hear_control peer Ready)

(* Both of what the other side has said. *)
let greet ?types ?stream ?heard_stream ?heard peer =
  say_hello peer;
  let theirs = hear_hello peer in
  say_ready ?types ?stream ?heard_stream ?heard peer;
  (theirs, hear_ready peer)

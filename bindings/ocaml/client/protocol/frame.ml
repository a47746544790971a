let header_size = 32
let envelope_size = 32
let key_size = 16
let trace_size = 32
let max_hops = 16
let checksum_at = 24

(* The flags of a frame. *)
let flag_control = 1
let flag_trace = 2
let flag_key = 4
let flag_request = 8
let flag_reply = 16
let known_flags = 31

type control = Hello | Proof | Ready | Refusal | Node_state | Credit | Lost | Heartbeat | Forget | Receipt

(* Their numbers, from 1. *)
let controls = [| Hello; Proof; Ready; Refusal; Node_state; Credit; Lost; Heartbeat; Forget; Receipt |]

let number_of_control control =
  let rec find i = if controls.(i) = control then i + 1 else find (i + 1) in
  find 0

type trace = { trace_id : string; span_id : string; flags : int }

type data = {
  type_id : int;
  sequence : int;
  correlation : int64;
  priority : int;
  hops : int;
  outcome : int;
  request : bool;
  reply : bool;
  origin : int64;
  publisher : int64;
  published : int64;
  timestamp : int64;
  key : int64 option;
  trace : trace option;
  payload : string;
}

type t = Control of control * int64 * string | Data of data

let padded size = (size + 15) land lnot 15

let parts_size flags =
  if flags land flag_control <> 0 then 0
  else
    envelope_size
    + (if flags land flag_key <> 0 then key_size else 0)
    + if flags land flag_trace <> 0 then trace_size else 0

let data_size ~key ~trace payload =
  header_size + envelope_size + (if key then key_size else 0) + (if trace then trace_size else 0) + payload

(* ---- the checksum ---- *)

let four_zeros = Bytes.make 4 '\000'

(* Of the whole frame, its own place taken as zeros. *)
let checksum bytes first length =
  let before = Crc32c.update 0 bytes first checksum_at in
  let own = Crc32c.update before four_zeros 0 4 in
  Crc32c.update own bytes (first + checksum_at + 4) (length - checksum_at - 4)

(* ---- writing ---- *)

type writer = { mutable out : Bytes.t; mutable begin_ : int; mutable end_ : int }

let least_room = 64 lsl 10
let most_kept = 1 lsl 20 (* memory of a writer or a reader that is empty *)
let writer () = { out = Bytes.create 4096; begin_ = 0; end_ = 0 }
let waiting w = w.end_ - w.begin_

let reserve w count =
  let kept = waiting w in
  if w.end_ + count > Bytes.length w.out then begin
    let size = Bytes.length w.out in
    let to_ = if kept + count <= size / 2 then w.out else Bytes.create (max (2 * size) (kept + count)) in
    Bytes.blit w.out w.begin_ to_ 0 kept;
    w.out <- to_;
    w.begin_ <- 0;
    w.end_ <- kept
  end;
  let at = w.end_ in
  w.end_ <- at + count;
  at

(* The header of a frame of [length] bytes, with room for what follows it; where it begins. *)
let begin_frame w length ~kind ~flags ~sequence ~correlation ~priority ~hops ~outcome =
  let size = padded length in
  let at = reserve w size in
  Bytes.fill w.out (at + length) (size - length) '\000';
  Bytes.set_int32_le w.out at (Int32.of_int length);
  Bytes.set_uint16_le w.out (at + 4) kind;
  Bytes.set_uint16_le w.out (at + 6) flags;
  Bytes.set_int64_le w.out (at + 8) (Int64.of_int sequence);
  Bytes.set_int64_le w.out (at + 16) correlation;
  Bytes.set_int32_le w.out (at + checksum_at) 0l;
  Bytes.set_uint8 w.out (at + 28) priority;
  Bytes.set_uint8 w.out (at + 29) hops;
  Bytes.set_int16_le w.out (at + 30) outcome;
  at

let end_frame w at length =
  Bytes.set_int32_le w.out (at + checksum_at) (Int32.of_int (checksum w.out at length))

let append_any_control w kind correlation payload =
  let size = String.length payload in
  let length = header_size + size in
  let at =
    begin_frame w length ~kind:(number_of_control kind) ~flags:flag_control ~sequence:0 ~correlation ~priority:0
      ~hops:0 ~outcome:0
  in
  Bytes.blit_string payload 0 w.out (at + header_size) size;
  end_frame w at length

let append_control w kind payload = append_any_control w kind 0L payload

(* The envelope, key and trace, from [at] on; where the payload begins. *)
let write_parts out at data =
  Bytes.set_int64_le out at data.origin;
  Bytes.set_int64_le out (at + 8) data.publisher;
  Bytes.set_int64_le out (at + 16) data.published;
  Bytes.set_int64_le out (at + 24) data.timestamp;
  let at = at + envelope_size in
  let at =
    match data.key with
    | None -> at
    | Some key ->
        Bytes.set_int64_le out at key;
        Bytes.set_int64_le out (at + 8) 0L;
        at + key_size
  in
  match data.trace with
  | None -> at
  | Some { trace_id; span_id; flags } ->
      Bytes.blit_string trace_id 0 out at 16;
      Bytes.blit_string span_id 0 out (at + 16) 8;
      Bytes.set_int64_le out (at + 24) (Int64.of_int (flags land 0xff));
      at + trace_size

let append_data w data =
  let flag set number = if set then number else 0 in
  let has_key = data.key <> None and has_trace = data.trace <> None in
  let flags =
    flag has_trace flag_trace lor flag has_key flag_key lor flag data.request flag_request
    lor flag data.reply flag_reply
  in
  let size = String.length data.payload in
  let length = data_size ~key:has_key ~trace:has_trace size in
  let at =
    begin_frame w length ~kind:data.type_id ~flags ~sequence:data.sequence ~correlation:data.correlation
      ~priority:data.priority ~hops:data.hops ~outcome:data.outcome
  in
  let payload_at = write_parts w.out (at + header_size) data in
  Bytes.blit_string data.payload 0 w.out payload_at size;
  end_frame w at length

let append w = function
  | Control (kind, correlation, payload) -> append_any_control w kind correlation payload
  | Data data -> append_data w data

let take w write =
  let count = write w.out w.begin_ (waiting w) in
  w.begin_ <- w.begin_ + count;
  if w.begin_ = w.end_ then begin
    w.begin_ <- 0;
    w.end_ <- 0;
    if Bytes.length w.out > most_kept then w.out <- Bytes.create 4096
  end

(* ---- reading ---- *)

exception Malformed of string

type reader = { mutable bytes : Bytes.t; mutable first : int; mutable last : int; mutable max_frame : int }

let reader ~max_frame = { bytes = Bytes.create least_room; first = 0; last = 0; max_frame }
let limit r max_frame = r.max_frame <- max_frame
let malformed text = raise_notrace (Malformed text)

let make_room r =
  let kept = r.last - r.first and size = Bytes.length r.bytes in
  let move_to bytes =
    Bytes.blit r.bytes r.first bytes 0 kept;
    r.bytes <- bytes;
    r.first <- 0;
    r.last <- kept
  in
  if kept = 0 && size > most_kept then move_to (Bytes.create least_room)
  else if kept = 0 || (size - r.last < least_room && kept + least_room <= size) then move_to r.bytes
  else if size - r.last < least_room then move_to (Bytes.create (2 * size))

let fill r read =
  make_room r;
  let count = read r.bytes r.last (Bytes.length r.bytes - r.last) in
  r.last <- r.last + count;
  count

(* Of the header, before the rest has come. *)
let check_header r ~length ~kind ~flags ~sequence =
  if length > r.max_frame then
    malformed (Printf.sprintf "a frame of %d bytes is over the limit of %d" length r.max_frame);
  if flags land lnot known_flags <> 0 then malformed "a frame has unknown flags";
  if length < header_size + parts_size flags then malformed "a frame is shorter than its parts";
  if flags land flag_control <> 0 then begin
    if flags <> flag_control || kind = 0 || kind > Array.length controls || sequence <> 0L then
      malformed "a control frame of no known kind"
  end
  else if kind = 0 then malformed "a data frame without a type";
  if Int64.compare sequence 0L < 0 || Int64.compare sequence (Int64.of_int max_int) > 0 then
    malformed "a sequence that no stream reaches"

let read_trace bytes at =
  let text first count = Bytes.sub_string bytes (at + first) count in
  { trace_id = text 0 16; span_id = text 16 8; flags = Bytes.get_uint8 bytes (at + 24) }

let read_data bytes at ~length ~kind ~flags ~sequence ~correlation =
  let has flag = flags land flag <> 0 in
  let envelope = at + header_size in
  let after = envelope + envelope_size in
  let trace_at = if has flag_key then after + key_size else after in
  let payload_at = header_size + parts_size flags in
  {
    type_id = kind;
    sequence;
    correlation;
    priority = Bytes.get_uint8 bytes (at + 28);
    hops = Bytes.get_uint8 bytes (at + 29);
    outcome = Bytes.get_int16_le bytes (at + 30);
    request = has flag_request;
    reply = has flag_reply;
    origin = Bytes.get_int64_le bytes envelope;
    publisher = Bytes.get_int64_le bytes (envelope + 8);
    published = Bytes.get_int64_le bytes (envelope + 16);
    timestamp = Bytes.get_int64_le bytes (envelope + 24);
    key = (if has flag_key then Some (Bytes.get_int64_le bytes after) else None);
    trace = (if has flag_trace then Some (read_trace bytes trace_at) else None);
    payload = Bytes.sub_string bytes (at + payload_at) (length - payload_at);
  }

let next r =
  let there = r.last - r.first and at = r.first in
  if there < header_size then None
  else
    let length = Int32.to_int (Bytes.get_int32_le r.bytes at) land 0xffff_ffff in
    let kind = Bytes.get_uint16_le r.bytes (at + 4) and flags = Bytes.get_uint16_le r.bytes (at + 6) in
    let sequence = Bytes.get_int64_le r.bytes (at + 8) and correlation = Bytes.get_int64_le r.bytes (at + 16) in
    check_header r ~length ~kind ~flags ~sequence;
    if there < padded length then None
    else begin
      let stated = Int32.to_int (Bytes.get_int32_le r.bytes (at + checksum_at)) land 0xffff_ffff in
      if checksum r.bytes at length <> stated then malformed "a frame's checksum is wrong";
      r.first <- at + padded length;
      let bytes = r.bytes in
      if flags = flag_control then
        let payload = Bytes.sub_string bytes (at + header_size) (length - header_size) in
        Some (Control (controls.(kind - 1), correlation, payload))
      else Some (Data (read_data bytes at ~length ~kind ~flags ~sequence:(Int64.to_int sequence) ~correlation))
    end

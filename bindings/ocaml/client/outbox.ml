(* What waits for, or is on its way to, the neighbour. Outlives a link that is cut, so that the next link to the same
   node goes on where it stopped. On the event thread, but for the room of a lane, which publishers enter. *)

open Mycelium_bridge_protocol
module Types = Network.Types

type entry = {
  data : Frame.data; (* without its sequence *)
  size : int; (* with its padding *)
  question : Question.t option;
  mutable sequence : int; (* 0: not sent yet *)
  mutable acknowledged : bool;
}

(* Messages of one type. *)
type lane = { type_id : int; room : Room.t; entries : entry Queue.t; mutable told : int; mutable closed : bool }

type t = {
  stream : int64;
  new_room : unit -> Room.t;
  mutable lanes : lane Numbers.t;
  order : lane Queue.t; (* its lane, for each entry that waits *)
  on_their_way : entry Queue.t;
  mutable bytes_on_their_way : int;
  mutable sequence : int; (* of the last that was sent *)
  mutable dropped_before : int; (* in lanes that are no more *)
  mutable sent : int;
  mutable sent_again : int;
  mutable acknowledged : int;
  mutable lost : int;
}

let create ~stream ~new_room =
  {
    stream;
    new_room;
    lanes = Numbers.empty;
    order = Queue.create ();
    on_their_way = Queue.create ();
    bytes_on_their_way = 0;
    sequence = 0;
    dropped_before = 0;
    sent = 0;
    sent_again = 0;
    acknowledged = 0;
    lost = 0;
  }

let entry data question =
  let size =
    Frame.data_size ~key:(Option.is_some data.Frame.key) ~trace:(Option.is_some data.trace)
      (String.length data.payload)
  in
  { data; size = Frame.padded size; question; sequence = 0; acknowledged = false }

(* ---- what waits ---- *)

let drop lane counter (entry : entry) =
  Atomic.incr counter;
  Room.leave lane.room;
  Option.iter Question.let_go entry.question

(* A message that was admitted to the lane's room. *)
let put t lane entry =
  let { room; entries; _ } = lane in
  if lane.closed then drop lane room.dropped_unsubscribed entry
  else begin
    Queue.push entry entries;
    if room.policy = Room.Drop_oldest && Queue.length entries > room.capacity then
      drop lane room.dropped_oldest (Queue.pop entries)
    else Queue.push lane t.order
  end

let close_lane t lane counter_of =
  lane.closed <- true;
  let others = Queue.create () in
  Queue.iter (fun each -> if each != lane then Queue.push each others) t.order;
  Queue.clear t.order;
  Queue.transfer others t.order;
  Queue.iter (drop lane (counter_of lane.room)) lane.entries;
  Queue.clear lane.entries

(* The types that are to be sent from now on. *)
let want t types =
  let goes type_id lane =
    let stays = Types.mem type_id types in
    if not stays then begin
      close_lane t lane (fun room -> room.Room.dropped_unsubscribed);
      t.dropped_before <- t.dropped_before + Room.dropped lane.room
    end;
    stays
  in
  let add type_id lanes =
    if Numbers.mem type_id lanes then lanes
    else
      let lane = { type_id; room = t.new_room (); entries = Queue.create (); told = 0; closed = false } in
      Numbers.add type_id lane lanes
  in
  t.lanes <- Types.fold add types (Numbers.filter goes t.lanes)

(* ---- sending ---- *)

let rec peek t =
  match Queue.peek_opt t.order with
  | None -> None
  | Some lane -> (
      match Queue.peek_opt lane.entries with
      | Some { question = Some question; _ } when Question.is_settled question ->
          (* Who asked has given up, or another server was faster. *)
          ignore (Queue.pop t.order);
          Atomic.incr lane.room.dropped_timeout;
          Room.leave lane.room;
          ignore (Queue.pop lane.entries);
          peek t
      | first -> first)

(* Takes what [peek] has shown. *)
let pop t =
  let lane = Queue.pop t.order in
  ignore (Queue.pop lane.entries);
  Room.leave lane.room

(* A message of any length goes, but none is begun while a window is on its way. *)
let has_window t window = t.bytes_on_their_way < window

(* The sequence that it goes out with. *)
let number t (entry : entry) =
  t.sequence <- t.sequence + 1;
  t.sent <- t.sent + 1;
  entry.sequence <- t.sequence;
  t.bytes_on_their_way <- t.bytes_on_their_way + entry.size;
  Queue.push entry t.on_their_way

(* How many of a type were dropped since it was asked the last time. *)
let take_drops t =
  let news type_id lane all =
    let now = Room.dropped lane.room in
    let count = now - lane.told in
    lane.told <- now;
    if count > 0 then (type_id, count) :: all else all
  in
  Numbers.fold news t.lanes []

(* ---- acknowledging ---- *)

let rec acknowledge t sequence =
  match Queue.peek_opt t.on_their_way with
  | Some entry when entry.sequence <= sequence ->
      ignore (Queue.pop t.on_their_way);
      t.bytes_on_their_way <- t.bytes_on_their_way - entry.size;
      t.acknowledged <- t.acknowledged + 1;
      entry.acknowledged <- true;
      acknowledge t sequence
  | _ -> ()

(* A new link to the same node, which has dealt with what came up to [sequence]: the rest is to be sent again. *)
let resume t sequence =
  acknowledge t sequence;
  t.sent_again <- t.sent_again + Queue.length t.on_their_way;
  List.of_seq (Queue.to_seq t.on_their_way)

let lose_what_was_sent t =
  t.lost <- t.lost + Queue.length t.on_their_way;
  Queue.iter (fun (entry : entry) -> entry.acknowledged <- true) t.on_their_way;
  Queue.clear t.on_their_way;
  t.bytes_on_their_way <- 0

(* Nothing of the stream was ever acknowledged: the other side may not have heard the Ready that named it. *)
let is_unheard t =
  match Queue.peek_opt t.on_their_way with Some { sequence = 1; _ } -> true | _ -> false

(* The other side knows nothing of the stream: what was on its way is lost. *)
let start_anew t =
  lose_what_was_sent t;
  t.sequence <- 0

(* Nobody will take any of it. *)
let give_up t =
  lose_what_was_sent t;
  let close _ lane =
    close_lane t lane (fun room -> room.Room.dropped_closed);
    t.dropped_before <- t.dropped_before + Room.dropped lane.room
  in
  Numbers.iter close t.lanes;
  t.lanes <- Numbers.empty

(* Of what waits or is on its way. *)
let iter_questions work t =
  let of_entry (entry : entry) = Option.iter work entry.question in
  Queue.iter of_entry t.on_their_way;
  Numbers.iter (fun _ lane -> Queue.iter of_entry lane.entries) t.lanes

let dropped t = Numbers.fold (fun _ lane sum -> sum + Room.dropped lane.room) t.lanes t.dropped_before
let waiting t = Numbers.fold (fun _ lane sum -> sum + Atomic.get lane.room.waiting) t.lanes 0
let is_empty t = Queue.is_empty t.on_their_way && Queue.is_empty t.order

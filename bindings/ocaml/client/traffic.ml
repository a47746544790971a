(* Messages: from publishers to subscribers here and to the neighbour, and from the neighbour; requests and their
   answers. On the event thread. *)

open Mycelium_bridge_protocol
open State

let most_in_one_write = 256 lsl 10
let acknowledge_after = 0.005
let most_unacknowledged = 128 lsl 10

let flag_said connection = connection.said_something <- true

let append connection frame =
  flag_said connection;
  Frame.append connection.link.writer frame

let append_control connection kind payload =
  flag_said connection;
  Frame.append_control connection.link.writer kind payload

(* ---- out ---- *)

let forget_request connection id = append connection (Frame.Control (Forget, id, ""))

let send bridge connection (entry : Outbox.entry) =
  append connection (Data { entry.data with sequence = entry.sequence });
  match entry.question with
  | None -> ()
  | Some question ->
      if Question.is_settled question then forget_request connection entry.data.correlation
      else Hashtbl.replace bridge.asked entry.data.correlation { entry; question }

(* Not for this neighbour: why. *)
let obstacle t connection (data : Frame.data) =
  let length =
    Frame.data_size ~key:(Option.is_some data.key) ~trace:(Option.is_some data.trace) (String.length data.payload)
  in
  if not (knows_alike t connection data.type_id) then Some "is known by another schema there"
  else if length > (Link.theirs connection.link).max_frame then
    Some (Printf.sprintf "of %d bytes is longer than the other side takes" (String.length data.payload))
  else None

(* The next that waits; false if there is none, or no credit for it. *)
let send_next t bridge connection (outbox : Outbox.t) =
  match connection.again with
  | entry :: rest ->
      connection.again <- rest;
      if not entry.acknowledged then send bridge connection entry;
      true
  | [] -> (
      match Outbox.peek outbox with
      | None -> false
      | Some entry -> (
          match obstacle t connection entry.data with
          | Some why ->
              Outbox.pop outbox;
              Option.iter Question.let_go entry.question;
              log t Warning
                (Printf.sprintf "%s: a message of type %d %s" connection.link.where entry.data.type_id why);
              true
          | None when Outbox.has_window outbox (Link.theirs connection.link).window ->
              Outbox.pop outbox;
              Outbox.number outbox entry;
              send bridge connection entry;
              true
          | None -> false))

(* Sends what waits, as far as credit goes; true if there may be more. *)
let pump t bridge connection =
  match connection.peer with
  | Some { outbox; _ } when Link.is_up connection.link && Leaf.is_current bridge connection ->
      let rec go more =
        if more && Frame.waiting connection.link.writer < most_in_one_write then
          go (send_next t bridge connection outbox)
        else more
      in
      let before = outbox.sequence in
      let more = go true in
      if outbox.sequence <> before then Bell.ring_all t.changes (* there is room *);
      more
  | _ -> false

let on_credit t connection peer sequence =
  let { Outbox.sequence = last; _ } = peer.outbox in
  if Int64.unsigned_compare sequence (Int64.of_int last) > 0 then
    Link.protocol_error connection.link "a Credit for what was not sent"
  else begin
    Outbox.acknowledge peer.outbox (Int64.to_int sequence);
    Bell.ring_all t.changes
  end

let tell_drops connection peer =
  List.iter
    (fun (type_id, count) -> append_control connection Lost (Wire.write_lost ~type_id ~count))
    (Outbox.take_drops peer.outbox)

(* ---- acknowledging ---- *)

let acknowledge connection peer =
  if connection.unacknowledged > 0 then begin
    append_control connection Credit (Wire.write_credit (Int64.of_int peer.heard));
    connection.unacknowledged <- 0
  end;
  connection.acknowledge_at <- infinity

let acknowledge_if_due t bridge connection =
  match connection.peer with
  | Some peer when Link.is_up connection.link && bridge.stalled = None && connection.unacknowledged > 0 ->
      let now = Clock.now t.clock in
      let at_once = Int.min (bridge.config.window / 4) most_unacknowledged in
      if connection.unacknowledged >= at_once || now >= connection.acknowledge_at then
        acknowledge connection peer
      else if connection.acknowledge_at = infinity then connection.acknowledge_at <- now +. acknowledge_after
  | _ -> ()

(* ---- in ---- *)

let pick key all = List.nth all (Hashtbl.hash key mod List.length all)

(* To those who have room, or whose policy needs none; the others. *)
let offer t (content : Message.content) subscriptions =
  let must_wait (subscription : Mailroom.subscription) =
    let room = subscription.room in
    match room.policy with
    | Block when not (Room.try_enter room) -> not subscription.closed
    | Block ->
        Mailroom.put t.mailroom subscription content;
        false
    | _ ->
        let ticket = Room.ticket room in
        ignore (Room.admit ticket ~may_wait:false ~may_yield:false ~changes:t.changes ~is_over:(fun () -> true));
        if ticket.entered then Mailroom.put t.mailroom subscription content else Mailroom.let_go content;
        false
  in
  List.filter must_wait subscriptions

let stall t bridge content rest since =
  if rest = [] then bridge.stalled <- None
  else begin
    Atomic.set t.stall_waits true;
    bridge.stalled <- Some { content; rest; since }
  end

(* Again, after a mailbox has been emptied, or when its patience is over. *)
let retry_stalled t bridge =
  match bridge.stalled with
  | None -> ()
  | Some { content; rest; since } ->
      let waited = Clock.now t.clock -. since in
      let gives_up (subscription : Mailroom.subscription) =
        let over = waited >= subscription.room.block_timeout in
        if over then begin
          Atomic.incr subscription.room.dropped_timeout;
          Mailroom.let_go content
        end;
        over
      in
      Atomic.set t.stall_waits true;
      let rest = offer t content rest in
      stall t bridge content (List.filter (fun each -> not (gives_up each)) rest) since

let content_of (data : Frame.data) question =
  {
    Message.envelope =
      {
        type_id = data.type_id;
        priority = data.priority;
        correlation_id = data.correlation;
        sequence = data.published;
        publisher_id = data.publisher;
        timestamp_ns = data.timestamp;
        trace = data.trace;
      };
    key = data.key;
    body = data.payload;
    question;
    is_foreign = true;
    is_valid = None;
  }

let deliver t bridge (data : Frame.data) subscriptions question =
  let subscriptions =
    match (data.key, subscriptions) with Some key, _ :: _ -> [ pick key subscriptions ] | _ -> subscriptions
  in
  let content = content_of data question in
  stall t bridge content (offer t content subscriptions) (Clock.now t.clock)

(* ---- requests of the neighbour ---- *)

let nanoseconds_now () = Int64.of_float (Unix.gettimeofday () *. 1e9)

let nothing =
  {
    Frame.type_id = 1 (* has to be one *);
    sequence = 0;
    correlation = 0L;
    priority = 0;
    hops = 0;
    outcome = 0;
    request = false;
    reply = false;
    origin = 0L;
    publisher = 0L;
    published = 0L;
    timestamp = 0L;
    key = None;
    trace = None;
    payload = "";
  }

let next_sequence t =
  t.sequence <- t.sequence + 1;
  Int64.of_int t.sequence

let answer t bridge connection correlation (outcome : Question.outcome) =
  if Hashtbl.mem connection.answering correlation && Link.is_up connection.link then begin
    Hashtbl.remove connection.answering correlation;
    let reply = {
        nothing with
        correlation;
        reply = true;
        origin = bridge.self;
        publisher = t.publisher;
        timestamp = nanoseconds_now ();
      } in
    let failed status = { reply with outcome = Status.to_int status } in
    let reply =
      match outcome with
      | Failed status -> failed status
      | Reply (_, payload)
        when Frame.data_size ~key:false ~trace:false (String.length payload)
             > (Link.theirs connection.link).max_frame ->
          failed Status.Too_large
      | Reply (type_id, payload) ->
          { reply with type_id; payload; published = next_sequence t }
    in
    Option.iter (acknowledge connection) connection.peer (* so that the other side lets go of the request *);
    append connection (Data reply)
  end

let on_request t bridge connection (data : Frame.data) servers =
  let correlation = data.correlation in
  let respond outcome = post t (fun () -> answer t bridge connection correlation outcome) in
  (* One holder more, until all have been offered it. *)
  let count = if servers = [] then 0 else if data.key = None then List.length servers else 1 in
  let question = Question.create ~holders:(1 + count) respond in
  Hashtbl.replace connection.answering correlation question;
  deliver t bridge data servers (Some question);
  Question.let_go question

let on_forgotten connection correlation =
  match Hashtbl.find_opt connection.answering correlation with
  | None -> ()
  | Some question ->
      ignore (Question.withdraw question);
      Hashtbl.remove connection.answering correlation

(* One that is not valid counts as none: another server's may come. *)
let is_valid_reply t bridge connection (data : Frame.data) =
  let invalid why =
    bridge.invalid <- bridge.invalid + 1;
    log t Warning (Printf.sprintf "%s: a reply of type %d is not taken: %s" connection.link.where data.type_id why)
  in
  if not (knows_alike t connection data.type_id) then begin
    invalid "it is known by another schema there";
    false
  end
  else
    match Numbers.find_opt data.type_id (Atomic.get t.known) with
    | None -> true
    | Some (Known descriptor) ->
        let result = descriptor#decode None (Message.payload_of data.payload) in
        Result.iter_error invalid result;
        Result.is_ok result

let on_reply t bridge connection (data : Frame.data) =
  match Hashtbl.find_opt bridge.asked data.correlation with
  | None -> () (* too late *)
  | Some { question; _ } ->
      Hashtbl.remove bridge.asked data.correlation;
      if data.outcome = 0 && is_valid_reply t bridge connection data then
        ignore (Question.settle question (Reply (data.type_id, data.payload)))
      else Question.let_go question

(* ---- what has come ---- *)

let is_refused t bridge connection (data : Frame.data) =
  data.hops >= Frame.max_hops || data.origin = bridge.self || not (knows_alike t connection data.type_id)

let on_numbered t bridge connection peer (data : Frame.data) =
  if data.sequence <> peer.heard + 1 then begin
    let missing = data.sequence - peer.heard - 1 in
    bridge.missing <- bridge.missing + missing;
    log t Warning
      (Printf.sprintf "over %s %d messages are missing: they were lost with an earlier link" connection.link.where
         missing)
  end;
  peer.heard <- data.sequence;
  bridge.received <- bridge.received + 1;
  let is_refused = is_refused t bridge connection data in
  if is_refused then bridge.invalid <- bridge.invalid + 1;
  let subscriptions = if is_refused then [] else subscribers t data.type_id in
  if data.request then on_request t bridge connection data subscriptions
  else deliver t bridge data subscriptions None

let on_message t bridge connection peer (data : Frame.data) =
  if data.reply then on_reply t bridge connection data
  else if data.sequence = 0 then Link.protocol_error connection.link "a message without a sequence"
  else if data.origin = 0L then Link.protocol_error connection.link "a message without an origin"
  else begin
    let length =
      Frame.data_size ~key:(data.key <> None) ~trace:(data.trace <> None) (String.length data.payload)
    in
    connection.unacknowledged <- connection.unacknowledged + Frame.padded length;
    if data.sequence <= peer.heard then bridge.repeated <- bridge.repeated + 1
    else on_numbered t bridge connection peer data
  end

let on_lost t bridge connection type_id count =
  let count = Leaf.as_sequence count in
  bridge.lost_there <- bridge.lost_there + count;
  let of_type = if type_id = 0 then "" else Printf.sprintf " of type %d" type_id in
  log t Warning
    (Printf.sprintf "%s: the neighbour dropped %d messages%s for us: we take them too slowly" connection.link.where
       count of_type)

let on_event t bridge connection (event : Link.event) =
  match (event, connection.peer) with
  | Accepted, _ -> Leaf.on_accepted t bridge connection
  | Came_up ready, _ -> Leaf.on_came_up t bridge connection ready
  | _, None -> () (* nothing else comes before *)
  | Message data, Some peer -> on_message t bridge connection peer data
  | State state, Some _ -> Leaf.on_state t bridge state
  | Credit sequence, Some peer -> on_credit t connection peer sequence
  | Lost (type_id, count), Some _ -> on_lost t bridge connection type_id count
  | Forgotten correlation, Some _ -> on_forgotten connection correlation

(* All that has come, but for what has to wait for room here. *)
let rec handle_all t bridge connection =
  if bridge.stalled = None || connection.link.state <> Up then
    match Link.next connection.link with
    | None -> ()
    | Some event ->
        on_event t bridge connection event;
        handle_all t bridge connection

(* ---- what is published here ---- *)

(* Whom it is for, each with its place. *)
type outgoing = {
  data : Frame.data;
  subscriptions : (Mailroom.subscription * Room.ticket) list;
  lane : (Outbox.lane * Room.ticket) option;
  question : Question.t option;
  holders : int; (* of it: one for each of them *)
  mutable routed : bool; (* it may be asked for twice *)
}

let has_a_place { subscriptions; lane; _ } =
  let entered (_, ticket) = ticket.Room.entered in
  List.exists entered subscriptions || Option.fold lane ~none:false ~some:entered

let route_to_lane t outgoing (lane, ticket) =
  match t.bridge with
  | _ when not ticket.Room.entered -> Option.iter Question.let_go outgoing.question
  | Some ({ neighbour = Some { outbox; _ }; _ } as bridge) ->
      let data = { outgoing.data with origin = bridge.self; request = Option.is_some outgoing.question } in
      Outbox.put outbox lane (Outbox.entry data outgoing.question)
  | _ ->
      (* The neighbour was forgotten meanwhile. *)
      Room.leave lane.Outbox.room;
      Option.iter Question.let_go outgoing.question

let route t outgoing =
  if not outgoing.routed then begin
    outgoing.routed <- true;
    let outgoing = { outgoing with data = { outgoing.data with published = next_sequence t } } in
    let content = { (content_of outgoing.data outgoing.question) with is_foreign = false } in
    let deliver (subscription, ticket) =
      if ticket.Room.entered then Mailroom.put t.mailroom subscription content else Mailroom.let_go content
    in
    List.iter deliver outgoing.subscriptions;
    Option.iter (route_to_lane t outgoing) outgoing.lane
  end

(* A request is over: the neighbour need not answer it any more. *)
let withdraw bridge id =
  match Hashtbl.find_opt bridge.asked id with
  | None -> ()
  | Some _ ->
      Hashtbl.remove bridge.asked id;
      Option.iter (fun connection -> forget_request connection id) (Leaf.up bridge)

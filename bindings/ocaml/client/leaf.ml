(* A node of the mesh that has one neighbour at a time: who that is, what it is told, and what becomes of links. On the
   event thread. *)

open Mycelium_bridge_protocol
open State

(* Open for good: a program that has run out of descriptors can still greet. *)
let randomness = lazy (Unix.openfile "/dev/urandom" [ O_RDONLY; O_CLOEXEC ] 0)

let random_bytes count =
  let bytes = Bytes.create count in
  if Unix.read (Lazy.force randomness) bytes 0 count <> count then failwith "the system gives no random numbers";
  Bytes.unsafe_to_string bytes

let rec random_id () =
  match String.get_int64_le (random_bytes 8) 0 with 0L -> random_id () | id -> id

let token bridge = Option.value bridge.config.token ~default:""

let hello t bridge =
  {
    Wire.version = Wire.protocol_version;
    node = bridge.self;
    name = Option.value bridge.config.name ~default:t.name;
    nonce = random_bytes 16;
    wants_proof = token bridge <> "";
    max_frame = bridge.config.max_frame;
    window = bridge.config.window;
    confirms = false;
    silence_ms = max 1 (min 0xffff_ffff (Float.to_int (Float.round (bridge.config.silence *. 1000.))));
  }

(* ---- connections ---- *)

(* The longest pause between two looks at what there is to say: a third of the time after which the other side takes us
   for dead, or less. *)
let beat bridge connection =
  let ours = Float.min bridge.config.heartbeat bridge.config.hello_timeout in
  match connection.link.theirs with
  | Some { silence_ms; _ } when silence_ms > 0 -> Float.min ours (Float.max 0.001 (float_of_int silence_ms /. 3000.))
  | _ -> ours

let has_opened t bridge ~dialed ~where socket =
  let now = Clock.now t.clock in
  let connection =
    {
      link = Link.create ~dialed ~where ~token:(token bridge) (hello t bridge);
      socket;
      peer = None;
      begun = now;
      last_heard = now;
      next_tick = now +. Float.min bridge.config.heartbeat bridge.config.hello_timeout;
      said_something = true;
      again = [];
      unacknowledged = 0;
      acknowledge_at = infinity;
      answering = Hashtbl.create 8;
      peer_digests = Numbers.empty;
    }
  in
  (* Behind the older ones: that one of those has ended is seen before the new one is asked in. *)
  bridge.connections <- bridge.connections @ [ connection ];
  connection

let is_current bridge connection = match bridge.current with Some current -> current == connection | None -> false

let up bridge =
  match bridge.current with Some connection when Link.is_up connection.link -> Some connection | _ -> None

let send_state connection state = Frame.append_control connection.link.writer Node_state (Wire.write_state state)
let tell_state bridge = Option.iter (fun connection -> send_state connection (Network.self bridge.network)) (up bridge)

(* ---- the neighbour ---- *)

(* Publishers see what it wants. *)
let apply_ways t bridge =
  match (up bridge, bridge.neighbour) with
  | Some _, Some neighbour ->
      Outbox.want neighbour.outbox (Network.wanted bridge.network);
      Atomic.set t.lanes neighbour.outbox.lanes;
      Bell.ring_all t.changes
  | _ -> ()

let make_neighbour t bridge (hello : Wire.hello) =
  let block_timeout = Option.value bridge.config.block_timeout ~default:t.block_timeout in
  let new_room () = Room.create ~policy:bridge.config.policy ~capacity:bridge.config.capacity ~block_timeout in
  {
    node = hello.node;
    peer_name = hello.name;
    outbox = Outbox.create ~stream:(random_id ()) ~new_room;
    heard_stream = 0L;
    heard = 0;
    absent_since = infinity;
  }

(* Requests that the neighbour has dealt with, and whose replies were lost with the link: nobody answers them. *)
let give_up_asked bridge =
  let stays _ { entry; question } =
    if entry.Outbox.acknowledged then Question.let_go question;
    not entry.acknowledged
  in
  Hashtbl.filter_map_inplace (fun id asked -> if stays id asked then Some asked else None) bridge.asked

let forget t bridge ~why =
  match bridge.neighbour with
  | None -> ()
  | Some { outbox; peer_name; _ } ->
      let lost = outbox.lost in
      Outbox.give_up outbox;
      give_up_asked bridge;
      if outbox.lost > lost then
        log t Warning
          (Printf.sprintf "'%s' %s; %d messages that were on their way to it count as lost" peer_name why
             (outbox.lost - lost));
      bridge.sent_before <- bridge.sent_before + outbox.sent;
      bridge.sent_again_before <- bridge.sent_again_before + outbox.sent_again;
      bridge.acknowledged_before <- bridge.acknowledged_before + outbox.acknowledged;
      bridge.dropped_before <- bridge.dropped_before + Outbox.dropped outbox;
      bridge.lost_before <- bridge.lost_before + outbox.lost;
      bridge.neighbour <- None;
      Atomic.set t.lanes Numbers.empty;
      Bell.ring_all t.changes

(* Whether there is a link that it was accepted on, and that may come up. *)
let is_greeted bridge peer =
  let greets connection =
    Link.is_open connection.link && Option.fold connection.peer ~none:false ~some:(fun of_it -> of_it == peer)
  in
  List.exists greets bridge.connections

(* When it has been waited for long enough. *)
let patience_ends bridge =
  match bridge.neighbour with
  | Some peer when not (is_greeted bridge peer) -> peer.absent_since +. bridge.config.linger
  | _ -> infinity

let forget_who_is_gone t bridge =
  if Clock.now t.clock >= patience_ends bridge then forget t bridge ~why:"did not come back"

(* ---- the greeting's end ---- *)

(* Another node that is linked, or about to be. *)
let is_taken bridge connection node =
  let takes other =
    other != connection && Link.is_open other.link
    && (match other.link.state with Waiting_for_ready | Up -> true | _ -> false)
    && (Link.theirs other.link).node <> node
  in
  List.exists takes bridge.connections

(* Both may have dialed each other: then the link that the smaller node dialed stays. Of two that the same side dialed,
   that side knows whether the first is good. *)
let stays bridge connection node =
  match up bridge with
  | None -> true
  | Some before ->
      let dialed = connection.link.dialed in
      if before.link.dialed <> dialed then dialed = (Int64.unsigned_compare bridge.self node < 0) else not dialed

let on_accepted t bridge connection =
  let hello = Link.theirs connection.link in
  connection.next_tick <- Float.min connection.next_tick (Clock.now t.clock +. beat bridge connection);
  if bridge.leave_by <> None then Link.refuse connection.link Leaving "the node goes away"
  else if is_taken bridge connection hello.node then
    Link.refuse connection.link Too_many "this is a client: it has one neighbour at a time, and is linked already"
  else if not (stays bridge connection hello.node) then
    Link.refuse connection.link Itself "this node is linked already"
  else begin
    let peer =
      match bridge.neighbour with
      | Some known when known.node = hello.node -> known
      | _ -> make_neighbour t bridge hello
    in
    connection.peer <- Some peer;
    let digest (type_id, Known descriptor) = (type_id, descriptor#type_digest) in
    Link.send_ready connection.link
      {
        types = List.map digest (Numbers.bindings (Atomic.get t.known));
        stream = peer.outbox.stream;
        heard_stream = peer.heard_stream;
        heard = Int64.of_int peer.heard;
      }
  end

let as_sequence number =
  if Int64.unsigned_compare number (Int64.of_int max_int) > 0 then max_int else Int64.to_int number

(* Goes on where the last link to the same node stopped. *)
let resume bridge connection peer (ready : Wire.ready) =
  if ready.stream <> peer.heard_stream then begin
    peer.heard_stream <- ready.stream;
    peer.heard <- 0
  end;
  let { outbox; _ } = peer in
  if ready.heard_stream = outbox.stream then connection.again <- Outbox.resume outbox (as_sequence ready.heard)
  else if Outbox.is_unheard outbox then connection.again <- Outbox.resume outbox 0
  else Outbox.start_anew outbox;
  give_up_asked bridge

let tell_differences t connection =
  let tell type_id _ =
    if not (knows_alike t connection type_id) then
      log t Warning
        (Printf.sprintf "%s: the two sides know type %d by different schemas; it does not cross" connection.link.where
           type_id)
  in
  Numbers.iter tell connection.peer_digests

let on_came_up t bridge connection (ready : Wire.ready) =
  let peer = Option.get connection.peer in
  let hello = Link.theirs connection.link in
  (match bridge.neighbour with
  | Some known when known != peer -> forget t bridge ~why:"was followed by another node"
  | _ -> ());
  bridge.neighbour <- Some peer;
  let before = bridge.current in
  bridge.current <- Some connection;
  Option.iter (fun other -> Link.close other.link "a newer link to the same node has taken its place") before;
  peer.peer_name <- hello.name;
  peer.absent_since <- infinity;
  connection.peer_digests <- Numbers.of_seq (List.to_seq ready.types);
  resume bridge connection peer ready;
  bridge.links_made <- bridge.links_made + 1;
  log t Info (Printf.sprintf "linked with '%s' over %s" hello.name connection.link.where);
  tell_differences t connection;
  ignore (Network.say bridge.network ~neighbours:[ peer.node ] ());
  List.iter (send_state connection) (Network.states bridge.network);
  apply_ways t bridge;
  Bell.ring_all t.changes

let on_state t bridge state = if Network.learn bridge.network state then apply_ways t bridge

(* What the subscribers here want has changed. *)
let update_wants t =
  match t.bridge with
  | None -> ()
  | Some bridge ->
      let wants = List.map fst (Numbers.bindings (Atomic.get t.subscriptions)) in
      if Network.say bridge.network ~wants () then tell_state bridge

(* ---- the end of a connection ---- *)

(* Who says that it leaves does not come back. *)
let forget_who_has_left t bridge connection =
  match (connection.link.refusal, connection.peer, bridge.neighbour) with
  | Some (Wire.Leaving, _), Some peer, Some known
    when peer == known && bridge.current = None && not (is_greeted bridge peer) ->
      forget t bridge ~why:"has left"
  | _ -> ()

let has_closed t bridge connection why =
  bridge.connections <- List.filter (fun each -> each != connection) bridge.connections;
  Unix.close connection.socket;
  Hashtbl.iter (fun _ question -> ignore (Question.withdraw question)) connection.answering;
  Hashtbl.reset connection.answering;
  if Option.is_some connection.link.refusal then bridge.last_refusal <- connection.link.refusal;
  bridge.last_problem <- connection.link.where ^ ": " ^ why;
  if is_current bridge connection then begin
    bridge.current <- None;
    Option.iter (fun peer -> peer.absent_since <- Clock.now t.clock) connection.peer;
    bridge.links_cut <- bridge.links_cut + 1;
    give_up_asked bridge;
    (* That the neighbour is absent nobody could hear: it is the only one. *)
    ignore (Network.say bridge.network ~neighbours:[] ());
    log t Warning (Printf.sprintf "the link over %s ended: %s" connection.link.where why)
  end
  else if connection.link.state <> Up then begin
    bridge.refused <- bridge.refused + 1;
    log t Warning (Printf.sprintf "no link over %s: %s" connection.link.where why)
  end;
  forget_who_has_left t bridge connection;
  Bell.ring_all t.changes

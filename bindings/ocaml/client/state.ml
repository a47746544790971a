(* What the parts of this library know of a runtime. Its event thread alone changes what is not atomic; others ask it
   to, with [post] and [call]. No lock is held by a program's thread: a signal's handler, a finaliser and a child after
   fork find nothing that is half done. *)

open Mycelium_bridge_protocol

type known = Known : 'a Message.descriptor -> known

(* What is told of a bridge. *)
type config = {
  name : string option;
  token : string option;
  max_frame : int;
  window : int;
  capacity : int;
  policy : Room.policy;
  block_timeout : float option;
  hello_timeout : float;
  heartbeat : float;
  silence : float;
  linger : float;
}

(* A connection, from its first byte to its last. *)
type connection = {
  link : Link.t;
  socket : Unix.file_descr;
  mutable peer : neighbour option; (* once its Hello was accepted *)
  begun : float;
  mutable last_heard : float;
  mutable next_tick : float;
  mutable said_something : bool; (* since the last tick *)
  mutable again : Outbox.entry list; (* to be sent again *)
  mutable unacknowledged : int; (* bytes that were dealt with *)
  mutable acknowledge_at : float;
  answering : (int64, Question.t) Hashtbl.t; (* by the asker's correlation *)
  mutable peer_digests : string Numbers.t;
}

and neighbour = {
  node : int64;
  mutable peer_name : string;
  outbox : Outbox.t;
  mutable heard_stream : int64;
  mutable heard : int;
  mutable absent_since : float; (* infinity while it is linked *)
}

(* A message that found no room here: nothing that comes after it is dealt with until it has, over whatever link. *)
type stall = { content : Message.content; rest : Mailroom.subscription list; since : float }

type dialing =
  | Resting of float (* until then *)
  | Finding (* its address *)
  | Connecting of { socket : Unix.file_descr; addresses : Unix.sockaddr list; until : float }
  | Linked of connection

type dialer = { target : Address.t; mutable pause : float; mutable doing : dialing; mutable complained : bool }
type listener = { at : Address.t; listening : Unix.file_descr; file : (int * int) option (* device and inode *) }
type asked = { entry : Outbox.entry; question : Question.t }

type bridge = {
  config : config;
  self : int64;
  network : Network.t;
  mutable listeners : listener list;
  mutable dialer : dialer option;
  mutable connections : connection list;
  mutable neighbour : neighbour option;
  mutable current : connection option; (* to it *)
  asked : (int64, asked) Hashtbl.t;
  mutable stalled : stall option;
  mutable leave_by : float option; (* the runtime is being closed *)
  mutable last_refusal : (Wire.reason * string) option;
  mutable last_problem : string;
  mutable links_made : int;
  mutable links_cut : int;
  mutable refused : int;
  mutable received : int;
  mutable repeated : int;
  mutable missing : int;
  mutable invalid : int;
  mutable lost_there : int;
  (* Of neighbours that are no more. *)
  mutable sent_before : int;
  mutable sent_again_before : int;
  mutable acknowledged_before : int;
  mutable dropped_before : int;
  mutable lost_before : int;
}

type t = {
  name : string;
  process : int;
  mailbox_capacity : int;
  policy : Room.policy;
  block_timeout : float;
  close_timeout : float;
  on_error : string -> exn -> Printexc.raw_backtrace -> unit;
  on_log : (Level.t -> string -> unit) option;
  clock : Clock.t; (* the event thread's *)
  intake : (unit -> unit) list Atomic.t; (* for the event thread, the newest first *)
  waker : Bell.t;
  changes : Bell.waiters; (* rung when something has changed that somebody may wait for *)
  mailroom : Mailroom.t;
  subscriptions : Mailroom.subscription list Numbers.t Atomic.t; (* by their type *)
  lanes : Outbox.lane Numbers.t Atomic.t; (* of the neighbour *)
  known : known Numbers.t Atomic.t;
  next_id : int Atomic.t; (* of requests *)
  random : Random.State.t;
  publisher : int64; (* id; all threads are one *)
  closing : bool Atomic.t; (* nothing more is accepted *)
  mutable ended : bool; (* the event thread is gone *)
  mutable event_thread : int;
  mutable bridge : bridge option;
  published : int Atomic.t;
  published_bytes : int Atomic.t;
  mutable sequence : int; (* of the last that was routed *)
  log_waiting : int Atomic.t; (* lines *)
  log_left_out : int Atomic.t;
  refused_calls : int Atomic.t;
  errors : int Atomic.t;
  requests_pending : int Atomic.t;
  stall_waits : bool Atomic.t; (* somebody wants to know that a mailbox has room *)
}

(* ---- the event thread's intake ---- *)

let wake t = Bell.ring t.waker

let post t work =
  let rec push () =
    let before = Atomic.get t.intake in
    if Atomic.compare_and_set t.intake before (work :: before) then List.compare_length_with before 0 = 0 else push ()
  in
  if push () then wake t

let is_event_thread t = t.event_thread = Thread.id (Thread.self ())
let closed_text = "the runtime is closed; create a new one"

let check_process t =
  if t.process <> Unix.getpid () then Status.fail Status.Forked "the runtime belongs to the parent process"

let check_open t =
  check_process t;
  if Atomic.get t.closing then Status.fail Status.Closed closed_text

(* Runs the work on the event thread, and gives its result. *)
let call t work =
  check_process t;
  if is_event_thread t then work ()
  else begin
    let result = Atomic.make None and asker = Bell.nobody () in
    post t (fun () ->
        let outcome = try Ok (work ()) with exn -> Error exn in
        Atomic.set result (Some outcome);
        Bell.ring_all asker);
    ignore (Bell.until asker (fun () -> Option.is_some (Atomic.get result) || t.ended));
    match Atomic.get result with
    | Some (Ok value) -> value
    | Some (Error exn) -> raise exn
    | None -> Status.fail Status.Closed closed_text
  end

(* ---- what is told ---- *)

let most_lines = 1000

(* On the dispatcher. While a handler is stuck, a stranger may cause many lines. *)
let log t level text =
  let tell on_log () =
    Atomic.decr t.log_waiting;
    let left_out = Atomic.exchange t.log_left_out 0 in
    try
      if left_out > 0 then on_log Level.Warning (Printf.sprintf "%d lines were left out" left_out);
      on_log level text
    with _ -> Atomic.incr t.errors
  in
  match t.on_log with
  | None -> ()
  | Some on_log ->
      if Atomic.fetch_and_add t.log_waiting 1 < most_lines then Mailroom.call t.mailroom (tell on_log)
      else begin
        Atomic.decr t.log_waiting;
        Atomic.incr t.log_left_out
      end

(* On the dispatcher. *)
let report t name exn backtrace =
  Atomic.incr t.errors;
  try t.on_error name exn backtrace with _ -> ()

(* ---- types ---- *)

(* Every descriptor that is used tells the schema of its type. *)
let rec learn_type t (descriptor : 'a Message.descriptor) =
  let type_id = descriptor#type_id in
  let before = Atomic.get t.known in
  match Numbers.find_opt type_id before with
  | Some (Known other) ->
      if not (String.equal other#type_digest descriptor#type_digest) then
        Status.fail Status.Digest
          (Printf.sprintf "%s and %s are two schemas of type %d: compile both programs from one schema"
             other#type_name descriptor#type_name type_id)
  | None ->
      if not (Atomic.compare_and_set t.known before (Numbers.add type_id (Known descriptor) before)) then
        learn_type t descriptor

let digest_of t type_id =
  match Numbers.find_opt type_id (Atomic.get t.known) with
  | Some (Known descriptor) -> Some descriptor#type_digest
  | None -> None

(* Whether both sides of a link may mean the same by a type. *)
let knows_alike t connection type_id =
  match (digest_of t type_id, Numbers.find_opt type_id connection.peer_digests) with
  | Some ours, Some theirs -> String.equal ours theirs
  | _ -> true

let subscribers t type_id = Option.value (Numbers.find_opt type_id (Atomic.get t.subscriptions)) ~default:[]
let lane t type_id = Numbers.find_opt type_id (Atomic.get t.lanes)

(* Mailboxes, and the one thread per runtime that empties them: its dispatcher, on which handlers run, one after the
   other, with no lock held. The event thread puts messages in. *)

type subscription = {
  id : int;
  name : string;
  type_id : int;
  room : Room.t;
  mailbox : Message.content Queue.t; (* under the mutex *)
  handle : subscription -> Message.content -> unit; (* raises nothing *)
  offered : int Atomic.t;
  delivered : int Atomic.t;
  errors : int Atomic.t;
  mutable closed : bool;
  mutable running : bool;
}

type task = Deliver of subscription | Call of (unit -> unit)

type t = {
  mutex : Mutex.t;
  moved : Condition.t;
  order : task Queue.t; (* a task for each message in a mailbox, as they came *)
  changes : Bell.waiters; (* rung when a handler has returned *)
  room_made : unit -> unit; (* called when a message has been taken *)
  mutable ending : bool; (* when there is nothing left to do *)
  mutable ended : bool;
  mutable given : int;
  mutable handled : int; (* of those given *)
  mutable thread : int; (* its id; -1: not started *)
}

let create ~changes ~room_made =
  {
    mutex = Mutex.create ();
    moved = Condition.create ();
    order = Queue.create ();
    changes;
    room_made;
    ending = false;
    ended = false;
    given = 0;
    handled = 0;
    thread = -1;
  }

let with_lock m work =
  Mutex.lock m.mutex;
  match work () with
  | result ->
      Mutex.unlock m.mutex;
      result
  | exception exn ->
      Mutex.unlock m.mutex;
      raise exn

let let_go (content : Message.content) = Option.iter Question.let_go content.question

(* ---- the event thread's side ---- *)

let add m task =
  Queue.push task m.order;
  m.given <- m.given + 1;
  Condition.signal m.moved

let call m work = with_lock m (fun () -> if not m.ended then add m (Call work))

(* A message that was admitted to the subscription's room. *)
let put m subscription content =
  let { room; mailbox; _ } = subscription in
  let drop counter content =
    Atomic.incr counter;
    Room.leave room;
    let_go content
  in
  Atomic.incr subscription.offered;
  let after =
    with_lock m (fun () ->
        if subscription.closed then fun () -> drop room.dropped_unsubscribed content
        else if room.policy = Room.Drop_oldest && Queue.length mailbox >= room.capacity then begin
          (* Its task is now that of the newest. *)
          let oldest = Queue.pop mailbox in
          Queue.push content mailbox;
          fun () -> drop room.dropped_oldest oldest
        end
        else begin
          Queue.push content mailbox;
          add m (Deliver subscription);
          ignore
        end)
  in
  after ()

let empty m subscription counter =
  let left = with_lock m (fun () ->
      let left = List.of_seq (Queue.to_seq subscription.mailbox) in
      Queue.clear subscription.mailbox;
      left)
  in
  List.iter
    (fun content ->
      Atomic.incr counter;
      Room.leave subscription.room;
      let_go content)
    left

(* What waits is dropped. A handler that runs goes on: see [wait_for_handler]. *)
let close_subscription m subscription =
  with_lock m (fun () -> subscription.closed <- true);
  empty m subscription subscription.room.dropped_unsubscribed

let is_here m = m.thread = Thread.id (Thread.self ())

(* After it, no handler of a closed subscription runs; not in a handler, where it does not wait. *)
let wait_for_handler m subscription =
  if not (is_here m) then ignore (Bell.until m.changes (fun () -> (not subscription.running) || m.ended))

(* ---- the dispatcher ---- *)

let next m =
  with_lock m (fun () ->
      while Queue.is_empty m.order && not m.ending do
        Condition.wait m.moved m.mutex
      done;
      match Queue.take_opt m.order with
      | None ->
          m.ended <- true;
          None
      | Some (Call work) -> Some work
      | Some (Deliver subscription) -> (
          match Queue.take_opt subscription.mailbox with
          | None -> Some ignore
          | Some content ->
              subscription.running <- true;
              Some
                (fun () ->
                  Room.leave subscription.room;
                  m.room_made ();
                  Atomic.incr subscription.delivered;
                  subscription.handle subscription content;
                  subscription.running <- false)))

let run m =
  Bell.name_thread "myc.handlers";
  m.thread <- Thread.id (Thread.self ());
  let rec go () =
    match next m with
    | None -> ()
    | Some work ->
        work ();
        m.handled <- m.handled + 1;
        Bell.ring_all m.changes;
        go ()
  in
  go ();
  Bell.ring_all m.changes

(* ---- the end ---- *)

let end_when_empty m =
  with_lock m (fun () ->
      m.ending <- true;
      Condition.signal m.moved)

(* The time of close is over: what waits is dropped. *)
let abandon m =
  let subscriptions =
    with_lock m (fun () ->
        let tasks = List.of_seq (Queue.to_seq m.order) in
        Queue.clear m.order;
        List.filter_map (function Deliver subscription -> Some subscription | Call _ -> None) tasks)
  in
  List.iter (fun subscription -> empty m subscription subscription.room.dropped_closed) subscriptions

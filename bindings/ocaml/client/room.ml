(* How many messages may wait at one place, what happens to more, and what has happened to them. Any thread. *)

type policy = Block | Drop_oldest | Drop_newest | Fail

type t = {
  policy : policy;
  capacity : int;
  block_timeout : float;
  waiting : int Atomic.t;
  high_water : int Atomic.t;
  dropped_oldest : int Atomic.t;
  dropped_newest : int Atomic.t;
  dropped_timeout : int Atomic.t;
  dropped_full : int Atomic.t;
  dropped_unsubscribed : int Atomic.t;
  dropped_closed : int Atomic.t;
}

let create ~policy ~capacity ~block_timeout =
  let zero () = Atomic.make 0 in
  {
    policy;
    capacity;
    block_timeout;
    waiting = zero ();
    high_water = zero ();
    dropped_oldest = zero ();
    dropped_newest = zero ();
    dropped_timeout = zero ();
    dropped_full = zero ();
    dropped_unsubscribed = zero ();
    dropped_closed = zero ();
  }

let rec note_high_water room count =
  let before = Atomic.get room.high_water in
  if count > before && not (Atomic.compare_and_set room.high_water before count) then note_high_water room count

let enter room = note_high_water room (1 + Atomic.fetch_and_add room.waiting 1)
let leave room = Atomic.decr room.waiting

(* One more, if there is room. *)
let try_enter room =
  let before = Atomic.fetch_and_add room.waiting 1 in
  if before < room.capacity then begin
    note_high_water room (before + 1);
    true
  end
  else begin
    Atomic.decr room.waiting;
    false
  end

let has_room room = Atomic.get room.waiting < room.capacity

(* A publisher's place in a room. A signal's handler may raise wherever memory is allocated: whether a place was taken
   is written down in the same breath. *)
type ticket = { room : t; mutable entered : bool }

let ticket room = { room; entered = false }

(* For one more message; the status if it was refused. [may_wait]: whether the caller may wait for room, if the policy
   is to. [may_yield]: whether it may wait for whoever drops the oldest, the event thread. *)
let admit ticket ~may_wait ~may_yield ~changes ~is_over =
  let { room; _ } = ticket in
  let refuse counter status =
    Atomic.incr counter;
    Some status
  in
  let take () =
    if not ticket.entered then ticket.entered <- try_enter room;
    ticket.entered
  in
  match room.policy with
  | Drop_oldest ->
      while may_yield && Atomic.get room.waiting > 2 * room.capacity && not (is_over ()) do
        Thread.yield ()
      done;
      enter room; (* whoever puts it there drops the oldest *)
      ticket.entered <- true;
      None
  | _ when take () -> None
  | Drop_newest ->
      Atomic.incr room.dropped_newest;
      None
  | Fail -> refuse room.dropped_full Status.Full
  | Block when not may_wait -> refuse room.dropped_full Status.Full
  | Block -> (
      match Bell.until ~timeout:room.block_timeout changes (fun () -> take () || is_over ()) with
      | _ -> if ticket.entered then None else refuse room.dropped_timeout Status.Timeout
      | exception exn ->
          if not ticket.entered then Atomic.incr room.dropped_timeout;
          raise exn)

(* Raises for a publisher's message that one subscriber did not get. *)
let refuse counter status =
  Atomic.incr counter;
  Status.fail status
    (match status with
    | Status.Full -> "a mailbox is full; publish slower, or give it more capacity or another policy"
    | _ -> "a mailbox stayed full for its block_timeout; who takes from it is too slow or stuck")

let dropped room =
  Atomic.get room.dropped_oldest + Atomic.get room.dropped_newest + Atomic.get room.dropped_timeout
  + Atomic.get room.dropped_full
  + Atomic.get room.dropped_unsubscribed
  + Atomic.get room.dropped_closed

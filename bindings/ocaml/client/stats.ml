open Mycelium_bridge_protocol

type drops = { oldest : int; newest : int; timeout : int; full : int; unsubscribed : int; closed : int }

type runtime = {
  published : int;
  published_bytes : int;
  refused : int;
  callback_errors : int;
  subscriptions : int;
  requests_pending : int;
}

type subscription = {
  offered : int;
  delivered : int;
  waiting : int;
  capacity : int;
  high_water : int;
  callback_errors : int;
  dropped : drops;
}

type bridge = {
  node : int64;
  neighbours : int;
  reachable : int;
  links_made : int;
  links_cut : int;
  refused : int;
  received : int;
  sent : int;
  sent_again : int;
  acknowledged : int;
  dropped : int;
  lost : int;
  missing : int;
  repeated : int;
  invalid : int;
}

let of_runtime (t : State.t) =
  {
    published = Atomic.get t.published;
    published_bytes = Atomic.get t.published_bytes;
    refused = Atomic.get t.refused_calls;
    callback_errors = Atomic.get t.errors;
    subscriptions = Numbers.fold (fun _ all count -> count + List.length all) (Atomic.get t.subscriptions) 0;
    requests_pending = Atomic.get t.requests_pending;
  }

let of_subscription ({ room; offered; delivered; errors; _ } : Mailroom.subscription) =
  {
    offered = Atomic.get offered;
    delivered = Atomic.get delivered;
    waiting = Atomic.get room.waiting;
    capacity = room.capacity;
    high_water = Atomic.get room.high_water;
    callback_errors = Atomic.get errors;
    dropped =
      {
        oldest = Atomic.get room.dropped_oldest;
        newest = Atomic.get room.dropped_newest;
        timeout = Atomic.get room.dropped_timeout;
        full = Atomic.get room.dropped_full;
        unsubscribed = Atomic.get room.dropped_unsubscribed;
        closed = Atomic.get room.dropped_closed;
      };
  }

(* On the event thread, or when that has ended. *)
let of_bridge (bridge : State.bridge) =
  let of_outbox get = match bridge.neighbour with Some { outbox; _ } -> get outbox | None -> 0 in
  {
    node = bridge.self;
    neighbours = (if Option.is_some (Leaf.up bridge) then 1 else 0);
    reachable = Network.Ids.cardinal (Network.reachable bridge.network) - 1;
    links_made = bridge.links_made;
    links_cut = bridge.links_cut;
    refused = bridge.refused;
    received = bridge.received;
    sent = bridge.sent_before + of_outbox (fun outbox -> outbox.sent);
    sent_again = bridge.sent_again_before + of_outbox (fun outbox -> outbox.sent_again);
    acknowledged = bridge.acknowledged_before + of_outbox (fun outbox -> outbox.acknowledged);
    dropped = bridge.dropped_before + of_outbox Outbox.dropped;
    lost = bridge.lost_before + of_outbox (fun outbox -> outbox.lost);
    missing = bridge.missing;
    repeated = bridge.repeated;
    invalid = bridge.invalid;
  }

type drops = { oldest : int; newest : int; timeout : int; full : int; unsubscribed : int; closed : int }

type runtime = {
  published : int;
  published_bytes : int;
  refused : int;
  offered : int;
  delivered : int;
  waiting : int;
  callback_errors : int;
  restarts : int;
  subscriptions : int;
  queues : int;
  requests_pending : int;
  threads : int;
  dropped : drops;
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

let drops counters first =
  let at i = counters.(first + i) in
  { oldest = at 0; newest = at 1; timeout = at 2; full = at 3; unsubscribed = at 4; closed = at 5 }

let of_runtime (bus : Bus.t) : runtime =
  let c = Native.stats bus.native in
  {
    published = c.(0);
    published_bytes = c.(1);
    refused = c.(2);
    offered = c.(3);
    delivered = c.(4);
    waiting = c.(5);
    callback_errors = c.(6) + Atomic.get bus.errors;
    restarts = c.(7);
    subscriptions = c.(8);
    queues = c.(9);
    requests_pending = c.(10);
    threads = c.(11);
    dropped = drops c 12;
  }

let of_subscription (bus : Bus.t) id errors : subscription =
  let c = Native.subscription_stats bus.native id in
  {
    offered = c.(0);
    delivered = c.(1);
    waiting = c.(2);
    capacity = c.(3);
    high_water = c.(4);
    callback_errors = c.(5) + errors;
    dropped = drops c 6;
  }

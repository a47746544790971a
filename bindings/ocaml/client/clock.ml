(* Time that only goes forward, and only as fast as it passes: the standard library has no monotonic clock, and the
   clock on the wall may be set, or the process be stopped, at any moment. Of a jump counts no more than a second. *)

type t = { mutable wall : float; mutable now : float }

let create () = { wall = Unix.gettimeofday (); now = 0. }
let now clock = clock.now

(* Called after a wait that was to last so many seconds at most. *)
let advance clock ~waited =
  let wall = Unix.gettimeofday () in
  let passed = wall -. clock.wall in
  clock.wall <- wall;
  clock.now <- clock.now +. Float.max 0. (Float.min passed (waited +. 1.))

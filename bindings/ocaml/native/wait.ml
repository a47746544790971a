(* Waiting in slices, between which signals are handled: Ctrl-C ends every wait within one of them. *)

let slice_ns = 50_000_000

type deadline = float option (* seconds, as Unix.gettimeofday counts; None: never *)

let deadline seconds : deadline = Option.map (fun seconds -> Unix.gettimeofday () +. seconds) seconds
let is_over (deadline : deadline) = match deadline with None -> false | Some at -> Unix.gettimeofday () >= at

let nanoseconds seconds =
  if not (seconds >= 0.) then invalid_arg "Mycelium_native: a time is a number of seconds, 0 or more";
  if seconds < 4e9 then int_of_float (seconds *. 1e9) else Native.forever

let left_ns (deadline : deadline) =
  match deadline with None -> Native.forever | Some at -> nanoseconds (Float.max 0. (at -. Unix.gettimeofday ()))

let slice_of deadline = min slice_ns (left_ns deadline)

(* Calls [wait nanoseconds], which gives a status and may be repeated after a timeout, until it gives another one. *)
let rec in_slices deadline wait =
  let status = wait (slice_of deadline) in
  Native.handle_signals ();
  if status = Status.timeout && not (is_over deadline) then in_slices deadline wait else status

(* Until the condition holds; it changes when the turnstile turns. False if the time is over. *)
let rec until turnstile deadline condition =
  let seen = Native.turnstile_turns turnstile in
  if condition () then true
  else if is_over deadline then false
  else begin
    Native.turnstile_wait turnstile seen;
    Native.handle_signals ();
    until turnstile deadline condition
  end

let rec errand e =
  let finished = Native.errand_wait e in
  Native.handle_signals ();
  if finished then Native.errand_result e else errand e

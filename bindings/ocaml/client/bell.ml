(* Waiting that signals may interrupt, with a time limit: conditions of OCaml have neither. Who waits reads from a
   socket pair of its own in slices, between which OCaml runs the handlers of signals; who has changed something rings.

   Not select: a program with more than 1024 open files could not wait at all. *)

let slice = 0.05

type t = { reader : Unix.file_descr; writer : Unix.file_descr; process : int; mutable patience : float }

let create () =
  let reader, writer = Unix.socketpair ~cloexec:true Unix.PF_UNIX Unix.SOCK_STREAM 0 in
  Unix.set_nonblock writer;
  { reader; writer; process = Unix.getpid (); patience = 0. }

(* Never blocks: whoever has a full socket has been rung for. *)
let ring bell = try ignore (Unix.single_write_substring bell.writer "!" 0 1) with Unix.Unix_error _ -> ()

(* Until it rings, for so many seconds or a slice at most. Earlier rings count, so that a wait may end for nothing. *)
let wait bell seconds =
  let patience = Float.max 0.001 (Float.min slice seconds) in
  if patience <> bell.patience then begin
    Unix.setsockopt_float bell.reader Unix.SO_RCVTIMEO patience;
    bell.patience <- patience
  end;
  let rings = Bytes.create 64 in
  try ignore (Unix.read bell.reader rings 0 (Bytes.length rings))
  with Unix.Unix_error ((EAGAIN | EWOULDBLOCK | EINTR), _, _) -> ()

(* ---- bells that are not in use ---- *)

let rec update atomic change =
  let before = Atomic.get atomic in
  if not (Atomic.compare_and_set atomic before (change before)) then update atomic change

let spare : t list Atomic.t = Atomic.make []

(* After a fork those of the parent are left to it. *)
let rec take () =
  match Atomic.get spare with
  | [] -> create ()
  | bell :: rest as all ->
      if not (Atomic.compare_and_set spare all rest) then take ()
      else if bell.process = Unix.getpid () then bell
      else take ()

let give_back bell = update spare (fun all -> bell :: all)

(* ---- those who wait for a change ---- *)

type waiters = t list Atomic.t

let nobody () : waiters = Atomic.make []
let ring_all (waiters : waiters) = match Atomic.get waiters with [] -> () | all -> List.iter ring all

(* For who looks at the process from outside. The kernel lets a thread write its own name there. *)
let name_thread name =
  try
    let file = open_out "/proc/thread-self/comm" in
    Fun.protect ~finally:(fun () -> close_out_noerr file) (fun () -> output_string file name)
  with Sys_error _ -> ()

let seconds what value =
  if not (value >= 0.) then invalid_arg (Printf.sprintf "Mycelium_client: %s is a number of seconds, 0 or more" what);
  value

(* How much of a wait has passed. The clock may be set meanwhile: then it passed for as long as a wait takes. *)
let passed since = Float.max 0. (Float.min (Unix.gettimeofday () -. since) 1.)

(* Until the condition holds; whoever changes what it looks at calls [ring_all]. False: the time is over. *)
let until ?(timeout = infinity) (waiters : waiters) condition =
  condition ()
  || timeout > 0.
     &&
     let bell = take () in
     let rec go left =
       if condition () then true
       else if left <= 0. then false
       else begin
         let since = Unix.gettimeofday () in
         wait bell left;
         go (left -. passed since)
       end
     in
     let leave () =
       update waiters (List.filter (fun each -> each != bell));
       give_back bell
     in
     Fun.protect ~finally:leave (fun () ->
         update waiters (fun all -> bell :: all);
         go timeout)

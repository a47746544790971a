(* One thread per runtime runs its handlers: it waits at the runtime's queue with OCaml's runtime lock released, and
   takes that once per batch of messages. *)

open Bus

(* Deliveries of one subscription that follow each other. *)
let deliver_run bus batch slot first last =
  match find bus slot with
  | Some entry when not entry.closed ->
      entry.running <- true;
      (try entry.deliver entry batch first last with exn -> report bus entry exn (Printexc.get_raw_backtrace ()));
      entry.running <- false;
      Native.turnstile_turn bus.turnstile
  | _ -> ()

let rec deliver bus batch first count =
  if first < count then begin
    let slot = Native.batch_slot batch first in
    let is_message i = Native.batch_kind batch i = Native.delivery_message in
    let last = ref (first + 1) in
    if is_message first then begin
      while !last < count && is_message !last && Native.batch_slot batch !last = slot do
        incr last
      done;
      deliver_run bus batch slot first !last
    end
    else if Native.batch_kind batch first = Native.delivery_complete then remove bus slot;
    deliver bus batch !last count
  end

(* Subscriptions whose handles nobody holds any more. *)
let close_dropped bus =
  List.iter
    (fun (entry : entry) ->
      if not entry.closed then begin
        entry.closed <- true;
        ignore (Native.unsubscribe bus.native entry.id)
      end)
    (Atomic.exchange bus.dropped [])

let rec serve bus batch =
  bus.rounds <- bus.rounds + 1;
  Native.turnstile_turn bus.turnstile;
  let count = Native.receive bus.native bus.queue batch Native.forever in
  (try
     deliver bus batch 0 count;
     close_dropped bus;
     pass_log bus
   with exn -> tell bus "dispatcher" exn (Printexc.get_raw_backtrace ()));
  if count >= 0 || count = Status.timeout then serve bus batch

(* They are for the program's own threads. Not those that a fault raises, nor the one by which OCaml's threads take
   turns. *)
let signals =
  Sys.
    [
      sighup; sigint; sigquit; sigterm; sigusr1; sigusr2; sigalrm; sigprof; sigchld; sigcont; sigtstp; sigttin; sigttou;
      sigpoll; sigurg; sigxcpu; sigxfsz;
    ] [@ocamlformat "disable"]

let run bus =
  let batch = Native.batch_create () in
  (* Finds nothing, and tells the bus which thread serves the queue: close then waits until it is empty, and publishing
     from this thread into a full mailbox of the queue fails, in place of waiting for itself. *)
  ignore (Native.receive bus.native bus.queue batch 0);
  serve bus batch;
  with_lock bus (fun () -> Array.iter (Option.iter (fun (entry : entry) -> entry.closed <- true)) bus.entries);
  bus.dispatching <- false;
  Native.turnstile_turn bus.turnstile

let is_here bus =
  match bus.dispatcher with Some thread -> Thread.id thread = Thread.id (Thread.self ()) | None -> false

(* Opens the queue and starts the thread, with the first subscription. *)
let start bus =
  check_open bus;
  with_lock bus (fun () ->
      if bus.dispatcher = None then begin
        let queue = Native.queue_open bus.native in
        bus.queue <- queue;
        Native.queue_for_log bus.native queue;
        bus.dispatching <- true;
        (* The new thread inherits the mask. *)
        let mask = Thread.sigmask Unix.SIG_BLOCK signals in
        bus.dispatcher <- Some (Thread.create run bus);
        ignore (Thread.sigmask Unix.SIG_SETMASK mask);
        ignore (Wait.until bus.turnstile None (fun () -> bus.rounds > 0))
      end)

(* Waits until handlers have returned from all that the dispatcher had taken from the queue by now. False if the time is
   over. *)
let wait_for_round bus deadline =
  let before = bus.rounds in
  ignore (Native.queue_wake bus.native bus.queue);
  Wait.until bus.turnstile deadline (fun () -> bus.rounds <> before || not bus.dispatching)

(* Asks the dispatcher to look at what was dropped. Called by finalisers: takes no lock. *)
let drop bus entry =
  let rec push () =
    let all = Atomic.get bus.dropped in
    if not (Atomic.compare_and_set bus.dropped all (entry :: all)) then push ()
  in
  push ();
  ignore (Native.queue_wake bus.native bus.queue)

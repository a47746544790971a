(* What the parts of this library know of a runtime. *)

type entry = {
  name : string;
  deliver : entry -> Native.batch -> int -> int -> unit; (* the deliveries from the first up to before the last *)
  mutable id : int; (* 0 until the bus has given it one *)
  mutable closed : bool;
  mutable running : bool;
  mutable errors : int;
}

(* A queue of its own, which the program reads itself. *)
type source = {
  queue : int;
  mutable ended : bool;
  mutable reader : int; (* the thread that read last; -1: none *)
}

type t = {
  native : Native.bus;
  name : string;
  close_timeout : float;
  process : int;
  on_error : string -> exn -> Printexc.raw_backtrace -> unit;
  on_log : (Level.t -> string -> unit) option;
  sources : source Places.t;
  mutex : Mutex.t; (* for the four that follow *)
  mutable entries : entry option array; (* the slot is what the bus says of a delivery *)
  mutable free : int list;
  mutable dispatcher : Thread.t option;
  mutable queue : int; (* 0: none yet *)
  turnstile : Native.turnstile; (* turns when handlers have returned, after each round, and when the dispatcher ends *)
  dropped : entry list Atomic.t; (* collected by the GC, not yet closed *)
  errors : int Atomic.t;
  mutable closed : bool;
  mutable dispatching : bool; (* its dispatcher has not ended *)
  mutable rounds : int; (* times that its dispatcher has finished with all that it had taken *)
}

let with_lock bus work = Places.with_lock bus.mutex work

let create native ~name ~close_timeout ~on_error ~on_log =
  {
    native;
    name;
    close_timeout;
    process = Unix.getpid ();
    on_error;
    on_log;
    mutex = Mutex.create ();
    sources = Places.create ();
    entries = Array.make 8 None;
    free = [ 0; 1; 2; 3; 4; 5; 6; 7 ];
    dispatcher = None;
    queue = 0;
    turnstile = Native.turnstile_create ();
    dropped = Atomic.make [];
    errors = Atomic.make 0;
    closed = false;
    dispatching = false;
    rounds = 0;
  }

let check_open bus =
  if bus.closed then
    if bus.process <> Unix.getpid () then Status.fail Status.Forked "the runtime belongs to the parent process"
    else Status.fail Status.Closed "the runtime is closed; create a new one"

(* A place for an entry; its slot. *)
let add bus entry =
  with_lock bus (fun () ->
      if bus.free = [] then begin
        let size = Array.length bus.entries in
        bus.entries <- Array.append bus.entries (Array.make size None);
        bus.free <- List.init size (fun i -> size + i)
      end;
      let slot = List.hd bus.free in
      bus.free <- List.tl bus.free;
      bus.entries.(slot) <- Some entry;
      slot)

let find bus slot = with_lock bus (fun () -> bus.entries.(slot))

let remove bus slot =
  with_lock bus (fun () ->
      Option.iter (fun (entry : entry) -> entry.closed <- true) bus.entries.(slot);
      bus.entries.(slot) <- None;
      bus.free <- slot :: bus.free)

let close_source bus source =
  if not source.ended then begin
    source.ended <- true;
    ignore (Native.queue_close bus.native source.queue)
  end

(* Close would wait until this thread, which is closing, has read what is left. *)
let close_own_sources bus =
  let own = Thread.id (Thread.self ()) in
  List.iter (fun source -> if source.reader = own then close_source bus source) (Places.list bus.sources)

let tell bus what exn backtrace = try bus.on_error what exn backtrace with _ -> ()

(* An exception of a handler, or of what it passed on: told and counted, never lost. *)
let report bus (entry : entry) exn backtrace =
  entry.errors <- entry.errors + 1;
  Atomic.incr bus.errors;
  tell bus entry.name exn backtrace

let pass_log bus =
  match bus.on_log with
  | None -> ()
  | Some log ->
      List.iter
        (fun (level, text) ->
          try log (Level.of_int level) text with exn -> tell bus "log" exn (Printexc.get_raw_backtrace ()))
        (Native.take_log bus.native)

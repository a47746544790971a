(* Gathers what handlers get, and lets a test wait for it. A wait that is in vain ends with the test's time limit. *)

open Mycelium_client

type 'a t = { mutex : Mutex.t; moved : Condition.t; mutable reversed : 'a list }

let create () = { mutex = Mutex.create (); moved = Condition.create (); reversed = [] }

let add t value =
  Mutex.lock t.mutex;
  t.reversed <- value :: t.reversed;
  Condition.broadcast t.moved;
  Mutex.unlock t.mutex

let items t = List.rev t.reversed

let wait t wanted =
  Mutex.lock t.mutex;
  while List.length t.reversed < wanted do
    Condition.wait t.moved t.mutex
  done;
  Mutex.unlock t.mutex;
  items t

(* A gate that is closed until someone opens it. *)
let pass t = ignore (wait t 1)
let open_gate t = add t ()

(* Yields until it is so. *)
let rec until condition =
  if not (condition ()) then begin
    Thread.yield ();
    until condition
  end

let raises status name work =
  match work () with
  | _ -> Alcotest.failf "%s: nothing was raised" name
  | exception Bus_error (found, text) ->
      if found <> status then
        Alcotest.failf "%s: %s in place of %s (%s)" name (Status.to_string found) (Status.to_string status) text;
      text

let contains text part =
  let length = String.length part in
  let rec at i = i + length <= String.length text && (String.sub text i length = part || at (i + 1)) in
  at 0

let check_contains text part = if not (contains text part) then Alcotest.failf "%S does not tell %S" text part
let text content : Mycelium_protocol.TextMessage.t = { sender = ""; content; timestamp = 0L }
let number value : Mycelium_protocol.CounterUpdate.t = { counter_id = 1L; value; delta = 0 }
let test name work = Alcotest.test_case name `Quick work

(* A folder for sockets, for the time of a test. *)
let with_folder work =
  let path = Filename.temp_file "myc" "" in
  Sys.remove path;
  Unix.mkdir path 0o700;
  Fun.protect
    ~finally:(fun () ->
      Array.iter (fun name -> Sys.remove (Filename.concat path name)) (Sys.readdir path);
      Unix.rmdir path)
    (fun () -> work path)

let with_runtime ?mailbox_capacity ?policy ?block_timeout ?close_timeout ?types ?on_error ?on_log work =
  let runtime =
    Runtime.create ?mailbox_capacity ?policy ?block_timeout ?close_timeout ?types ?on_error ?on_log
      Mycelium_protocol.schema_digest
  in
  Fun.protect (fun () -> work runtime) ~finally:(fun () -> Runtime.close runtime)

(* Two that are linked. *)
let with_two ?(config = Bridge.default) ?address work =
  with_folder (fun folder ->
      let address = Option.value address ~default:("unix:" ^ folder ^ "/bus") in
      with_runtime (fun one ->
          with_runtime (fun other ->
              Bridge.open_ one config;
              Bridge.open_ other config;
              Bridge.dial other (Bridge.listen one address);
              Bridge.wait_for_links ~timeout:20. one 1;
              Bridge.wait_for_links ~timeout:20. other 1;
              work one other)))

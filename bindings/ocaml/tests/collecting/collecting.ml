(* Gathers what handlers get, and lets a test wait for it. A wait that is in vain ends with the test's time limit. *)

open Mycelium_native

type 'a t = { mutex : Mutex.t; moved : Condition.t; mutable reversed : 'a list }

let create () = { mutex = Mutex.create (); moved = Condition.create (); reversed = [] }

let add t value =
  Mutex.lock t.mutex;
  t.reversed <- value :: t.reversed;
  Condition.broadcast t.moved;
  Mutex.unlock t.mutex

let count t = List.length t.reversed
let items t = List.rev t.reversed

let wait t wanted =
  Mutex.lock t.mutex;
  while count t < wanted do
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

let ignore_errors _ _ _ = ()

let with_runtime ?threads ?mailbox_capacity ?policy ?block_timeout ?close_timeout ?max_payload ?on_error ?on_log work =
  let runtime =
    Runtime.create ?threads ?mailbox_capacity ?policy ?block_timeout ?close_timeout ?max_payload ?on_error ?on_log
      Mycelium_protocol.schema_digest
  in
  Fun.protect (fun () -> work runtime) ~finally:(fun () -> Runtime.close runtime)

(* What fails says with which status. *)
let raises status name work =
  match work () with
  | _ -> Alcotest.failf "%s: nothing was raised" name
  | exception Bus_error (found, text) ->
      if found <> status then
        Alcotest.failf "%s: %s in place of %s (%s)" name (Status.to_string found) (Status.to_string status) text;
      text

let raises_invalid name work =
  match work () with
  | _ -> Alcotest.failf "%s: nothing was raised" name
  | exception Invalid_argument text -> text

let contains text part =
  let length = String.length part in
  let rec at i = i + length <= String.length text && (String.sub text i length = part || at (i + 1)) in
  at 0

let check_contains text part = if not (contains text part) then Alcotest.failf "%S does not tell %S" text part
let text ?(sender = "") ?(timestamp = 0L) content : Mycelium_protocol.TextMessage.t = { sender; content; timestamp }
let number value : Mycelium_protocol.CounterUpdate.t = { counter_id = 1L; value; delta = 0 }
let test name work = Alcotest.test_case name `Quick work

(* Pages of memory that are in use, and threads, of this process. *)
let resident_pages () =
  let statm = open_in "/proc/self/statm" in
  let line = input_line statm in
  close_in statm;
  int_of_string (List.nth (String.split_on_char ' ' line) 1)

let threads () = Array.length (Sys.readdir "/proc/self/task")

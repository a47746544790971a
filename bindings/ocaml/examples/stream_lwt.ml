(* The same as stream.ml, in an Lwt program. *)

open Mycelium_native
open Mycelium_protocol
open Lwt.Syntax

let publish bus =
  for value = 1 to 1000 do
    Runtime.publish bus CounterUpdate.t { counter_id = 1L; value; delta = 1 }
  done

let main () =
  let bus = Runtime.create schema_digest in
  Mycelium_native_lwt.with_stream bus CounterUpdate.t (fun updates ->
      publish bus;
      let* all = Lwt_stream.nget 1000 updates in
      let last = List.nth all 999 in
      Lwt_io.printlf "%d updates, the last value is %d" (List.length all) last.value)

let () = Lwt_main.run (main ())

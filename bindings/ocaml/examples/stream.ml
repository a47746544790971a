(* Messages that the main thread asks for, in place of a handler. *)

open Mycelium_native
open Mycelium_protocol

let () =
  let bus = Runtime.create schema_digest in
  let updates = Runtime.receiver bus CounterUpdate.t in
  for value = 1 to 1000 do
    Runtime.publish bus CounterUpdate.t { counter_id = 1L; value; delta = 1 }
  done;
  let rec read count last =
    if count = 1000 then Printf.printf "%d updates, the last value is %d\n" count last
    else match Receiver.next updates with Some update -> read (count + 1) update.value | None -> read count last
  in
  read 0 0;
  Runtime.close bus

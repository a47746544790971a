(* A request, as those see it who may answer it. *)

type outcome = Reply of int * string (* type_id and payload *) | Failed of Status.t

type t = {
  settled : bool Atomic.t;
  holders : int Atomic.t; (* who may still answer *)
  respond : outcome -> unit; (* called once, by whoever settles it; must not block *)
}

let create ~holders respond = { settled = Atomic.make false; holders = Atomic.make holders; respond }

(* True for the first who does. *)
let settle question outcome =
  let first = Atomic.compare_and_set question.settled false true in
  if first then question.respond outcome;
  first

(* One of the holders will not answer. *)
let let_go question =
  if Atomic.fetch_and_add question.holders (-1) = 1 then ignore (settle question (Failed Status.No_reply))

(* Nobody asks any more. *)
let withdraw question = Atomic.compare_and_set question.settled false true
let is_settled question = Atomic.get question.settled

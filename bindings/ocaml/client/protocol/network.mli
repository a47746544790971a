(** What a leaf knows of the nodes: who is linked with whom, and who wants which types. It has one neighbour, to which
    goes all that anybody else wants. What strangers tell takes a bounded amount of memory. *)

module Ids : Set.S with type elt = int64
module Types : Set.S with type elt = int

val max_nodes : int
val max_known : int
(** Neighbours and types in what all nodes have said, together. *)

type t

val create : int64 -> string -> t
(** Of a node with this id and name. *)

val self : t -> Wire.node_state

val states : t -> Wire.node_state list
(** Of all nodes that are known, this one too: what a new neighbour is told. *)

val say : t -> ?neighbours:int64 list -> ?wants:int list -> unit -> bool
(** A new version of what this node says of itself; false if nothing has changed. *)

val learn : t -> Wire.node_state -> bool
(** What another node says; false if it is not news, or there is no room. A node that is gone is kept, since it may only
    be cut off for a while, until its room is needed. *)

val reachable : t -> Ids.t
(** Over links that both ends name; this node included. *)

val wanted : t -> Types.t
(** The types that somebody else wants who can be reached; be it over a link that was cut, and whose ends keep what is
    published for each other until it is back. *)

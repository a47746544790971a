(* What this node knows of the others: who is linked with whom, and who wants which types. It is a leaf: all that
   anybody else wants goes to its one neighbour. A node that is cut off is wanted for, while somebody keeps what is for
   it: absent. *)

module Ids = Set.Make (Int64)
module Types = Set.Make (Int)

let max_nodes = 1024
let max_known = 1 lsl 20 (* neighbours and types of all nodes *)

type node = { state : Wire.node_state; neighbours : Ids.t; absent : Ids.t; wants : Types.t }
type t = { self : int64; nodes : (int64, node) Hashtbl.t; mutable known : int (* neighbours and types *) }

let size_of ({ neighbours; absent; wants; carries; _ } : Wire.node_state) =
  List.length neighbours + List.length absent + List.length wants + List.length carries

let size_known t id =
  match Hashtbl.find_opt t.nodes id with Some node -> size_of node.state | None -> 0

let set t (state : Wire.node_state) =
  let node =
    {
      state;
      neighbours = Ids.of_list state.neighbours;
      absent = Ids.of_list state.absent;
      wants = Types.of_list state.wants;
    }
  in
  t.known <- t.known + size_of state - size_known t state.id;
  Hashtbl.replace t.nodes state.id node

let create self name =
  let t = { self; nodes = Hashtbl.create 16; known = 0 } in
  set t { id = self; version = 1L; name; neighbours = []; wants = []; carries = []; absent = [] };
  t

let self t = (Hashtbl.find t.nodes t.self).state
let states t = List.map (fun node -> node.state) (List.of_seq (Hashtbl.to_seq_values t.nodes))

(* A new version of what this node says of itself; false if nothing has changed. *)
let say t ?neighbours ?wants () =
  let before = self t in
  let now =
    {
      before with
      neighbours = Option.value neighbours ~default:before.neighbours;
      wants = Option.value wants ~default:before.wants;
    }
  in
  let is_news = now <> before in
  if is_news then set t { now with version = Int64.succ before.version };
  is_news

let names node ~or_absent = if or_absent then Ids.union node.neighbours node.absent else node.neighbours

(* This node included. Both ends have to name a link: who has died still stands in what others have heard of it. But our
   neighbour has agreed to the link, whatever it has said so far. *)
let visit_all t ~or_absent =
  let names_back id other =
    match Hashtbl.find_opt t.nodes other with
    | Some node -> id = t.self || Ids.mem id (names node ~or_absent)
    | None -> false
  in
  let rec visit id seen =
    if Ids.mem id seen then seen
    else
      match Hashtbl.find_opt t.nodes id with
      | None -> seen
      | Some node -> Ids.fold visit (Ids.filter (names_back id) (names node ~or_absent)) (Ids.add id seen)
  in
  visit t.self Ids.empty

let reachable t = visit_all t ~or_absent:false

(* Those too that are cut off, and for whom somebody keeps what is published. *)
let reachable_or_kept t = visit_all t ~or_absent:true

(* A node that is gone is kept, since it may only be cut off for a while; until the room is needed. *)
let make_room t =
  let living = reachable_or_kept t in
  Hashtbl.filter_map_inplace (fun id node -> if Ids.mem id living then Some node else None) t.nodes;
  t.known <- Hashtbl.fold (fun _ node sum -> sum + size_of node.state) t.nodes 0

(* What another node says; false if it is not news, or there is no room. *)
let learn t (state : Wire.node_state) =
  let is_newer () =
    match Hashtbl.find_opt t.nodes state.id with
    | Some known -> Int64.unsigned_compare state.version known.state.version > 0
    | None -> true
  in
  let has_room () =
    (Hashtbl.mem t.nodes state.id || Hashtbl.length t.nodes < max_nodes)
    && t.known + size_of state - size_known t state.id <= max_known
  in
  let fits () =
    has_room ()
    ||
    (make_room t;
     has_room ())
  in
  let is_news =
    state.id <> 0L && state.id <> t.self
    && List.length state.neighbours + List.length state.absent <= max_nodes
    && is_newer () && fits ()
  in
  if is_news then set t state;
  is_news

(* The types that somebody else wants. *)
let wanted t =
  let add id types = if id = t.self then types else Types.union types (Hashtbl.find t.nodes id).wants in
  Ids.fold add (reachable_or_kept t) Types.empty

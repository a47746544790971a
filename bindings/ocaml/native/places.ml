(* Things that are remembered as long as someone else holds them. *)

type 'a t = { mutable all : 'a Weak.t }

let create () = { all = Weak.create 4 }

let add t value =
  let size = Weak.length t.all in
  let rec free i = if i = size || not (Weak.check t.all i) then i else free (i + 1) in
  let place = free 0 in
  if place = size then begin
    let larger = Weak.create (2 * size) in
    Weak.blit t.all 0 larger 0 size;
    t.all <- larger
  end;
  Weak.set t.all place (Some value)

let list t = List.filter_map (Weak.get t.all) (List.init (Weak.length t.all) Fun.id)

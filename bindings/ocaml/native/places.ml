(* Things that are remembered as long as someone else holds them. Any thread may use them. *)

type 'a t = { mutex : Mutex.t; mutable all : 'a Weak.t }

let create () = { mutex = Mutex.create (); all = Weak.create 4 }

(* Nothing stands between the lock and the handler that a signal's handler could interrupt: it may raise. *)
let with_lock mutex work =
  Mutex.lock mutex;
  match work () with
  | result ->
      Mutex.unlock mutex;
      result
  | exception exn ->
      Mutex.unlock mutex;
      raise exn

let add t value =
  with_lock t.mutex (fun () ->
      let size = Weak.length t.all in
      let rec free i = if i = size || not (Weak.check t.all i) then i else free (i + 1) in
      let place = free 0 in
      if place = size then begin
        let larger = Weak.create (2 * size) in
        Weak.blit t.all 0 larger 0 size;
        t.all <- larger
      end;
      Weak.set t.all place (Some value))

let list t =
  with_lock t.mutex (fun () -> List.filter_map (Weak.get t.all) (List.init (Weak.length t.all) Fun.id))

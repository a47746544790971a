type 'a t = {
  bus : Bus.t;
  queue : int;
  id : int;
  batch : Native.batch;
  decode : int -> 'a;
  mutable next : int; (* in the batch *)
  mutable count : int;
  mutable ended : bool;
  mutable busy : bool;
}

let close_queue (t : 'a t) =
  if not t.ended then begin
    t.ended <- true;
    ignore (Native.queue_close t.bus.native t.queue)
  end

let create ?name ?policy ?capacity ?history ?block_timeout (bus : Bus.t) type_id decode_with =
  Bus.check_open bus;
  let queue = Native.queue_open bus.native in
  let batch = Native.batch_create () in
  match
    Native.subscribe bus.native
      (Subscription.options ?name ?policy ?capacity ?history ?block_timeout ~queue ~slot:0 type_id)
  with
  | id ->
      let t = { bus; queue; id; batch; decode = decode_with batch; next = 0; count = 0; ended = false; busy = false } in
      Gc.finalise close_queue t;
      t
  | exception exn ->
      ignore (Native.queue_close bus.native queue);
      raise exn

let alone t work =
  if t.busy then invalid_arg "Mycelium_native.Receiver: another thread is receiving";
  t.busy <- true;
  Fun.protect work ~finally:(fun () -> t.busy <- false)

(* Takes what has come into the batch, waiting for it if asked; false if there is nothing. *)
let rec fill t deadline =
  if t.next < t.count then true
  else if t.ended then false
  else begin
    t.next <- 0;
    t.count <- 0;
    let count = Native.receive t.bus.native t.queue t.batch (Wait.slice_of deadline) in
    t.count <- max 0 count;
    Native.handle_signals ();
    if count < 0 && count <> Status.timeout then close_queue t;
    if t.count > 0 then true
    else if Wait.is_over deadline && (count < 0 || Wait.slice_of deadline = 0) then false
    else fill t deadline
  end

(* The next message of the batch; None where the subscription's end stands. A message that is malformed raises. *)
let take t =
  let i = t.next in
  t.next <- i + 1;
  if Native.batch_kind t.batch i = Native.delivery_message then Some (t.decode i)
  else begin
    t.ended <- true;
    ignore (Native.queue_close t.bus.native t.queue);
    None
  end

let next ?timeout t =
  let deadline = Wait.deadline timeout in
  let rec go () = if not (fill t deadline) then None else match take t with Some _ as value -> value | None -> go () in
  alone t go

let next_batch ?timeout t =
  alone t (fun () ->
      if not (fill t (Wait.deadline timeout)) then [||]
      else begin
        let values = ref [] in
        while t.next < t.count do
          match take t with Some value -> values := value :: !values | None -> ()
        done;
        Array.of_list (List.rev !values)
      end)

let fd t = Native.queue_fd t.bus.native t.queue
let is_ended t = t.ended && t.next >= t.count
let stats t = Stats.of_subscription t.bus t.id 0

let close t =
  close_queue t

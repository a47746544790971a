type 'a t = {
  bus : Bus.t;
  source : Bus.source;
  id : int;
  batch : Native.batch;
  decode : int -> 'a;
  mutable next : int; (* in the batch *)
  mutable count : int;
  mutable failed : (exn * Printexc.raw_backtrace) option; (* for the next call: this one had values to give *)
  mutable busy : bool;
}

let close t = Bus.close_source t.bus t.source

let create ?name ?policy ?capacity ?history ?block_timeout (bus : Bus.t) type_id decode_with =
  Bus.check_open bus;
  let queue = Native.queue_open bus.native in
  let source : Bus.source = { queue; ended = false; reader = -1 } in
  let batch = Native.batch_create () in
  match
    Native.subscribe bus.native
      (Subscription.options ?name ?policy ?capacity ?history ?block_timeout ~queue ~slot:0 type_id)
  with
  | id ->
      let decode = decode_with batch in
      let t = { bus; source; id; batch; decode; next = 0; count = 0; failed = None; busy = false } in
      Places.add bus.sources source;
      Gc.finalise close t;
      t
  | exception exn ->
      Bus.close_source bus source;
      raise exn

let alone t work =
  if t.busy then invalid_arg "Mycelium_native.Receiver: another thread is receiving";
  t.busy <- true;
  Fun.protect work ~finally:(fun () -> t.busy <- false)

(* Takes what has come into the batch, waiting for it if asked; false if there is nothing. *)
let rec fill t deadline =
  if t.next < t.count then true
  else if t.source.ended then false
  else begin
    t.next <- 0;
    t.count <- 0;
    t.source.reader <- Thread.id (Thread.self ());
    let slice = Wait.slice_of deadline in
    let count = Native.receive t.bus.native t.source.queue t.batch slice in
    t.count <- max 0 count;
    Native.handle_signals ();
    if count < 0 && count <> Status.timeout then close t;
    if t.count > 0 then true else if slice = 0 || Wait.is_over deadline then false else fill t deadline
  end

(* The next value of the batch; None where the subscription's end stands. *)
let take t =
  let i = t.next in
  t.next <- i + 1;
  if Native.batch_kind t.batch i = Native.delivery_message then Some (t.decode i)
  else begin
    close t;
    None
  end

let raise_failed t =
  match t.failed with
  | None -> ()
  | Some (exn, backtrace) ->
      t.failed <- None;
      Printexc.raise_with_backtrace exn backtrace

let next ?timeout t =
  let deadline = Wait.deadline timeout in
  let rec go () = if not (fill t deadline) then None else match take t with Some _ as value -> value | None -> go () in
  alone t (fun () ->
      raise_failed t;
      go ())

(* Up to the first that is malformed. *)
let rec take_all t values =
  if t.next >= t.count then values
  else
    match take t with
    | Some value -> take_all t (value :: values)
    | None -> values
    | exception exn ->
        t.failed <- Some (exn, Printexc.get_raw_backtrace ());
        values

let next_batch ?timeout t =
  alone t (fun () ->
      raise_failed t;
      if not (fill t (Wait.deadline timeout)) then [||]
      else begin
        let values = take_all t [] in
        if values = [] then raise_failed t;
        Array.of_list (List.rev values)
      end)

let fd t = Native.queue_fd t.bus.native t.source.queue
let is_ended t = t.source.ended && t.next >= t.count && t.failed = None
let stats t = Stats.of_subscription t.bus t.id 0

(* From a delivery to a value. *)

(* What decoding needs: the window is pointed at one message after the other, so that nothing is copied and no Bigarray
   is made for each. *)
type decoder = { batch : Native.batch; window : Native.payload; views : Message.views option }

let decoder batch =
  let views : Message.views =
    object
      method view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t =
        fun kind first count -> Native.batch_view batch kind first count
    end
  in
  { batch; window = Native.window_create (); views = Some views }

let decode_with views blur decoder (descriptor : 'a Message.descriptor) i =
  Native.batch_focus decoder.batch i decoder.window;
  match descriptor#decode views decoder.window with
  | result -> (
      blur decoder.batch i decoder.window;
      match result with Ok value -> value | Error text -> Status.fail Status.Invalid_payload text)
  | exception exn ->
      blur decoder.batch i decoder.window;
      raise exn

(* The value of a delivery, whose message is released; what is a view of it keeps it. *)
let decode decoder descriptor i = decode_with decoder.views Native.batch_blur decoder descriptor i

(* The same, but that the batch keeps the message, which counts as delivered when it is released. *)
let decode_kept decoder descriptor i = decode_with decoder.views Native.batch_unfocus decoder descriptor i

(* The value of a delivery that has to be answered: nothing but the batch keeps its message, so that the requester
   learns at once when it is let go. *)
let decode_copy decoder descriptor i = decode_with None Native.batch_unfocus decoder descriptor i

(* How a subscription handles its deliveries; each failure is reported, and the next message comes as usual. *)

let guarded bus (entry : Bus.entry) work i =
  if not entry.closed then
    try work i with exn -> Bus.report bus entry exn (Printexc.get_raw_backtrace ())

let each bus work (entry : Bus.entry) (_ : Native.batch) first last =
  for i = first to last - 1 do
    guarded bus entry work i
  done

(* A dispatcher has one batch, and a subscription so one decoder. *)
let once make =
  let made = ref None in
  fun batch ->
    match !made with
    | Some (of_batch, decoder) when of_batch == batch -> decoder
    | _ ->
        let decoder = make batch in
        made := Some (batch, decoder);
        decoder

let values bus descriptor handler =
  let decoder_of = once decoder in
  fun entry batch first last ->
    let decoder = decoder_of batch in
    each bus
      (fun i ->
        match handler (decode_kept decoder descriptor i) with
        | () -> Native.batch_release batch i
        | exception exn ->
            let backtrace = Printexc.get_raw_backtrace () in
            Native.batch_release batch i;
            Printexc.raise_with_backtrace exn backtrace)
      entry batch first last

let batches bus descriptor handler =
  let decoder_of = once decoder in
  fun (entry : Bus.entry) batch first last ->
    let decoder = decoder_of batch in
    let decoded = ref [] in
    each bus (fun i -> decoded := decode_kept decoder descriptor i :: !decoded) entry batch first last;
    let release () =
      for i = first to last - 1 do
        Native.batch_release batch i
      done
    in
    Fun.protect ~finally:release (fun () ->
        if !decoded <> [] && not entry.closed then handler (Array.of_list (List.rev !decoded)))

let messages bus handler entry batch first last =
  each bus (fun i -> handler (Native.batch_take batch i)) entry batch first last

let message_batches (_ : Bus.t) handler (_ : Bus.entry) batch first last =
  handler (Array.init (last - first) (fun i -> Native.batch_take batch (first + i)))

(* Answers requests. When the handler raises, the request goes unanswered, and another server's turn comes; the
   requester may have given up meanwhile, which is no fault of anyone's. *)
let answers (bus : Bus.t) descriptor (reply : 'b Message.descriptor) handler =
  let decoder_of = once decoder in
  let answer decoder i =
    let request = decode_copy decoder descriptor i in
    let answer = reply#encode (handler request) in
    let message = Native.batch_take decoder.batch i in
    let status = Native.reply bus.native message reply#type_id answer in
    Native.message_release message;
    if status <> Status.subscription then Status.check status
  in
  fun entry batch first last ->
    let decoder = decoder_of batch in
    each bus
      (fun i ->
        if Native.batch_is_request batch i then
          Fun.protect (fun () -> answer decoder i) ~finally:(fun () -> Native.batch_release batch i))
      entry batch first last

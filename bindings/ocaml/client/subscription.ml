open State

type policy = Room.policy = Block | Drop_oldest | Drop_newest | Fail
type t = { runtime : State.t; entry : Mailroom.subscription }

(* ---- handling ---- *)

let report t (entry : Mailroom.subscription) exn backtrace =
  Atomic.incr entry.errors;
  State.report t entry.name exn backtrace

(* What strangers sent is looked at before anybody reads it; once, however many subscribers it has. *)
let count_invalid t (content : Message.content) why =
  post t (fun () ->
      match t.bridge with
      | None -> ()
      | Some bridge ->
          if bridge.invalid = 0 then
            log t Warning
              (Printf.sprintf "a message of type %d is no valid payload (%s); it was dropped" content.envelope.type_id
                 why);
          bridge.invalid <- bridge.invalid + 1)

(* [use] gets the value; a message that is none goes no further. *)
let with_value t entry descriptor (content : Message.content) use =
  if content.is_valid <> Some false then begin
    match Message.decode_content descriptor content with
    | Ok value -> use value
    | Error why when content.is_foreign -> count_invalid t content why
    | Error why -> report t entry (Status.Bus_error (Invalid_payload, why)) (Printexc.get_callstack 0)
  end

let is_fit t (content : Message.content) =
  match Numbers.find_opt content.envelope.type_id (Atomic.get t.known) with
  | Some (Known descriptor) when content.is_foreign && content.is_valid = None -> (
      match Message.decode_content descriptor content with
      | Ok _ -> true
      | Error why ->
          count_invalid t content why;
          false)
  | _ -> content.is_valid <> Some false

let guarded t (entry : Mailroom.subscription) (content : Message.content) work =
  let gone = match content.question with Some question -> Question.is_settled question | None -> false in
  if not (entry.closed || gone) then
    try work () with exn -> report t entry exn (Printexc.get_raw_backtrace ())

(* A handler of values; a request that it got goes unanswered by it. *)
let values t descriptor handler entry content =
  guarded t entry content (fun () -> with_value t entry descriptor content handler);
  Mailroom.let_go content

(* A handler of messages, which may keep them. *)
let messages t handler entry (content : Message.content) =
  let message = { Message.content; released = false } in
  if Option.is_some content.question then Gc.finalise Message.release message;
  guarded t entry content (fun () -> if is_fit t content then handler message else Message.release message)

let answers t descriptor (reply : 'b Message.descriptor) handler entry (content : Message.content) =
  let answer question request =
    let answer = reply#encode (handler request) in
    ignore (Question.settle question (Reply (reply#type_id, answer)))
  in
  (match content.question with
  | None -> () (* a message that is no request *)
  | Some question -> guarded t entry content (fun () -> with_value t entry descriptor content (answer question)));
  Mailroom.let_go content

(* ---- opening and closing ---- *)

let check_type_id type_id =
  if type_id < 1 || type_id > 0xffff then invalid_arg "Mycelium_client: a type_id is a number from 1 to 65535"

(* On the event thread, as what follows. *)
let add t (entry : Mailroom.subscription) =
  let all = Atomic.get t.subscriptions in
  Atomic.set t.subscriptions (Numbers.add entry.type_id (State.subscribers t entry.type_id @ [ entry ]) all);
  Leaf.update_wants t;
  Bell.ring_all t.changes

let remove t (entry : Mailroom.subscription) =
  let all = Atomic.get t.subscriptions in
  let others = List.filter (fun each -> each != entry) (State.subscribers t entry.type_id) in
  Atomic.set t.subscriptions
    (if others = [] then Numbers.remove entry.type_id all else Numbers.add entry.type_id others all);
  Leaf.update_wants t;
  Mailroom.close_subscription t.mailroom entry

let next_id = Atomic.make 1

let open_entry ?name ?policy ?capacity ?block_timeout t type_id handle =
  check_open t;
  check_type_id type_id;
  let capacity = Option.value capacity ~default:t.mailbox_capacity in
  if capacity < 1 then invalid_arg "Mycelium_client: a capacity is at least 1";
  let policy = Option.value policy ~default:t.policy in
  let block_timeout = Option.value block_timeout ~default:t.block_timeout in
  let entry : Mailroom.subscription =
    {
      id = Atomic.fetch_and_add next_id 1;
      name = Option.value name ~default:(Printf.sprintf "subscription to %d" type_id);
      type_id;
      room = Room.create ~policy ~capacity ~block_timeout;
      mailbox = Queue.create ();
      handle;
      offered = Atomic.make 0;
      delivered = Atomic.make 0;
      errors = Atomic.make 0;
      closed = false;
      running = false;
    }
  in
  (try call t (fun () -> add t entry)
   with exn ->
     post t (fun () -> remove t entry);
     raise exn);
  entry

let close { runtime = t; entry } =
  check_process t;
  if not entry.closed then (try call t (fun () -> remove t entry) with Status.Bus_error (Closed, _) -> ());
  entry.closed <- true;
  Mailroom.wait_for_handler t.mailroom entry

(* A handle that nobody holds any more ends its subscription; a finaliser must not wait. *)
let owned runtime entry =
  let handle = { runtime; entry } in
  let drop _ = if not entry.Mailroom.closed then post runtime (fun () -> remove runtime entry) in
  Gc.finalise drop handle;
  handle

let id { entry; _ } = entry.id
let type_id { entry; _ } = entry.type_id
let is_closed { runtime; entry } = entry.closed || runtime.ended
let stats { entry; _ } = Stats.of_subscription entry

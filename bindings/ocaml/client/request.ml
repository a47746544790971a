(* A request that was sent, and the wait for its reply. *)

open State

type 'a t = {
  runtime : State.t;
  id : int64;
  what : string;
  send : id:int64 -> ask:(holders:int -> Question.t) -> Status.t option; (* what it was refused with *)
  read : int -> string -> 'a;
  asker : Bell.waiters;
  mutable outcome : Question.outcome option;
  mutable question : Question.t option; (* None: not sent yet *)
  mutable refusal : Status.t option;
  is_over : bool Atomic.t; (* it counts no more as pending *)
}

let create t ~what ~read send =
  {
    runtime = t;
    id = Int64.of_int (Atomic.fetch_and_add t.next_id 1);
    what;
    send;
    read;
    asker = Bell.nobody ();
    outcome = None;
    question = None;
    refusal = None;
    is_over = Atomic.make true;
  }

let tell_neighbour { runtime = t; id; _ } =
  post t (fun () -> Option.iter (fun bridge -> Traffic.withdraw bridge id) t.bridge)

let end_ request =
  if Atomic.compare_and_set request.is_over false true then Atomic.decr request.runtime.requests_pending

let respond request outcome =
  request.outcome <- Some outcome;
  end_ request;
  Bell.ring_all request.asker;
  tell_neighbour request

let forget request =
  end_ request;
  match request.question with
  | Some question when Question.withdraw question -> tell_neighbour request
  | _ -> ()

(* A signal's handler may raise wherever memory is allocated: what was begun is taken back. *)
let guarded request work =
  try work ()
  with exn ->
    forget request;
    raise exn

let begin_ request =
  Atomic.set request.is_over false;
  Atomic.incr request.runtime.requests_pending;
  (* One holder more, until everybody has been asked. *)
  let ask ~holders =
    let question = Question.create ~holders:(1 + holders) (respond request) in
    request.question <- Some question;
    question
  in
  request.refusal <- request.send ~id:request.id ~ask;
  Option.iter Question.let_go request.question

let send request =
  guarded request (fun () ->
      begin_ request;
      request)

let failed request timeout status =
  let why =
    match status with
    | Status.Timeout -> Printf.sprintf "no reply within %g s" timeout
    | No_reply -> "nobody serves it, or every server left it unanswered"
    | Closed -> "the runtime was closed before the reply came"
    | status -> Status.to_string status
  in
  Status.fail status (Printf.sprintf "request %s: %s" request.what why)

let wait ?(timeout = 5.) request =
  let t = request.runtime and timeout = Bell.seconds "timeout" timeout in
  check_process t;
  guarded request (fun () ->
      ignore (Bell.until ~timeout request.asker (fun () -> Option.is_some request.outcome || t.ended));
      match (request.outcome, request.refusal) with
      | Some (Question.Reply (type_id, payload)), _ -> request.read type_id payload
      | Some (Failed No_reply), Some status -> Room.refuse t.refused_calls status
      | Some (Failed status), _ -> failed request timeout status
      | None, _ -> failed request timeout (if t.ended then Status.Closed else Timeout))

let send_and_wait ?timeout request =
  guarded request (fun () ->
      begin_ request;
      wait ?timeout request)

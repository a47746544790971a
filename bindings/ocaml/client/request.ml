(* A request that was sent, and the wait for its reply. *)

open State

type 'a t = {
  runtime : State.t;
  what : string;
  question : Question.t;
  outcome : Question.outcome option Atomic.t;
  asker : Bell.waiters;
  refusal : Status.t option; (* a mailbox took it not *)
  forget : unit -> unit;
  read : int -> string -> 'a;
}

(* [send] is given the request's id and how its question is made; it gives the question and what was refused. *)
let start t ~what ~read send =
  let outcome = Atomic.make None and asker = Bell.nobody () in
  let id = Int64.of_int (Atomic.fetch_and_add t.next_id 1) in
  let forget () = post t (fun () -> Option.iter (fun bridge -> Traffic.withdraw bridge id) t.bridge) in
  let respond result =
    Atomic.set outcome (Some result);
    Atomic.decr t.requests_pending;
    Bell.ring_all asker;
    forget ()
  in
  (* One holder more, until everybody has been asked. *)
  let made = ref None in
  let make ~holders =
    let question = Question.create ~holders:(1 + holders) respond in
    made := Some question;
    question
  in
  let refusal = send ~id ~question:make in
  let question = Option.get !made in
  Atomic.incr t.requests_pending;
  Question.let_go question;
  { runtime = t; what; question; outcome; asker; refusal; forget; read }

let forget request =
  if Question.withdraw request.question then begin
    Atomic.decr request.runtime.requests_pending;
    request.forget ()
  end

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
  let is_over () = Option.is_some (Atomic.get request.outcome) || t.ended in
  (try ignore (Bell.until ~timeout request.asker is_over)
   with exn ->
     forget request;
     raise exn);
  match (Atomic.get request.outcome, request.refusal) with
  | Some (Question.Reply (type_id, payload)), _ -> request.read type_id payload
  | Some (Failed No_reply), Some status -> Room.refuse t.refused_calls status
  | Some (Failed status), _ -> failed request timeout status
  | None, _ ->
      let status = if t.ended then Status.Closed else Timeout in
      forget request;
      failed request timeout status

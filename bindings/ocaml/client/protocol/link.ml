(* One connection to another node, as bytes in and bytes out: the greeting, and what frames say. It knows no socket, no
   clock and no other link.

     Greeting -> (Hello) -> Proving, where a proof is asked for -> Accepting -> (our Ready) -> Waiting_for_ready ->
     (its Ready) -> Up *)


let greeting_limit = 4096 (* no frame is longer before the other side is known *)

type state = Greeting | Proving | Accepting | Waiting_for_ready | Up

type event =
  | Accepted (* its Hello and its Proof are good: to be answered with [send_ready] or [refuse] *)
  | Came_up of Wire.ready
  | Message of Frame.data
  | State of Wire.node_state
  | Credit of int64
  | Lost of int * int64
  | Forgotten of int64

type t = {
  dialed : bool;
  where : string;
  token : string; (* "" asks for no proof *)
  ours : Wire.hello;
  mutable theirs : Wire.hello option;
  reader : Frame.reader;
  writer : Frame.writer;
  mutable state : state;
  mutable early_ready : Wire.ready option; (* come before we could send ours *)
  mutable refusal : (Wire.reason * string) option; (* the other side's, and then it has ended *)
  mutable ends_when_written : string option;
  mutable ended : string option;
}

let create ~dialed ~where ~token ours =
  let writer = Frame.writer () in
  Frame.append_control writer Hello (Wire.write_hello ours);
  {
    dialed;
    where;
    token;
    ours;
    theirs = None;
    reader = Frame.reader ~max_frame:greeting_limit;
    writer;
    state = Greeting;
    early_ready = None;
    refusal = None;
    ends_when_written = None;
    ended = None;
  }

let is_open link = link.ended = None && link.ends_when_written = None
let is_up link = link.state = Up && is_open link
let close link why = if link.ended = None then link.ended <- Some why

(* Says why, and ends. *)
let refuse link reason text =
  if is_open link then begin
    Frame.append_control link.writer Refusal (Wire.write_refusal reason text);
    link.ends_when_written <- Some text
  end

let protocol_error link text = refuse link Wire.Protocol text

(* The other side's Hello, which has come. *)
let theirs link = match link.theirs with Some hello -> hello | None -> invalid_arg "Link.theirs"

let proof link ~by_dialer =
  let dialer, listener = if link.dialed then (link.ours, theirs link) else (theirs link, link.ours) in
  Wire.proof ~token:link.token ~by_dialer ~dialer ~listener

(* ---- the greeting ---- *)

let accept link =
  link.state <- Accepting;
  Some Accepted

let give_proof link =
  if link.token = "" then begin
    close link "the other side asks for a token; give this side the same one";
    false
  end
  else begin
    Frame.append_control link.writer Proof (Wire.write_proof (proof link ~by_dialer:link.dialed));
    true
  end

let on_hello link (hello : Wire.hello) =
  let refused reason text =
    refuse link reason text;
    None
  in
  if link.theirs <> None then refused Protocol "a second Hello"
  else begin
    link.theirs <- Some hello;
    if hello.version <> Wire.protocol_version then
      refused Version
        (Printf.sprintf "this side speaks version %d of the protocol, not %d" Wire.protocol_version hello.version)
    else if hello.window < Wire.least_window || hello.max_frame < Wire.least_frame then
      refused Protocol "a Hello with a window under 64 KiB or a max_frame under 1 KiB"
    else if hello.node = link.ours.node then refused Itself "this is the same node"
    else if hello.nonce = link.ours.nonce then refused Proof "the nonce is ours, come back"
    else if hello.wants_proof && not (give_proof link) then None
    else if link.ours.wants_proof then begin
      link.state <- Proving;
      None
    end
    else accept link
  end

let on_proof link mac =
  if link.state <> Proving then begin
    protocol_error link "a Proof that nobody asked for";
    None
  end
  else if Sha256.equal mac (proof link ~by_dialer:(not link.dialed)) then accept link
  else begin
    refuse link Proof "the token is another one";
    None
  end

let send_ready link ready =
  Frame.limit link.reader link.ours.max_frame;
  Frame.append_control link.writer Ready (Wire.write_ready ready);
  link.state <- Waiting_for_ready

let come_up link ready =
  link.state <- Up;
  Some (Came_up ready)

let on_ready link ready =
  match link.state with
  | Waiting_for_ready -> come_up link ready
  | (Proving | Accepting) when link.early_ready = None ->
      link.early_ready <- Some ready;
      None
  | _ ->
      protocol_error link "a Ready at the wrong time";
      None

(* ---- frames ---- *)

let on_refusal link payload =
  match Wire.read_refusal payload with
  | reason, text ->
      link.refusal <- Some (reason, text);
      close link ("the other side refuses: " ^ text)
  | exception Table.Malformed _ -> close link "the other side refuses without a reason"

let names = function
  | Frame.Hello -> "a Hello"
  | Proof -> "a Proof"
  | Ready -> "a Ready"
  | Refusal -> "a Refusal"
  | Node_state -> "a NodeState"
  | Credit -> "a Credit"
  | Lost -> "a Lost"
  | Heartbeat -> "a heartbeat"
  | Forget -> "a Forget"
  | Receipt -> "a Receipt"

let on_control link (kind : Frame.control) correlation payload =
  match kind with
  | Refusal ->
      on_refusal link payload;
      None
  | Hello -> on_hello link (Wire.read_hello payload)
  | Proof -> on_proof link (Wire.read_proof payload)
  | Ready -> on_ready link (Wire.read_ready payload)
  | _ when link.state <> Up ->
      protocol_error link (names kind ^ " came before the greeting was over");
      None
  | Node_state -> Some (State (Wire.read_state payload))
  | Credit -> Some (Credit (Wire.read_credit payload))
  | Receipt -> Some (Credit (fst (Wire.read_receipt payload))) (* we ask for none: what it says is acknowledged, too *)
  | Lost ->
      let type_id, count = Wire.read_lost payload in
      Some (Lost (type_id, count))
  | Forget -> Some (Forgotten correlation)
  | Heartbeat -> None

let on_frame link = function
  | Frame.Data data when link.state = Up -> Some (Message data)
  | Data _ ->
      protocol_error link "a message came before the greeting was over";
      None
  | Control (kind, correlation, payload) -> (
      try on_control link kind correlation payload
      with Table.Malformed why ->
        protocol_error link (Printf.sprintf "%s that is none: %s" (names kind) why);
        None)

(* The next thing that the other side has said; None if more bytes are needed, or the link ends. *)
let rec next link =
  match (link.state, link.early_ready) with
  | _ when not (is_open link) -> None
  | Waiting_for_ready, Some ready -> come_up link ready
  | _ -> (
      match Frame.next link.reader with
      | exception Frame.Malformed why ->
          protocol_error link why;
          None
      | None -> None
      | Some frame -> ( match on_frame link frame with None -> next link | event -> event))

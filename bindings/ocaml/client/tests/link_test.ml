(* The greeting, with no socket: two links, and one whose other side does what it must not. *)

open Mycelium_bridge_protocol
open Gathering

let hello name =
  {
    Wire.version = 1;
    node = Int64.of_int (Hashtbl.hash name);
    name;
    nonce = String.init 16 (fun i -> Char.chr (Hashtbl.hash (name, i) land 0xff));
    wants_proof = false;
    max_frame = 1 lsl 20;
    window = 1 lsl 20;
    confirms = false;
    silence_ms = 0;
  }

let ready = { Wire.types = []; stream = 1L; heard_stream = 0L; heard = 0L }

let link ?(token = "") ?(dialed = true) name =
  Link.create ~dialed ~where:name ~token { (hello name) with wants_proof = token <> "" }

(* What a link has to say. *)
let said (link : Link.t) =
  let out = ref "" in
  Frame.take link.writer (fun bytes first count ->
      out := Bytes.sub_string bytes first count;
      count);
  !out

let give (link : Link.t) text =
  let size = String.length text in
  let copy bytes first _ =
    Bytes.blit_string text 0 bytes first size;
    size
  in
  assert (Frame.fill link.reader copy = size)

(* All that a link makes of what has come; it accepts. *)
let rec events (link : Link.t) =
  match Link.next link with
  | None -> []
  | Some Accepted ->
      Link.send_ready link ready;
      Link.Accepted :: events link
  | Some event -> event :: events link

let rec exchange one other =
  let text = said one in
  if text <> "" then begin
    give other text;
    let found = events other in
    found @ exchange other one
  end
  else if Frame.waiting other.Link.writer > 0 then exchange other one
  else []

(* Why a link ends, as it says in its last frame. *)
let refusal link =
  let reader = Frame.reader ~max_frame:(1 lsl 20) in
  let text = said link in
  let copy bytes first _ =
    Bytes.blit_string text 0 bytes first (String.length text);
    String.length text
  in
  ignore (Frame.fill reader copy);
  let rec last found = match Frame.next reader with None -> found | frame -> last frame in
  match last None with
  | Some (Control (Refusal, _, payload)) -> Wire.string_of_reason (fst (Wire.read_refusal payload))
  | _ -> "none"

let two_links_come_up () =
  let dialer = link "one" and listener = link ~dialed:false "other" in
  ignore (exchange dialer listener);
  Alcotest.(check bool) "both" true (Link.is_up dialer && Link.is_up listener);
  Alcotest.(check string) "who" "other" (Link.theirs dialer).name

let two_links_with_the_same_token_come_up () =
  let dialer = link ~token:"secret" "one" and listener = link ~token:"secret" ~dialed:false "other" in
  ignore (exchange dialer listener);
  Alcotest.(check bool) "both" true (Link.is_up dialer && Link.is_up listener)

let another_token_is_refused () =
  let dialer = link ~token:"secret" "one" and listener = link ~token:"another" ~dialed:false "other" in
  ignore (exchange dialer listener);
  Alcotest.(check bool) "none" false (Link.is_up dialer || Link.is_up listener);
  List.iter
    (fun (link : Link.t) -> check_contains (Option.get link.ends_when_written) "the token is another one")
    [ dialer; listener ]

let a_token_that_is_missing_is_told () =
  let dialer = link "one" and listener = link ~token:"secret" ~dialed:false "other" in
  ignore (exchange listener dialer);
  check_contains (Option.get dialer.ended) "token"

(* What our link answers to a Hello. *)
let answer_to change =
  let ours = link "one" in
  ignore (said ours);
  give ours (Peer.bytes_of [ Control (Hello, 0L, Wire.write_hello (change (hello "other"))) ]);
  ignore (events ours);
  refusal ours

let a_hello_is_refused_for_what_it_says () =
  let check name expected change = Alcotest.(check string) name expected (answer_to change) in
  check "good" "none" Fun.id;
  check "version" "version" (fun hello -> { hello with version = 2 });
  check "node" "itself" (fun other -> { other with node = (hello "one").node });
  check "nonce" "proof" (fun other -> { other with nonce = (hello "one").nonce });
  check "window" "protocol" (fun hello -> { hello with window = 65535 });
  check "frame" "protocol" (fun hello -> { hello with max_frame = 1023 });
  check "node 0" "protocol" (fun hello -> { hello with node = 0L })

(* After the frames, the link ends and says that they are against the protocol. *)
let is_an_error name ?token frames =
  let ours = link ?token "one" in
  give ours (Peer.bytes_of frames);
  ignore (events ours);
  if Link.is_open ours then Alcotest.failf "%s: the link goes on" name;
  Alcotest.(check string) name "protocol" (refusal ours)

let what_comes_at_the_wrong_time_is_refused () =
  let control kind payload = Frame.Control (kind, 0L, payload) in
  let hello = control Hello (Wire.write_hello (hello "other")) and ready = control Ready (Wire.write_ready ready) in
  is_an_error "two hellos" [ hello; hello ];
  is_an_error "a ready without a hello" [ ready ];
  is_an_error "two readies" [ hello; ready; ready ];
  is_an_error "two readies before a proof" ~token:"secret" [ hello; ready; ready ];
  is_an_error "a proof that nobody asked for" [ hello; control Proof (Wire.write_proof "x") ];
  is_an_error "a message before the end of the greeting" [ hello; Data { Peer.data with sequence = 1 } ];
  is_an_error "a credit before it" [ hello; control Credit (Wire.write_credit 1L) ];
  is_an_error "a credit that is none" [ hello; ready; control Credit "\000\000" ];
  is_an_error "a long frame before it" [ control Hello (String.make 5000 'x') ]

let nothing_is_read_after_the_end () =
  let ours = link "one" in
  let hello = Frame.Control (Hello, 0L, Wire.write_hello (hello "other")) in
  let refusal = Frame.Control (Refusal, 0L, Wire.write_refusal Leaving "bye") in
  give ours (Peer.bytes_of [ hello; refusal; hello ]);
  Alcotest.(check int) "accepted only" 1 (List.length (events ours));
  Alcotest.(check (option string)) "ended" (Some "the other side refuses: bye") ours.ended

let () =
  Alcotest.run ~and_exit:false "link"
    [
      ( "greeting",
        [
          test "two_links_come_up" two_links_come_up;
          test "two_links_with_the_same_token_come_up" two_links_with_the_same_token_come_up;
          test "another_token_is_refused" another_token_is_refused;
          test "a_token_that_is_missing_is_told" a_token_that_is_missing_is_told;
          test "a_hello_is_refused_for_what_it_says" a_hello_is_refused_for_what_it_says;
          test "what_comes_at_the_wrong_time_is_refused" what_comes_at_the_wrong_time_is_refused;
          test "nothing_is_read_after_the_end" nothing_is_read_after_the_end;
        ] );
    ]

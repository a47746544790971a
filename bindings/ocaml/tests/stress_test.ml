(* Several threads publish, subscribe, ask and keep, while another compacts OCaml's heap all the time. *)

open Mycelium_native
open Mycelium_protocol
open Collecting

let publishers = 4
let per_publisher = 50_000

(* A payload that tells its own content, of ASCII alone, as it is text, too. *)
let payload seed = String.init (seed mod 3000) (fun i -> Char.chr ((seed + i) land 127))

let is_payload text =
  let length = String.length text in
  length = 0
  ||
  let first = Char.code text.[0] in
  let rec same i = i = length || (Char.code text.[i] = (first + i) land 127 && same (i + 1)) in
  same 0

let text_type = 60000

let publish runtime id () =
  for i = 1 to per_publisher do
    let counter_id = Int64.of_int id in
    Runtime.publish runtime CounterUpdate.t { counter_id; value = i; delta = -i };
    if i mod 3 = 0 then Runtime.publish_string runtime text_type (payload (i + id));
    if i mod 50 = 0 then begin
      let text = payload i in
      let loan = Runtime.loan runtime Bigarray.char (String.length text) in
      String.iteri (fun at c -> (Loan.data loan).{at} <- c) text;
      Loan.publish loan text_type
    end
  done

(* Counts in order per publisher. *)
let ordered () =
  let last = Array.make publishers 0 and count = ref 0 and wrong = ref 0 in
  let take (update : CounterUpdate.t) =
    let id = Int64.to_int update.counter_id in
    if update.value <> last.(id) + 1 || update.delta <> -update.value then incr wrong;
    last.(id) <- update.value;
    incr count
  in
  (take, count, wrong)

(* Keeps some of what comes, and looks later whether it is still what it was. *)
let keeper () =
  let kept = Array.make 64 None and at = ref 0 and wrong = ref 0 and count = ref 0 in
  let check = function
    | None -> ()
    | Some (message, view) ->
        let text = String.init (Bigarray.Array1.dim view) (Bigarray.Array1.get view) in
        if not (is_payload text && Message.to_string message = text) then incr wrong
  in
  let take message =
    check kept.(!at);
    kept.(!at) <- (if !count mod 5 = 0 then None else Some (message, Message.payload message));
    at := (!at + 7) mod 64;
    incr count
  in
  (take, count, wrong, fun () -> Array.iter check kept)

let come_and_go runtime stop () =
  let rounds = ref 0 in
  while not !stop do
    incr rounds;
    let forgotten = Runtime.subscription ~policy:Drop_oldest ~capacity:4 runtime CounterUpdate.t ignore in
    let closed = Runtime.batch_subscription ~policy:Drop_newest runtime CounterUpdate.t ignore in
    let receiver = Runtime.message_receiver ~policy:Drop_oldest ~capacity:8 runtime text_type in
    ignore (Receiver.next ~timeout:0. receiver);
    if !rounds mod 2 = 0 then Subscription.close forgotten;
    Subscription.close closed;
    let length = !rounds mod 3000 in
    let reply = Runtime.request runtime WordCountRequest.t WordCountReply.t { text = String.make length 'x' } in
    if reply.bytes <> Int64.of_int length then failwith "another request's reply"
  done

let compact stop () =
  while not !stop do
    ignore (Sys.opaque_identity (List.init 1000 (fun i -> Bytes.create (i mod 100))));
    Gc.compact ();
    Thread.yield ()
  done

let run () =
  let failures = create () in
  let guarded work () = try work () with exn -> add failures (Printexc.to_string exn) in
  let take, counted, disordered = ordered () in
  let keep, kept, changed, check_kept = keeper () in
  let stop = ref false in
  with_runtime ~block_timeout:100. ~on_error:(fun name exn _ -> add failures (name ^ ": " ^ Printexc.to_string exn))
    (fun runtime ->
      Runtime.subscribe runtime CounterUpdate.t take;
      let keeping = Runtime.message_subscription runtime text_type keep in
      Runtime.serve runtime WordCountRequest.t WordCountReply.t (fun request ->
          { words = 0L; bytes = Int64.of_int (String.length request.text) });
      let start work = Thread.create (guarded work) () in
      let others = [ start (compact stop); start (come_and_go runtime stop); start (come_and_go runtime stop) ] in
      let publishing = List.init publishers (fun id -> start (publish runtime id)) in
      List.iter Thread.join publishing;
      stop := true;
      List.iter Thread.join others;
      Gc.full_major ();
      (* which closed the receivers that nobody holds: flush would wait for what is in them to be taken *)
      Runtime.flush runtime;
      Subscription.close keeping);
  check_kept ();
  Alcotest.(check (list string)) "failures" [] (items failures);
  Alcotest.(check int) "all counted" (publishers * per_publisher) !counted;
  Alcotest.(check int) "out of order" 0 !disordered;
  Alcotest.(check int) "texts" (publishers * ((per_publisher / 3) + (per_publisher / 50))) !kept;
  Alcotest.(check int) "changed" 0 !changed

let () =
  Gc.set { (Gc.get ()) with minor_heap_size = 4096 };
  Alcotest.run "stress" [ ("stress", [ test "threads and compaction" run ]) ]

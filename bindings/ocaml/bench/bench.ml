(* The same measurements in every language: one JSON object per line, rates in operations per second, the median of five
   rounds of about 0.3 s.  bench.exe [--quick] *)

open Mycelium_native
module TextMessage = Mycelium_protocol.TextMessage

external publish_natively : nativeint -> int -> int -> unit = "bench_publish"

let type_id = 60001
let quick = Array.exists (( = ) "--quick") Sys.argv
let seconds = if quick then 0.02 else 0.3
let rounds = 5
let now = Unix.gettimeofday
let message : TextMessage.t = { sender = "py"; content = String.make 64 'x'; timestamp = 123L }
let encoded = TextMessage.encode message

(* Enough operations for a round, by doubling until they take a tenth of it. *)
let rec count_for work count =
  let start = now () in
  work count;
  let spent = now () -. start in
  if spent < seconds /. 10. then count_for work (2 * count) else int_of_float (float_of_int count *. seconds /. spent)

let rate work =
  let count = count_for work 1000 in
  let one _ =
    let start = now () in
    work count;
    float_of_int count /. (now () -. start)
  in
  let rates = List.sort compare (List.init rounds one) in
  List.nth rates (rounds / 2)

let with_runtime work =
  let runtime = Runtime.create ~block_timeout:60. (schema_digest ()) in
  Fun.protect (fun () -> work runtime) ~finally:(fun () -> Runtime.close runtime)

let publish () =
  with_runtime (fun runtime ->
      let payload = String.make 64 'x' in
      rate (fun count ->
          for _ = 1 to count do
            Runtime.publish_string runtime type_id payload
          done))

(* From a publisher in native code to a handler; [receive count_one] subscribes. *)
let callback receive =
  with_runtime (fun runtime ->
      let received = ref 0 and wanted = ref 0 in
      let mutex = Mutex.create () and all = Condition.create () in
      let take n =
        received := !received + n;
        if !received >= !wanted then begin
          Mutex.lock mutex;
          Condition.signal all;
          Mutex.unlock mutex
        end
      in
      let subscription = receive runtime take in
      let measured =
        rate (fun count ->
            received := 0;
            wanted := count;
            publish_natively (Runtime.handle runtime) type_id count;
            Mutex.lock mutex;
            while !received < count do
              Condition.wait all mutex
            done;
            Mutex.unlock mutex)
      in
      let { Stats.dropped; _ } = Subscription.stats subscription in
      if dropped.oldest + dropped.newest + dropped.timeout + dropped.full > 0 then failwith "messages were lost";
      measured)

let one runtime take = Runtime.message_subscription runtime type_id (fun _ -> take 1)
let many runtime take = Runtime.message_batch_subscription runtime type_id (fun batch -> take (Array.length batch))

let repeat work count =
  for _ = 1 to count do
    ignore (Sys.opaque_identity (work ()))
  done

(* As a subscription decodes: from memory that is no OCaml string. *)
let decode () =
  let payload = Bigarray.Array1.init Bigarray.char Bigarray.c_layout (String.length encoded) (fun i -> encoded.[i]) in
  rate (repeat (fun () -> TextMessage.t#decode None payload))

let () =
  let print what rate = Printf.printf "{\"language\": \"ocaml\", \"what\": \"%s\", \"rate\": %.4g}\n%!" what rate in
  print "publish" (publish ());
  print "callback" (callback one);
  print "callback_batched" (callback many);
  print "encode" (rate (repeat (fun () -> TextMessage.encode message)));
  print "decode" (decode ())

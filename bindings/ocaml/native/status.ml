type t =
  | Null
  | Digest
  | Runtime
  | Subscription
  | Topology
  | Service_not_found
  | Unknown_type
  | Too_large
  | Invalid_payload
  | Full
  | Timeout
  | Closed
  | Invalid_argument
  | Forked
  | No_reply
  | Unsupported
  | Internal
  | Unknown of int

let all =
  [
    (Null, -1);
    (Digest, -2);
    (Runtime, -3);
    (Subscription, -4);
    (Topology, -5);
    (Service_not_found, -6);
    (Unknown_type, -7);
    (Too_large, -8);
    (Invalid_payload, -9);
    (Full, -10);
    (Timeout, -11);
    (Closed, -12);
    (Invalid_argument, -13);
    (Forked, -14);
    (No_reply, -15);
    (Unsupported, -16);
    (Internal, -99);
  ]

let to_int = function Unknown code -> code | status -> List.assoc status all

let of_int code =
  match List.find_opt (fun (_, number) -> number = code) all with Some (status, _) -> status | None -> Unknown code

let to_string status = Native.status_name (to_int status)

exception Bus_error of t * string

let fail status text = raise (Bus_error (status, text))
let timeout = to_int Timeout
let closed = to_int Closed
let subscription = to_int Subscription
let forked = to_int Forked

(* The text is the library's own for the last failure of this thread. *)
let check code = if code < 0 then Native.raise_last code

let () =
  Callback.register "mycelium.raise" (fun code text -> fail (of_int code) text);
  Printexc.register_printer (function
    | Bus_error (status, text) -> Some (Printf.sprintf "Bus_error (%s, %S)" (to_string status) text)
    | _ -> None);
  Native.view_init (Bigarray.Array1.create Bigarray.char Bigarray.c_layout 0)

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
    (Null, -1, "NULL");
    (Digest, -2, "DIGEST");
    (Runtime, -3, "RUNTIME");
    (Subscription, -4, "SUBSCRIPTION");
    (Topology, -5, "TOPOLOGY");
    (Service_not_found, -6, "SERVICE_NOT_FOUND");
    (Unknown_type, -7, "UNKNOWN_TYPE");
    (Too_large, -8, "TOO_LARGE");
    (Invalid_payload, -9, "INVALID_PAYLOAD");
    (Full, -10, "FULL");
    (Timeout, -11, "TIMEOUT");
    (Closed, -12, "CLOSED");
    (Invalid_argument, -13, "INVALID_ARGUMENT");
    (Forked, -14, "FORKED");
    (No_reply, -15, "NO_REPLY");
    (Unsupported, -16, "UNSUPPORTED");
    (Internal, -99, "INTERNAL");
  ]

let find status = List.find_opt (fun (known, _, _) -> known = status) all

let to_int status =
  match (status, find status) with
  | Unknown code, _ -> code
  | _, Some (_, code, _) -> code
  | _, None -> assert false (* all of them are above *)

let of_int code =
  match List.find_opt (fun (_, number, _) -> number = code) all with
  | Some (status, _, _) -> status
  | None -> Unknown code

let to_string status =
  match find status with Some (_, _, name) -> "MYCELIUM_ERROR_" ^ name | None -> "MYCELIUM_UNKNOWN_STATUS"

exception Bus_error of t * string

let fail status text = raise (Bus_error (status, text))

let () =
  Printexc.register_printer (function
    | Bus_error (status, text) -> Some (Printf.sprintf "Bus_error (%s, %S)" (to_string status) text)
    | _ -> None)

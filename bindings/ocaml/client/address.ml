(* unix:PATH or tcp:HOST:PORT; an IPv6 host stands in brackets. *)

type t = Local of string | Tcp of { host : string; port : int }

let longest_path = 107 (* sun_path, with its terminating zero *)

let to_string = function
  | Local path -> "unix:" ^ path
  | Tcp { host; port } when String.contains host ':' -> Printf.sprintf "tcp:[%s]:%d" host port
  | Tcp { host; port } -> Printf.sprintf "tcp:%s:%d" host port

let malformed text why =
  Status.fail Status.Invalid_argument
    (Printf.sprintf "'%s' is no address: %s; write unix:/path/to/socket, tcp:host:port or tcp:[::1]:port" text why)

let after text count = String.sub text count (String.length text - count)

let has_prefix text prefix =
  String.length text >= String.length prefix && String.sub text 0 (String.length prefix) = prefix

let is_digits text = text <> "" && String.for_all (fun c -> c >= '0' && c <= '9') text

let port_of text digits =
  match if is_digits digits && String.length digits <= 5 then int_of_string_opt digits else None with
  | Some port when port <= 65535 -> port
  | _ -> malformed text "the port is no number from 0 to 65535"

let host_of text host =
  let length = String.length host in
  if length >= 2 && host.[0] = '[' && host.[length - 1] = ']' then String.sub host 1 (length - 2)
  else if String.contains host ':' then malformed text "an IPv6 host stands in brackets"
  else host

let parse text =
  if has_prefix text "unix:" then
    let path = after text 5 in
    if path = "" || String.length path > longest_path then
      malformed text (Printf.sprintf "a socket's path has 1 to %d bytes" longest_path)
    else if String.contains path '\000' then malformed text "a path has no zero in it"
    else Local path
  else if not (has_prefix text "tcp:") then malformed text "it begins with neither unix: nor tcp:"
  else
    let rest = after text 4 in
    match String.rindex_opt rest ':' with
    | None -> malformed text "the port is missing"
    | Some colon ->
        let host = host_of text (String.sub rest 0 colon) in
        if host = "" then malformed text "the host is missing";
        Tcp { host; port = port_of text (after rest (colon + 1)) }

let is_loopback host = host = "localhost" || host = "::1" || has_prefix host "127."

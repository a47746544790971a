(* Sockets to listen at and to dial with: all of them without waiting, and closed in programs that are started. *)

let cannot at what why = Status.fail Status.Runtime (Printf.sprintf "%s: %s: %s" (Address.to_string at) what why)

(* Of this number are the descriptors that select can watch. *)
let can_watch socket =
  match Unix.select [ socket ] [] [] 0. with
  | _ -> true
  | exception Unix.Unix_error (EINVAL, _, _) -> false

let too_many = "this program has more open files than select can watch (1024)"

let open_socket at domain =
  let socket = Unix.socket ~cloexec:true domain Unix.SOCK_STREAM 0 in
  Unix.set_nonblock socket;
  if not (can_watch socket) then begin
    Unix.close socket;
    cannot at "no socket" too_many
  end;
  socket

let needs_token (at : Address.t) has_token =
  match at with
  | Tcp { host; _ } when (not has_token) && not (Address.is_loopback host) ->
      Status.fail Status.Invalid_argument
        (Address.to_string at
        ^ " is another machine, or can be reached from one: give both sides the same token, or use a loopback address")
  | _ -> ()

(* ---- addresses ---- *)

(* Asks the system for a host's addresses; may take seconds if it is a name. *)
let resolve host port =
  let options = [ Unix.AI_SOCKTYPE Unix.SOCK_STREAM ] in
  List.map (fun info -> info.Unix.ai_addr) (Unix.getaddrinfo host (string_of_int port) options)

let is_number host = match Unix.inet_addr_of_string host with _ -> true | exception Failure _ -> false

(* ---- listening ---- *)

(* Is somebody there? A file that refuses was left behind by a process that died. *)
let is_left_behind at path =
  let probe = Unix.socket ~cloexec:true Unix.PF_UNIX Unix.SOCK_STREAM 0 in
  Fun.protect
    ~finally:(fun () -> Unix.close probe)
    (fun () ->
      match Unix.connect probe (ADDR_UNIX path) with
      | () -> cannot at "listening" "another process listens there; choose another path or stop it"
      | exception Unix.Unix_error (ECONNREFUSED, _, _) -> true
      | exception Unix.Unix_error (ENOENT, _, _) -> false
      | exception Unix.Unix_error (error, _, _) -> cannot at "asking who listens there" (Unix.error_message error))

let remove_if_left_behind at path =
  match (Unix.lstat path).st_kind with
  | S_SOCK -> if is_left_behind at path then Unix.unlink path
  | _ -> cannot at "listening" "there is a file that is no socket; choose another path"
  | exception Unix.Unix_error (ENOENT, _, _) -> ()

let identity path =
  let { Unix.st_dev; st_ino; _ } = Unix.lstat path in
  (st_dev, st_ino)

(* Nobody can connect between bind and listen, so that the mode is right from the first moment on. *)
let listen_local at path =
  remove_if_left_behind at path;
  let socket = open_socket at PF_UNIX in
  try
    Unix.bind socket (ADDR_UNIX path);
    Unix.chmod path 0o600;
    Unix.listen socket 128;
    (socket, Some (identity path))
  with exn ->
    Unix.close socket;
    raise exn

let listen_tcp at host port =
  match resolve host port with
  | [] -> cannot at "finding the host" "it has no address"
  | address :: _ -> (
      let socket = open_socket at (Unix.domain_of_sockaddr address) in
      try
        Unix.setsockopt socket SO_REUSEADDR true;
        Unix.bind socket address;
        Unix.listen socket 128;
        let port = match Unix.getsockname socket with ADDR_INET (_, port) -> port | ADDR_UNIX _ -> port in
        (socket, port)
      with exn ->
        Unix.close socket;
        raise exn)

let listen (at : Address.t) ~has_token : State.listener =
  needs_token at has_token;
  try
    match at with
    | Local path ->
        let listening, file = listen_local at path in
        { at; listening; file }
    | Tcp { host; port } ->
        let listening, port = listen_tcp at host port in
        { at = Tcp { host; port }; listening; file = None }
  with Unix.Unix_error (error, what, _) -> cannot at what (Unix.error_message error)

(* Its file goes with it, unless another process has put one in its place. *)
let stop_listening ({ at; listening; file } : State.listener) =
  Unix.close listening;
  match (at, file) with
  | Local path, Some own -> ( try if identity path = own then Unix.unlink path with Unix.Unix_error _ -> ())
  | _ -> ()

let without_delay socket = try Unix.setsockopt socket TCP_NODELAY true with Unix.Unix_error _ -> ()

(* Somebody who has connected, if there is one. *)
let accept ({ at; listening; _ } : State.listener) =
  match Unix.accept ~cloexec:true listening with
  | exception Unix.Unix_error (_, _, _) -> None
  | socket, _ when not (can_watch socket) ->
      Unix.close socket;
      None
  | socket, from ->
      Unix.set_nonblock socket;
      without_delay socket;
      let who =
        match from with
        | ADDR_INET (ip, port) -> Printf.sprintf " from %s:%d" (Unix.string_of_inet_addr ip) port
        | ADDR_UNIX _ -> ""
      in
      Some (socket, Address.to_string at ^ who)

(* ---- dialing ---- *)

type dialed = Connected of Unix.file_descr | In_progress of Unix.file_descr | Failed of string

let dial at address =
  match open_socket at (Unix.domain_of_sockaddr address) with
  | exception Unix.Unix_error (error, _, _) -> Failed (Unix.error_message error)
  | exception Status.Bus_error (_, why) -> Failed why
  | socket -> (
      without_delay socket;
      match Unix.connect socket address with
      | () -> Connected socket
      | exception Unix.Unix_error (EINPROGRESS, _, _) -> In_progress socket
      | exception Unix.Unix_error (error, _, _) ->
          Unix.close socket;
          Failed (Unix.error_message error))

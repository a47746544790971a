(** Mycelium's bus from another process, in pure OCaml: a node of the bus that has one neighbour, linked over a Unix or
    a TCP socket. No native library.

    {[
      open Mycelium_client

      let runtime = Runtime.create My_messages.schema_digest

      let () =
        Bridge.dial runtime "unix:/run/user/1000/bus";
        Runtime.subscribe runtime My_messages.TextMessage.t (fun message -> print_endline message.content);
        Runtime.wait_for_subscribers ~count:2 runtime My_messages.TextMessage.type_id;
        Runtime.publish runtime My_messages.TextMessage.t { sender = "ocaml"; content = "hello"; timestamp = 123L };
        Runtime.close runtime
    ]}

    The names are those of [Mycelium_native]: a program changes from one to the other by its [open]. Two threads belong
    to each runtime: one for its sockets, which never runs a program's code, and its dispatcher, on which handlers, and
    [on_log], run one after the other. Every function may be called on any thread, also in a signal's handler. Times are
    seconds. docs/ocaml.md tells the rest. *)

(** What went wrong: the statuses of mycelium.h. *)
module Status : sig
  type t =
    | Null
    | Digest  (** two schemas of one type *)
    | Runtime  (** a socket cannot be made, or not be listened at *)
    | Subscription  (** no such request *)
    | Topology
    | Service_not_found
    | Unknown_type
    | Too_large
    | Invalid_payload  (** bytes that are no valid message of their type *)
    | Full  (** a mailbox is full, and its policy does not wait *)
    | Timeout
    | Closed
    | Invalid_argument
    | Forked  (** the runtime belongs to the parent process *)
    | No_reply
    | Unsupported  (** not possible here, for instance in a handler *)
    | Internal
    | Unknown of int

  val to_int : t -> int
  val of_int : int -> t

  val to_string : t -> string
  (** As in C: ["MYCELIUM_ERROR_FULL"]. *)
end

exception Bus_error of Status.t * string
(** What a call of this library raises when it is refused, with a text that says what to do. Arguments that no bus could
    take raise [Invalid_argument]. *)

(** How important a line of the log is. *)
module Level : sig
  type t = Error | Warning | Info
end

(** Messages as they are: bytes, with the envelope that they travelled in. *)
module Message : sig
  type t
  (** A received message. *)

  type payload = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

  type views = < view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t >

  (** What has to be known of a type of messages: the [t] of a generated module. *)
  type 'a descriptor =
    < type_id : int
    ; topic : string
    ; type_name : string
    ; type_digest : string
    ; encode : 'a -> string
    ; decode : views option -> payload -> ('a, string) result >

  (** A W3C trace context. *)
  type trace = {
    trace_id : string;  (** 16 bytes *)
    span_id : string;  (** 8 bytes *)
    flags : int;
  }

  type envelope = {
    type_id : int;
    priority : int;
    correlation_id : int64;  (** 0: none *)
    sequence : int64;  (** grows per publisher *)
    publisher_id : int64;
    timestamp_ns : int64;  (** since 1970 (UTC), when it was published *)
    trace : trace option;
  }

  val type_id : t -> int
  val envelope : t -> envelope

  val key : t -> int64 option
  (** The key by which it came to this subscriber alone. *)

  val length : t -> int
  (** Of the payload, in bytes. *)

  val payload : t -> payload
  (** A copy. *)

  val to_string : t -> string
  (** The payload. *)

  val decode : 'a descriptor -> t -> ('a, string) result

  val is_request : t -> bool
  (** Whether someone waits for an answer: {!Runtime.reply}. *)

  val release : t -> unit
  (** Lets go of it at once, instead of when it is collected: who asked learns then that it will not be answered here.
      Later uses raise [Invalid_argument]. *)
end

type 'a message = 'a Message.descriptor
(** The type of [TextMessage.t] is [TextMessage.t message]. *)

(** Counters. *)
module Stats : sig
  (** Messages that were dropped, by reason. *)
  type drops = {
    oldest : int;  (** made room for a newer one *)
    newest : int;  (** found no room *)
    timeout : int;  (** whoever brought them had waited in vain *)
    full : int;  (** refused: their publisher was told *)
    unsubscribed : int;  (** waited when the subscription ended *)
    closed : int;  (** waited when the time of close was over *)
  }

  type runtime = {
    published : int;
    published_bytes : int;
    refused : int;  (** publish calls that raised *)
    callback_errors : int;  (** exceptions raised by handlers *)
    subscriptions : int;  (** alive *)
    requests_pending : int;
  }

  type subscription = {
    offered : int;
    delivered : int;
    waiting : int;
    capacity : int;
    high_water : int;  (** most that ever waited *)
    callback_errors : int;
    dropped : drops;
  }
end

(** A handle on a subscription: {!Runtime.subscription}. A handle that nobody holds any more ends its subscription when
    it is collected; {!Runtime.subscribe} is for those that last as long as the runtime. *)
module Subscription : sig
  type t

  val close : t -> unit
  (** When it returns, no handler of the subscription runs or will run; messages that waited are dropped. In a handler
      it does not wait: it holds from when that handler returns. Closing twice is no error. *)

  val id : t -> int
  (** Unique in the process, never used again. *)

  val type_id : t -> int

  val is_closed : t -> bool
  (** Whether it was closed, or its runtime was. *)

  val stats : t -> Stats.subscription
end

(** A request that was sent: {!Runtime.send_request}. *)
module Request : sig
  type 'a t

  val wait : ?timeout:float -> 'a t -> 'a
  (** The first reply, for which it waits [timeout] seconds (5 if not given). Raises as {!Runtime.request}. *)

  val forget : 'a t -> unit
  (** Nobody waits for it any more; whoever serves it is told. *)
end

(** The bus, as this process sees it: its own subscribers, and those behind its link. *)
module Runtime : sig
  type t

  (** What a full mailbox does. *)
  type policy =
    | Block  (** the publisher waits, at most [block_timeout]; in a handler it gets [Full] at once *)
    | Drop_oldest
    | Drop_newest
    | Fail  (** the publisher gets [Full] *)

  type known_type = Known : 'a Message.descriptor -> known_type

  (** {1 Its life} *)

  val create :
    ?name:string ->
    ?mailbox_capacity:int ->
    ?policy:policy ->
    ?block_timeout:float ->
    ?close_timeout:float ->
    ?types:known_type list ->
    ?on_error:(string -> exn -> Printexc.raw_backtrace -> unit) ->
    ?on_log:(Level.t -> string -> unit) ->
    string ->
    t
  (** [create digest]: [digest] is the [schema_digest] of a generated module, as for [Mycelium_native]. Nothing is
      linked yet: {!Bridge.dial}.

      What the two sides of a link compare is each type's own digest. A runtime knows those of every descriptor that it
      was given, by any call, and of [types] from the start; a type on which the two sides differ does not cross.

      [mailbox_capacity]: messages that may wait for one subscription, 4096; [policy]: what happens to more, [Block];
      [block_timeout]: 1 s; [close_timeout]: 5 s. [on_error] gets the exceptions of handlers, with the name of the
      subscription; it prints them on standard error if it is not given. [on_log] gets what there is to tell of
      links. *)

  val close : ?timeout:float -> t -> unit
  (** Stops accepting, waits until the neighbour has acknowledged what was accepted, says goodbye, lets handlers see
      what has come, and ends both threads; all until [timeout] seconds have passed ([close_timeout] if not given).
      [Bus_error (Timeout, _)] if a handler still runs then: it may be called again. Not in a handler:
      [Bus_error (Unsupported, _)]. Closing twice is no error. A program that ends without it closes its runtimes at
      exit, and waits 2 seconds at most. *)

  val is_closed : t -> bool

  val exit_seconds : float ref
  (** How long the exit of a program waits for runtimes that are open. *)

  (** {1 Publishing}

      May wait for room, in a mailbox here or for the neighbour: policy [Block], at most [block_timeout]. Of
      [Bus_error] with [Full] or [Timeout], one subscriber did not get the message, the others did. Nobody subscribing
      is no error. *)

  val publish : t -> 'a message -> 'a -> unit

  (** Who gets a message. *)
  type destination =
    | To_all
    | To_key of int64  (** one subscriber of those here and the neighbour, the same for the same key *)

  val publish_with :
    ?correlation_id:int64 ->
    ?priority:int ->
    ?destination:destination ->
    ?trace:Message.trace ->
    t ->
    'a message ->
    'a ->
    unit

  val publish_batch : t -> 'a message -> 'a array -> unit
  (** One after the other. *)

  val publish_string :
    ?correlation_id:int64 ->
    ?priority:int ->
    ?destination:destination ->
    ?trace:Message.trace ->
    t ->
    int ->
    string ->
    unit
  (** [publish_string t type_id payload]: bytes as they are. *)

  (** {1 Subscribing}

      Handlers run on the runtime's dispatcher, one after the other. An exception that one raises goes to [on_error] and
      is counted; the next message comes as usual. What comes over the link is checked against its type before a
      handler sees it: what is malformed is dropped and counted as [invalid]. A handler may do anything but {!close} and
      {!flush}. *)

  val subscribe : t -> 'a message -> ('a -> unit) -> unit
  (** As long as the runtime lives. *)

  val subscription :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?block_timeout:float ->
    t ->
    'a message ->
    ('a -> unit) ->
    Subscription.t
  (** The same with a handle and options. While a mailbox with the policy [Block] is full, nothing more is taken from
      the link, at most [block_timeout] seconds; then the message is dropped for this subscription. *)

  val message_subscription :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?block_timeout:float ->
    t ->
    int ->
    (Message.t -> unit) ->
    Subscription.t
  (** Messages of a type_id as they are, which may be kept. Those of a type that no descriptor is known of cannot be
      checked. *)

  val unsubscribe : t -> Subscription.t -> unit
  (** {!Subscription.close}. *)

  (** {1 Requests} *)

  val request : ?timeout:float -> t -> 'a message -> 'b message -> 'a -> 'b
  (** [request t asked answered value] sends [value] to every server of the type, and waits for the first reply,
      [timeout] seconds (5 if not given). [Bus_error] with [Timeout], or with [No_reply] at once when nobody serves it,
      all servers let it go, or the link is cut. *)

  val send_request : t -> 'a message -> 'b message -> 'a -> 'b Request.t
  (** The same in two steps, to ask several at once. Wait for each, or forget it. *)

  val send_request_string : t -> int -> string -> (int * string) Request.t

  val request_string : ?timeout:float -> t -> int -> string -> int * string
  (** The same with bytes: type_id and payload of the reply, which nobody has checked. *)

  val serve : t -> 'a message -> 'b message -> ('a -> 'b) -> unit
  (** Answers requests with what the handler returns, as long as the runtime lives. When it raises, the request stays
      unanswered. Messages that are no requests are left alone. *)

  val server :
    ?name:string -> ?policy:policy -> ?capacity:int -> t -> 'a message -> 'b message -> ('a -> 'b) -> Subscription.t

  val reply : t -> Message.t -> 'a message -> 'a -> unit
  (** Answers a message for which {!Message.is_request} holds, once, on any thread. [Bus_error (Subscription, _)] if
      nobody waits for it any more. *)

  val reply_string : t -> Message.t -> int -> string -> unit

  (** {1 Waiting and looking} *)

  val wait_for_subscribers : ?timeout:float -> ?count:int -> t -> int -> unit
  (** Until a type_id has so many subscribers, those here and the neighbour, which counts as one if anybody behind it
      subscribes. [Bus_error (Timeout, _)]. *)

  val flush : ?timeout:float -> t -> unit
  (** Until the neighbour has acknowledged all that was published before, and handlers have returned from all that came
      before. [Bus_error (Timeout, _)]; in a handler [Bus_error (Unsupported, _)]. *)

  val stats : t -> Stats.runtime
end

(** The link to the rest of the bus. The runtime is a leaf of it: it has one neighbour at a time, and passes nothing on
    from one to another. *)
module Bridge : sig
  (** As MyceliumBridgeConfig of mycelium_bridge.h. *)
  type config = {
    name : string option;  (** of this node, for people; the runtime's *)
    token : string option;
        (** both sides of a link prove that they know it; without one, TCP is for loopback addresses only *)
    max_frame : int;  (** the longest message with its envelope that is taken, bytes *)
    window : int;  (** bytes on their way to this node, unacknowledged *)
    capacity : int;  (** messages of one type that wait for the neighbour *)
    policy : Runtime.policy;  (** where more would wait *)
    block_timeout : float option;  (** the runtime's *)
    hello_timeout : float;  (** for the other side's whole greeting *)
    heartbeat : float;  (** the longest pause between two frames *)
    silence : float;  (** after which the other side counts as dead *)
    linger : float;
        (** how long what waits for a neighbour whose link was cut is kept for its return; one that says that it leaves
            is not waited for *)
  }

  val default : config
  (** 16 MiB, 4 MiB, 4096, [Block]; 5 s, 1 s, 5 s, 30 s. *)

  val open_ : Runtime.t -> config -> unit
  (** Before {!dial} and {!listen}, which otherwise take the default. A runtime has one bridge:
      [Bus_error (Invalid_argument, _)] the second time. *)

  val dial : Runtime.t -> string -> unit
  (** Links with whoever listens at ["unix:PATH"], ["tcp:HOST:PORT"] or ["tcp:[IPV6]:PORT"], now or later, and again
      after the link is cut: tried with pauses that grow from 50 ms to 5 s. Returns before there is a link. Once in a
      runtime's life. *)

  val listen : Runtime.t -> string -> string
  (** Listens there; the address as it came to be (port 0: the system chooses). A Unix socket has mode 0600; the file of
      a process that died is replaced. Whoever comes while another node is linked is refused. *)

  val wait_for_links : ?timeout:float -> Runtime.t -> int -> unit
  (** Until so many neighbours are linked; this node has one at most. [Bus_error (Timeout, text)]: the text tells what
      became of the last attempt, such as why the other side refused. *)

  (** Why a link was refused. *)
  type reason =
    | Version  (** of the protocol *)
    | Itself  (** the same node, or one that is linked already *)
    | Proof  (** the token is missing or another one *)
    | Not_allowed
    | Too_many
    | Late
    | Protocol
    | Leaving  (** the node goes away *)
    | Other of int

  val last_refusal : Runtime.t -> (reason * string) option
  (** What the other side said when it last ended a link on purpose. *)

  type stats = {
    node : int64;  (** this node's id *)
    neighbours : int;  (** linked now: 0 or 1 *)
    reachable : int;  (** nodes, over the neighbour too; this one not counted *)
    links_made : int;
    links_cut : int;
    refused : int;  (** connections that did not become links *)
    received : int;
    sent : int;  (** messages, each once *)
    sent_again : int;  (** after a link was cut *)
    acknowledged : int;  (** of sent *)
    dropped : int;  (** for want of room, by the policy, or since nobody wants them any more *)
    lost : int;  (** of sent, on their way to a neighbour that did not come back *)
    missing : int;  (** that a neighbour had numbered and never sent: gaps *)
    repeated : int;  (** that came twice; dealt with once *)
    invalid : int;  (** refused by verification, by schema or by limits *)
  }

  val stats : Runtime.t -> stats
end

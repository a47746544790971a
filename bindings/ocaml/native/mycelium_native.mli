(** Mycelium, an embeddable message bus, in this process.

    {[
      open Mycelium_native

      let runtime = Runtime.create My_messages.schema_digest

      let () =
        Runtime.subscribe runtime My_messages.TextMessage.t (fun message -> print_endline message.content);
        Runtime.publish runtime My_messages.TextMessage.t
          { sender = "ocaml"; content = "hello"; timestamp = 123L };
        Runtime.close runtime
    ]}

    [My_messages] is written by [mycelium schema compile --ocaml]. Handlers run on one thread per runtime, its
    dispatcher, never two at once; no thread of the bus ever runs OCaml. Times are seconds. docs/ocaml.md tells the
    rest. *)

(** What went wrong: the statuses of mycelium.h. *)
module Status : sig
  type t =
    | Null
    | Digest  (** generated code and library come from different schemas *)
    | Runtime
    | Subscription  (** no such subscription, queue or request *)
    | Topology
    | Service_not_found
    | Unknown_type  (** a strict runtime knows no schema for this type_id *)
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
(** What a call of this library raises when the bus refuses it, with a text that says what to do. Arguments that no bus
    could take raise [Invalid_argument]. *)

(** How important a line of the bus's log is. *)
module Level : sig
  type t = Error | Warning | Info
end

(** Messages as they are: bytes, with the envelope that they travelled in. *)
module Message : sig
  type t
  (** A received message, in memory of the bus; it stays as long as it is held, also after the runtime has gone. *)

  type payload = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

  type views = < view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t >
  (** Bigarrays of a payload's parts: kind, first byte, number of elements. *)

  (** What the bus has to know of a type of messages: the [t] of a generated module, or an object of one's own. [encode]
      gives the payload. [decode] reads one, which it must not keep; where views are offered, they may be kept. *)
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
    sequence : int64;  (** 1, 2, 3 ... per publisher *)
    publisher_id : int64;
    timestamp_ns : int64;  (** since 1970 (UTC), when it was published *)
    trace : trace option;
  }

  val type_id : t -> int
  val envelope : t -> envelope

  val length : t -> int
  (** Of the payload, in bytes. *)

  val payload : t -> payload
  (** The payload where it is, without a copy; it keeps the message. Read it only: others read the same memory. *)

  val view : t -> ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t
  (** [view message kind first count]: [count] elements from byte [first] of the payload, which has to be a multiple of
      their size; without a copy. *)

  val to_string : t -> string
  (** A copy of the payload. *)

  val decode : 'a descriptor -> t -> ('a, string) result

  val is_request : t -> bool
  (** Whether someone waits for an answer: {!Runtime.reply}. *)

  val release : t -> unit
  (** Lets go of it at once, instead of when it is collected; views of it stay. Later uses raise [Invalid_argument]. *)
end

type 'a message = 'a Message.descriptor
(** The type of [TextMessage.t] is [TextMessage.t message]. *)

(** Counters. *)
module Stats : sig
  (** Messages that were dropped, by reason. *)
  type drops = {
    oldest : int;  (** made room for a newer one *)
    newest : int;  (** found no room *)
    timeout : int;  (** their publisher had waited in vain *)
    full : int;  (** refused: their publisher was told *)
    unsubscribed : int;  (** waited when the subscription ended *)
    closed : int;  (** waited when the time of close was over *)
  }

  type runtime = {
    published : int;  (** messages accepted from publishers *)
    published_bytes : int;
    refused : int;  (** publish calls that failed *)
    offered : int;  (** message x subscription pairs: delivered + dropped + waiting *)
    delivered : int;
    waiting : int;  (** in mailboxes now *)
    callback_errors : int;  (** exceptions raised by handlers, in OCaml and elsewhere *)
    restarts : int;
    subscriptions : int;  (** alive *)
    queues : int;
    requests_pending : int;
    threads : int;
    dropped : drops;
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
  (** When it returns, no handler of the subscription runs or will run; messages that waited are dropped. In its own
      handler, and in others of its runtime, it does not wait: it holds from when that handler returns. Closing twice is
      no error. *)

  val id : t -> int
  (** Unique in the process, never used again. *)

  val type_id : t -> int

  val is_closed : t -> bool
  (** Whether it was closed, or its runtime was. *)

  val stats : t -> Stats.subscription
end

(** Messages that wait to be asked for, in place of a handler: {!Runtime.receiver}. For one thread at a time. It ends
    when it is collected, if not before. *)
module Receiver : sig
  type 'a t

  val next : ?timeout:float -> 'a t -> 'a option
  (** The next message, waiting [timeout] seconds for it, or as long as it takes. [None]: none came, or the receiver has
      ended. Raises [Bus_error (Invalid_payload, _)] for one that is malformed; the call after it gives the next. *)

  val next_batch : ?timeout:float -> 'a t -> 'a array
  (** All that wait, a few hundred at most; [[||]] where {!next} gives [None]. A malformed message ends the batch, and
      raises if it is the first of one. *)

  val fd : 'a t -> Unix.file_descr
  (** Readable while there may be messages: for [select] and event loops. Do not read or close it. It becomes unreadable
      when [next_batch ~timeout:0.] has given [[||]]. *)

  val is_ended : 'a t -> bool
  (** True when nothing more will come: it was closed, or its runtime was. Closing a runtime delivers what receivers of
      other threads still have; those of the thread that closes end at once. *)

  val stats : 'a t -> Stats.subscription
  val close : 'a t -> unit
end

(** Memory of the bus, to build a payload in that is published without a copy. *)
module Loan : sig
  type ('a, 'b) t
  (** See {!Runtime.loan}. *)

  val data : ('a, 'b) t -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t
  (** Where to write; empty once it is published. *)

  val publish : ?length:int -> ('a, 'b) t -> int -> unit
  (** [publish loan type_id] publishes the first [length] elements, or all. While a part of [data] that was cut from it
      ([Bigarray.Array1.sub]) is still in use, a copy is published. [Invalid_argument] the second time. *)

  val is_live : ('a, 'b) t -> bool
  (** Whether it can be published. *)
end

(** A bus. *)
module Runtime : sig
  type t

  (** What a full mailbox does. *)
  type policy =
    | Block  (** the publisher waits, at most [block_timeout]; in a handler it gets [Full] at once *)
    | Drop_oldest
    | Drop_newest
    | Fail  (** the publisher gets [Full] *)

  (** How much of a payload the bus checks before anyone sees it. Generated code checks what it decodes in any case. *)
  type verify = Verify_none | Verify_size | Verify_full

  (** {1 Its life} *)

  val create :
    ?name:string ->
    ?threads:int ->
    ?mailbox_capacity:int ->
    ?policy:policy ->
    ?verify:verify ->
    ?block_timeout:float ->
    ?close_timeout:float ->
    ?max_payload:int ->
    ?strict:bool ->
    ?schemas:string list ->
    ?on_error:(string -> exn -> Printexc.raw_backtrace -> unit) ->
    ?on_log:(Level.t -> string -> unit) ->
    string ->
    t
  (** [create digest]: [digest] is the [schema_digest] of a generated module, or
      {!val:Mycelium_native.schema_digest}[ ()]. [Bus_error (Digest, _)] if the library has neither that schema built in
      nor in [schemas], the [schema] of generated modules. What is left out comes from the environment
      ([MYCELIUM_...]), else it has its default: see [MyceliumRuntimeConfig] in mycelium.h.

      [on_error] gets the exceptions of handlers, with the name of the subscription; it prints them on standard error if
      it is not given. [on_log] gets what the bus itself has to tell, such as a subscription that is too slow. *)

  val create_from_topology :
    ?on_error:(string -> exn -> Printexc.raw_backtrace -> unit) ->
    ?schema_digest:string ->
    service:string ->
    string ->
    t
  (** [create_from_topology ~service path]: for a service of a topology file. *)

  val close : ?timeout:float -> t -> unit
  (** Stops accepting, delivers what was accepted until [timeout] seconds have passed ([close_timeout] if not given),
      and ends every thread. [Bus_error (Timeout, _)] if a handler still runs then: it may be called again. Not in a
      handler: [Bus_error (Unsupported, _)]. Closing twice is no error. When a signal handler raises meanwhile, closing
      goes on in the background. A program that ends without it closes its runtimes at exit, and waits 2 seconds at
      most. *)

  val is_closed : t -> bool

  val handle : t -> nativeint
  (** The [MyceliumRuntime*], for C code in this process that shares the bus. *)

  val exit_seconds : float ref
  (** How long the exit of a program waits for handlers of runtimes that are open. *)

  (** {1 Publishing}

      May wait for room in a mailbox, with OCaml's runtime lock released: policy [Block], at most [block_timeout]. When
      a signal handler raises meanwhile, the message is dropped for the subscription that had no room. Nobody
      subscribing is no error. *)

  val publish : t -> 'a message -> 'a -> unit

  (** Who gets a message. *)
  type destination =
    | To_all
    | To_subscription of Subscription.t
    | To_key of int64  (** one subscription, the same for the same key while the set of them stays the same *)

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
  (** In order, with one wake-up per subscription. The text of an error tells how many were published before it. *)

  val publish_string : t -> int -> string -> unit
  (** [publish_string t type_id payload]: bytes as they are. *)

  val publish_payload : t -> int -> Message.payload -> unit
  (** The same for a Bigarray, for instance the payload of a received message. *)

  val loan : t -> ('a, 'b) Bigarray.kind -> int -> ('a, 'b) Loan.t
  (** [loan t kind count]: memory for [count] elements, to be filled and published without a copy. A loan that is
      dropped is given back when it is collected. *)

  (** {1 Subscribing}

      Handlers run on the runtime's dispatcher, one after the other. An exception that one raises goes to [on_error] and
      is counted, as is a malformed message; the next message comes as usual. A handler may do anything but {!close} and
      {!flush}. Where it publishes into a full mailbox whose handler is in OCaml, it gets [Full] at once; a request to a
      handler of the same runtime waits for the very thread that it blocks, until its time is over. *)

  val subscribe : t -> 'a message -> ('a -> unit) -> unit
  (** As long as the runtime lives. *)

  val subscription :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?history:int ->
    ?block_timeout:float ->
    t ->
    'a message ->
    ('a -> unit) ->
    Subscription.t
  (** The same with a handle and options. [capacity]: messages that may wait; [history]: so many kept messages come
      first, see {!keep_history}. *)

  val batch_subscription :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?history:int ->
    ?block_timeout:float ->
    t ->
    'a message ->
    ('a array -> unit) ->
    Subscription.t
  (** The handler gets all that wait, a few hundred at most. *)

  val message_subscription :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?history:int ->
    ?block_timeout:float ->
    t ->
    int ->
    (Message.t -> unit) ->
    Subscription.t
  (** Messages of a type_id as they are, which may be kept. *)

  val message_batch_subscription :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?history:int ->
    ?block_timeout:float ->
    t ->
    int ->
    (Message.t array -> unit) ->
    Subscription.t

  val unsubscribe : t -> Subscription.t -> unit
  (** {!Subscription.close}. *)

  val receiver :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?history:int ->
    ?block_timeout:float ->
    t ->
    'a message ->
    'a Receiver.t
  (** Messages to be asked for, on any thread. *)

  val message_receiver :
    ?name:string ->
    ?policy:policy ->
    ?capacity:int ->
    ?history:int ->
    ?block_timeout:float ->
    t ->
    int ->
    Message.t Receiver.t

  val keep_history : t -> int -> int -> unit
  (** [keep_history t type_id depth] keeps the last messages for subscriptions that ask for history; 0 forgets them. *)

  (** {1 Requests} *)

  val request : ?timeout:float -> t -> 'a message -> 'b message -> 'a -> 'b
  (** [request t asked answered value] sends [value] and waits for the first reply, [timeout] seconds (5 if not given).
      [Bus_error] with [Timeout], or with [No_reply] at once when nobody serves it or all servers let it go. *)

  val serve : t -> 'a message -> 'b message -> ('a -> 'b) -> unit
  (** Answers requests with what the handler returns, as long as the runtime lives. When it raises, the request stays
      unanswered. Messages that are no requests are left alone. *)

  val server :
    ?name:string -> ?policy:policy -> ?capacity:int -> t -> 'a message -> 'b message -> ('a -> 'b) -> Subscription.t

  val reply : t -> Message.t -> 'a message -> 'a -> unit
  (** Answers a message for which {!Message.is_request} holds, once, on any thread. *)

  (** {1 Waiting and looking} *)

  val wait_for_subscribers : ?timeout:float -> ?count:int -> t -> int -> unit
  (** Until a type_id has so many subscriptions, in any language. [Bus_error (Timeout, _)]. *)

  val flush : ?timeout:float -> t -> unit
  (** Until all that was published before has been dropped or handled: handlers in OCaml have returned, and what went to
      a receiver was taken from it, so that one which nobody reads keeps [flush] waiting.
      [Bus_error (Timeout, _)]; in a handler [Bus_error (Unsupported, _)]. *)

  val stats : t -> Stats.runtime

  val metrics : t -> string
  (** The counters as OpenMetrics text. *)

  (** {1 Schemas} *)

  val register_schema : t -> string -> string
  (** Adds the types of a binary schema, the [schema] of a generated module; its digest. *)

  val type_digest : t -> int -> string

  val verify_payload : t -> int -> string -> unit
  (** Checks bytes against the schema of their type_id: [Bus_error (Invalid_payload, _)]. *)
end

(** Links with runtimes in other processes and on other machines, over Unix and TCP sockets: docs/bridge.md. Once two
    are linked, {!Runtime.publish} reaches subscribers on both, {!Runtime.request} servers on both. Not in a handler of the
    runtime. *)
module Bridge : sig
  (** As MyceliumBridgeConfig of mycelium_bridge.h; 0 is the default of a number. *)
  type config = {
    name : string option;  (** of this node, in logs and statistics; the runtime's *)
    token : string option;
        (** both sides of a link prove that they know it; without one, TCP beyond loopback addresses needs TLS *)
    max_links : int;  (** accepted at the same time; 256 *)
    max_frame : int;  (** the longest message with its envelope that is taken, bytes; 16 MiB *)
    window : int;  (** bytes on their way to this node, unacknowledged, per link; 4 MiB *)
    capacity : int;  (** messages that wait for one neighbour; 4096 *)
    policy : Runtime.policy;  (** where more would wait *)
    block_timeout : float option;  (** the runtime's *)
    hello_timeout : float;  (** for the other side's whole greeting; 5 s *)
    heartbeat : float;  (** the longest pause between two frames; 1 s *)
    silence : float;  (** after which the other side counts as dead; 5 s *)
    linger : float;  (** how long what waits for a neighbour that has gone is kept for its return; 30 s *)
    token_file : string option;  (** in place of the token; {!reload} reads this and the next four again *)
    tls_cert : string option;  (** PEM; with it and its key all TCP is TLS 1.3 *)
    tls_key : string option;
    tls_ca : string option;  (** PEM: whose certificates are accepted; who dials has to show one then *)
    permissions_file : string option;  (** who may link, publish and receive what: docs/bridge.md *)
    socket_mode : int;  (** of Unix sockets; 0o600 *)
    max_links_per_peer : int;  (** of one user or address *)
    max_accepts : int;  (** TCP connections taken each second; 200 *)
    max_nodes : int;  (** that one link may tell of; 512 *)
    max_state : int;  (** bytes in which a link tells of one node; 256 KiB *)
    max_types : int;  (** that one link is sent; 4096 *)
    max_requests : int;  (** of one link that are being answered; 65536 *)
    max_message_rate : int;  (** each second, from one link, before it is read more slowly; 0: none *)
    max_byte_rate : int;  (** the same *)
    max_control_rate : int;  (** the same, of control frames; 100000 *)
    at_least_once : string option;
        (** types whose messages go to the next node of a neighbour's name if it dies before it has delivered them: ids,
            ranges, topics or ["*"], as ["20001, 20010-20019, sensors"] *)
  }

  val default : config

  val open_ : Runtime.t -> config -> unit
  (** Before {!dial} and {!listen}, which otherwise take the default. A runtime has one bridge:
      [Bus_error (Invalid_argument, _)] the second time. *)

  val listen : Runtime.t -> string -> string
  (** Listens at ["unix:PATH"], ["tcp:HOST:PORT"], ["tcp:[IPV6]:PORT"] or ["tls:HOST:PORT"]; the address as it came to
      be (port 0: the system chooses). *)

  val dial : Runtime.t -> string -> unit
  (** Links with whoever listens there, now or later, and again after the link is cut. Returns before there is one. *)

  val reload : Runtime.t -> unit
  (** Reads the files of the configuration again. If anything is wrong with one, all stays as it was:
      [Bus_error (Invalid_argument, _)]. *)

  val wait_for_links : ?timeout:float -> Runtime.t -> int -> unit
  (** Until so many neighbours are linked. [Bus_error (Timeout, _)]. To know that a subscriber elsewhere can be reached,
      use {!Runtime.wait_for_subscribers}. *)

  type stats = {
    node : int64;  (** this node's id *)
    neighbours : int;  (** linked now *)
    reachable : int;  (** nodes, over neighbours too; this one not counted *)
    links_made : int;
    links_cut : int;
    refused : int;  (** connections that did not become links *)
    received : int;  (** messages, of the links of now *)
    sent : int;  (** messages, each once *)
    sent_again : int;  (** after a link was cut *)
    acknowledged : int;  (** of sent *)
    dropped : int;  (** for want of room, by the policy *)
    lost : int;  (** on their way to a neighbour that did not come back *)
    missing : int;  (** that a neighbour had numbered and never sent *)
    repeated : int;  (** that came by two ways; delivered once *)
    invalid : int;  (** refused by verification or limits *)
    not_allowed : int;  (** of types that their senders may not publish here *)
  }

  val stats : Runtime.t -> stats
  (** [Bus_error (Invalid_argument, _)] if the runtime has no bridge, as {!json}. *)

  val json : Runtime.t -> string
  (** The same and each neighbour, as JSON. *)
end

(** {1 About the library} *)

val schema_digest : unit -> string
(** Of the schema that is built in. *)

val version : unit -> string
val abi_version : unit -> int

val info_json : unit -> string
(** What a bug report needs. *)

(** What mycelium_native_lwt is made of: replies that come to a queue, whose file descriptor an event loop watches. *)
module For_event_loops : sig
  val open_queue : Runtime.t -> int
  val close_queue : Runtime.t -> int -> unit

  val queue_fd : Runtime.t -> int -> Unix.file_descr
  (** Readable while there may be replies. *)

  val send : Runtime.t -> 'a message -> queue:int -> timeout:float -> 'a -> int
  (** Sends a request; its id. *)

  val forget : Runtime.t -> int -> unit

  val replies : Runtime.t -> queue:int -> (int * (Message.t, Status.t) result) list
  (** What has come, without waiting. [[]] makes the descriptor unreadable. *)
end

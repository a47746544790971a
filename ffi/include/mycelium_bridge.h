/* Bridges: a runtime joins others, in other processes and on other machines, over Unix and TCP sockets. Once linked,
 * mycelium_publish reaches subscribers everywhere, mycelium_request servers everywhere; only types that somebody there
 * subscribes to cross a link. docs/bridge.md tells what is guaranteed, docs/bridge-protocol.md what crosses the wire.
 *
 * Threads: every function may be called from any thread but a callback of the runtime. Each blocks for moments at most,
 * but mycelium_bridge_wait_for_links.
 *
 * Errors: statuses and mycelium_last_error(), as in mycelium.h.
 *
 * The end: closing the runtime closes its bridge, once what was accepted has been acknowledged by the neighbours that
 * are linked, or at close's deadline.
 */
#ifndef MYCELIUM_BRIDGE_H
#define MYCELIUM_BRIDGE_H

#include "mycelium.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero in a field is its default. Times in nanoseconds. */
typedef struct MyceliumBridgeConfig {
  size_t struct_size;
  const char* name;         /* of this node, in logs and statistics; the runtime's name */
  const char* token;        /* both sides of a link prove that they know it (HMAC-SHA256 over fresh nonces; it does not
                               cross the wire). NULL: no proof, and TCP beyond loopback addresses needs TLS */
  uint32_t max_links;       /* accepted at the same time; 256 */
  uint32_t max_frame;       /* longest message with its envelope that is taken, bytes; 16 MiB */
  uint32_t window;          /* bytes on their way to this node, unacknowledged, per link; 4 MiB */
  uint32_t capacity;        /* messages that wait for one neighbour; 4096 */
  int32_t policy;           /* MyceliumPolicy where more would wait; MYCELIUM_POLICY_BLOCK */
  int64_t block_timeout_ns; /* the runtime's */
  int64_t hello_timeout_ns; /* for the other side's whole greeting; 5 s */
  int64_t heartbeat_ns;     /* the longest pause between two frames; 1 s, or less if the other side asks for it */
  int64_t silence_ns;       /* after which the other side counts as dead; 5 s */
  int64_t linger_ns;        /* how long what waits for a neighbour that has gone is kept for its return; 30 s */
  /* Files, which mycelium_bridge_reload reads again. Paths; NULL: none. */
  const char* token_file; /* in place of token: its text without the end of its last line */
  const char* tls_cert;   /* PEM: ours and those up to the authority's; with it and its key all TCP is TLS 1.3 */
  const char* tls_key;    /* PEM, without a password */
  const char* tls_ca;     /* PEM: whose certificates are accepted. Who dials us has to show one then. NULL: who
                             dials us is not asked; whom we dial is checked by the system's authorities */
  const char*
      permissions_file; /* who may link, publish and receive what: docs/bridge.md; NULL: whoever has the above */
  uint32_t socket_mode; /* of Unix sockets; 0600 */
  /* Limits. docs/bridge.md sums up what a link may cost. */
  uint32_t max_links_per_peer; /* of one user or address; max_links, of an address elsewhere a quarter of it */
  uint32_t max_accepts;        /* TCP connections taken each second; others wait in the kernel; 200 */
  uint32_t max_nodes;          /* that one link may tell of; more are not believed; 512 */
  uint32_t max_state;          /* bytes in which a link tells of one node; 256 KiB */
  uint32_t max_types;          /* that one link is sent; 4096 */
  uint32_t max_requests;       /* of one link that are being answered; more hear MYCELIUM_ERROR_FULL; 65536 */
  /* Each second, from one link, before it is read more slowly, so that its sender waits and nothing is lost. */
  uint64_t max_message_rate; /* 0: none */
  uint64_t max_byte_rate;    /* 0: none */
  uint64_t max_control_rate; /* control frames; one that tells of a node counts as 100; 100000 */
  /* Types that are delivered at least once: ids, ranges, topics or "*", as "20001, 20010-20019, sensors". What a
     neighbour has not delivered when it dies goes to the next node of its name, within linger_ns; docs/bridge.md.
     NULL: none. */
  const char* at_least_once;
} MyceliumBridgeConfig;

MYCELIUM_API void mycelium_bridge_config_init(MyceliumBridgeConfig* config);

/* Gives the runtime a bridge, without an address yet. config may be NULL. A runtime has one:
 * MYCELIUM_ERROR_INVALID_ARGUMENT the second time. */
MYCELIUM_API int32_t mycelium_bridge_open(MyceliumRuntime* rt, const MyceliumBridgeConfig* config);

/* Listens at "unix:PATH", "tcp:HOST:PORT", "tcp:[IPV6]:PORT" or "tls:HOST:PORT"; opens a bridge with the defaults first
 * if there is none. A Unix socket has mode 0600 and takes processes of this user, of root, and of users that the
 * permissions name; the file of a process that died is replaced. With a TLS certificate "tcp:" means "tls:", too; an
 * address that others can reach needs a token or tls_ca (else MYCELIUM_ERROR_INVALID_ARGUMENT). Port 0: the system
 * chooses. The address as it came to be goes to buffer: rules as in mycelium_info_json; buffer may be NULL with cap 0.
 */
MYCELIUM_API int32_t mycelium_bridge_listen(MyceliumRuntime* rt, const char* address, char* buffer, size_t cap,
                                            size_t* out_len);
/* Links with whoever listens at the address, now or later, and again after the link is cut: tried with pauses that grow
 * from 50 ms to 5 s. Returns before there is a link. Opens a bridge with the defaults first if there is none.
 * "tls:HOST:PORT" asks for TLS even without any file; the certificate has to name HOST. */
MYCELIUM_API int32_t mycelium_bridge_dial(MyceliumRuntime* rt, const char* address);
/* Until at least count neighbours are linked; MYCELIUM_ERROR_TIMEOUT. To know that a subscriber elsewhere can be
 * reached, use mycelium_wait_for_subscribers. */
MYCELIUM_API int32_t mycelium_bridge_wait_for_links(MyceliumRuntime* rt, size_t count, int64_t timeout_ns);

/* Reads the files of the configuration again. New links begin with what they say; a link that would not come up with it
 * (another token, a certificate that is not accepted any more, no rule that fits) is ended with a reason, and what is
 * not acknowledged waits for its return. Rules for types count at once. If anything is wrong with a file, all stays as
 * it was: MYCELIUM_ERROR_INVALID_ARGUMENT, also in the log. */
MYCELIUM_API int32_t mycelium_bridge_reload(MyceliumRuntime* rt);

typedef struct MyceliumBridgeStats {
  size_t struct_size;
  uint64_t node;       /* this node's id, drawn at random when the bridge was opened */
  uint64_t neighbours; /* linked now */
  uint64_t reachable;  /* nodes, over neighbours too; this one not counted */
  uint64_t links_made;
  uint64_t links_cut;
  uint64_t refused;      /* connections that did not become links */
  uint64_t received;     /* messages, of the links of now */
  uint64_t sent;         /* messages, each once */
  uint64_t sent_again;   /* after a link was cut */
  uint64_t acknowledged; /* of sent */
  uint64_t dropped;      /* for want of room, by the policy */
  uint64_t lost;         /* on their way to a neighbour that did not come back, or waiting for it */
  uint64_t missing;      /* that a neighbour had numbered and never sent */
  uint64_t repeated;     /* that came by two ways; delivered once */
  uint64_t invalid;      /* refused by verification or limits */
  uint64_t not_allowed;  /* of types that their senders may not publish here; dropped */
} MyceliumBridgeStats;

/* MYCELIUM_ERROR_INVALID_ARGUMENT if the runtime has no bridge. */
MYCELIUM_API int32_t mycelium_bridge_stats(MyceliumRuntime* rt, MyceliumBridgeStats* out);
/* The same, and each neighbour, as JSON: {"node": .., "neighbours": [{"node", "name", "link", "sent", ...}],
 * "nodes": [{"node", "name", "neighbours": [..], "wants": [..]}], "gone": {"sent", ...}, ...}: nodes are all that can
 * be reached and this one, each with the type ids that it subscribes to; gone sums up neighbours that did not come
 * back, as mycelium_bridge_stats does with the others. Node ids are strings of 16 hexadecimal digits. Buffer rules as
 * in mycelium_info_json. */
MYCELIUM_API int32_t mycelium_bridge_json(MyceliumRuntime* rt, char* buffer, size_t cap, size_t* out_len);

/* ---- gateways: programs that carry messages between the mesh and another system, as `mycelium bridge --nats` does
 * ----
 *
 * A gateway subscribes with MYCELIUM_SUBSCRIBE_GATEWAY to the types that it carries away; it passes over what it
 * brought itself (the origin's `way` is its id) and what is not of this mesh. What it brings it publishes with the
 * envelope and the origin that the message had: by these every node knows a message that comes a second time. */

/* Opens a bridge with the defaults first if there is none. *out_gateway is the gateway's id, and lasts as the runtime.
 */
MYCELIUM_API int32_t mycelium_bridge_open_gateway(MyceliumRuntime* rt, uint64_t* out_gateway);

typedef struct MyceliumOrigin {
  size_t struct_size;
  uint64_t node;    /* on which it was published; 0 if this runtime has no bridge */
  uint64_t way;     /* by which it came: a gateway's id, or a link's; 0: it was published in this process */
  uint32_t hops;    /* links and gateways that it has crossed; with 16 it goes no further */
  uint32_t of_mesh; /* 1: the node belongs to this mesh or did lately; 0: a gateway has brought it. Known from
                       mycelium_bridge_open_gateway on */
} MyceliumOrigin;

/* Where a message comes from; publisher, sequence and time are in its envelope. Also in callbacks. */
MYCELIUM_API int32_t mycelium_bridge_origin(MyceliumRuntime* rt, const MyceliumMessage* message, MyceliumOrigin* out);

/* The types that subscribers of this mesh want, this process among them, but not those that only gateways want; sorted.
 * Waits until the list is another than that of *version, which it then sets (0 at first: at once);
 * MYCELIUM_ERROR_TIMEOUT. Needs mycelium_bridge_open_gateway. Writes at most cap types (65536 are always enough);
 * *out_count is how many there are. */
MYCELIUM_API int32_t mycelium_bridge_wanted_types(MyceliumRuntime* rt, uint64_t* version, int64_t timeout_ns,
                                                  uint16_t* types, size_t cap, size_t* out_count);

typedef struct MyceliumRemoteMessage {
  const MyceliumEnvelope* envelope; /* sequence, publisher_id and timestamp_ns included; destination: all or a key */
  uint64_t node;                    /* on which it was published: any number but 0, the same for the same node */
  const uint8_t* payload;
  size_t len;
  uint32_t hops; /* that it had crossed before this one */
  int32_t
      outcome; /* set by the call. 0: accepted; MYCELIUM_DEFERRED: passed over, since it came before or is this
                  node's own; below 0: refused, as mycelium_publish says, payloads being verified like a stranger's */
} MyceliumRemoteMessage;

/* Publishes what came from elsewhere, in order. Blocks as long as mailboxes that it is for are full and their policies
 * say so. May be called from several threads, one for each publisher and type at a time. MYCELIUM_SUCCESS if every
 * message got its outcome; MYCELIUM_ERROR_CLOSED: those with that outcome were not published. */
MYCELIUM_API int32_t mycelium_bridge_publish(MyceliumRuntime* rt, uint64_t gateway, MyceliumRemoteMessage* messages,
                                             size_t count);
/* Waits until every neighbour has acknowledged what this runtime had accepted for it when the call was made (or it was
 * dropped, or counted as lost): then the end of this process loses none of it. MYCELIUM_ERROR_TIMEOUT. */
MYCELIUM_API int32_t mycelium_bridge_flush(MyceliumRuntime* rt, int64_t timeout_ns);
/* As mycelium_bridge_publish for one request; its outcome comes as that of mycelium_request_async. MYCELIUM_DEFERRED,
 * without an outcome, if it came before. */
MYCELIUM_API int32_t mycelium_bridge_request(MyceliumRuntime* rt, uint64_t gateway, MyceliumRemoteMessage* message,
                                             const MyceliumRequestOptions* options, uint64_t* out_request_id);

#ifdef __cplusplus
}
#endif
#endif

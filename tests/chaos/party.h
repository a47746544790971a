/* One side of a scenario: what it was asked to be, and its four roles. */
#ifndef CHAOS_PARTY_H
#define CHAOS_PARTY_H

#include "content.h"

#include <mycelium.h>
#include <mycelium_bridge.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum { MAX_TYPES = 8, REQUEST_TYPE = 30100 };

typedef struct Options {
  const char* role; /* publish, subscribe, ask or serve */
  const char* listen;
  const char* dial;
  const char* name;
  const char* token;
  const char* schema;  /* a .bfbs to register */
  const char* journal; /* what came: records of 16 bytes, appended before the callback returns */
  const char* books;   /* what was published: three counters, mapped, which outlive the process */
  uint16_t types[MAX_TYPES];
  uint64_t type_count;
  uint64_t first; /* number */
  uint64_t count; /* 0: until it is told to stop */
  uint64_t rate;  /* a second; 0: as fast as it goes */
  Sizes sizes;
  uint64_t slow_us;         /* what a subscriber takes for each message */
  uint64_t mailbox;         /* its capacity; 0: the default */
  uint64_t timeout_ms;      /* of a request */
  uint64_t outstanding;     /* requests at the same time */
  MyceliumBridgeConfig how; /* heartbeat_ms, silence_ms, linger_ms, capacity, policy, window, block_ms, node (its name),
                               at_least_once */
} Options;

/* One record of a journal. */
typedef struct Record {
  uint64_t number;
  uint32_t type_id;
  uint32_t sound; /* 1: every byte was right */
} Record;

typedef struct Role {
  int (*start)(MyceliumRuntime* rt, const Options* options); /* 0, or the program ends with 1 */
  void (*stop)(void);                                        /* begins nothing more, and ends what it began */
  void (*report)(FILE* to);                                  /* ", \"name\": value" and so on */
} Role;

extern const Role publish_role;
extern const Role subscribe_role;
extern const Role ask_role;
extern const Role serve_role;

/* journal.c */
int journal_open(const char* path); /* 0 or -1; path may be NULL: nothing is written */
void journal_write(uint64_t number, uint16_t type_id, int sound);

#endif

/* What message number n looks like. Everything follows from the number, so a receiver compares every byte with what it
 * has to be, and no checksum can hide a mistake. */
#ifndef CHAOS_CONTENT_H
#define CHAOS_CONTENT_H

#include <stddef.h>
#include <stdint.h>

enum { CONTENT_MAX = 64 << 10 };

typedef enum Sizes {
  SIZES_SMALL, /* 32 to 256 bytes, for slow networks */
  SIZES_MIXED  /* mostly that, some of a few KiB, and every fiftieth or so up to 64 KiB */
} Sizes;

/* Writes message `number` of this type to `to`, which has CONTENT_MAX bytes; returns its size. Types from 20100 to
 * 20199 are a FlatBuffers table whose first field is a uint64, the number; all others are plain bytes. */
size_t content_write(uint64_t number, uint16_t type_id, Sizes sizes, uint8_t* to);
/* 1 if the payload is that of the number that it says it has, which goes to *number. */
int content_read(const uint8_t* payload, size_t len, uint16_t type_id, Sizes sizes, uint64_t* number);

#endif

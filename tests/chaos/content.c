#include "content.h"

#include <string.h>

enum { HEADER = 8, TABLE_SIZE = 24, TABLE_NUMBER_AT = 16 };

static int is_table(uint16_t type_id) { return type_id >= 20100 && type_id < 20200; }

/* splitmix64: neighbouring numbers give unlike results. */
static uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static size_t size_of(uint64_t number, Sizes sizes) {
  const uint64_t chance = mixed(number);
  const uint64_t pick = chance >> 32;
  if (sizes == SIZES_MIXED && chance % 50 == 0)
    return (size_t)(HEADER + pick % (CONTENT_MAX - HEADER));
  if (sizes == SIZES_MIXED && chance % 10 == 0)
    return (size_t)(1024 + pick % 4096);
  return (size_t)(32 + pick % 225);
}

/* Root offset, padding, a vtable with one field, the table: its way back to the vtable, then the field. */
static size_t write_table(uint64_t number, uint8_t* to) {
  static const uint8_t frame[TABLE_NUMBER_AT] = {12, 0, 0, 0, 0, 0, 6, 0, 12, 0, 4, 0, 6, 0, 0, 0};
  memcpy(to, frame, sizeof frame);
  memcpy(to + TABLE_NUMBER_AT, &number, sizeof number);
  return TABLE_SIZE;
}

size_t content_write(uint64_t number, uint16_t type_id, Sizes sizes, uint8_t* to) {
  if (is_table(type_id))
    return write_table(number, to);
  const size_t size = size_of(number, sizes);
  memcpy(to, &number, HEADER);
  uint64_t word = mixed(number ^ type_id);
  for (size_t at = HEADER; at < size; at += sizeof word) {
    const size_t left = size - at;
    memcpy(to + at, &word, left < sizeof word ? left : sizeof word);
    word = word * 6364136223846793005u + 1442695040888963407u;
  }
  return size;
}

int content_read(const uint8_t* payload, size_t len, uint16_t type_id, Sizes sizes, uint64_t* number) {
  static _Thread_local uint8_t expected[CONTENT_MAX];
  const size_t at = is_table(type_id) ? TABLE_NUMBER_AT : 0;
  if (len < at + sizeof *number)
    return 0;
  memcpy(number, payload + at, sizeof *number);
  return content_write(*number, type_id, sizes, expected) == len && memcmp(expected, payload, len) == 0;
}

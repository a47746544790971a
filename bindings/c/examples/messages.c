#include "messages.h"

#include <string.h>

/* Well-formed UTF-8, as every string of a message is: no overlong forms, no surrogates, nothing over U+10FFFF. */
static bool is_utf8(const char* data, size_t len) {
  const uint8_t* text = (const uint8_t*)data;
  size_t i = 0;
  while (i < len) {
    uint64_t eight;
    if (len - i >= sizeof eight) { /* most text is ASCII */
      memcpy(&eight, text + i, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    const uint8_t lead = text[i];
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const size_t following = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    const uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0xc2 || lead > 0xf4 || len - i <= following || text[i + 1] < least || text[i + 1] > most)
      return false;
    for (size_t k = 2; k <= following; ++k)
      if ((text[i + k] & 0xc0) != 0x80)
        return false;
    i += following + 1;
  }
  return true;
}

/* ---- writing: from the end of the buffer to its start, so that what is referred to stands behind who refers
 * ---------- A FlatBuffers table is: a distance to its vtable, then its fields; a vtable says how far each field is
 * from there. */

enum { MOST_FIELDS = 3 };

typedef struct Writer {
  uint8_t* buffer;
  size_t capacity;
  size_t size;                /* bytes written, counted from the end; capacity + 1 when they did not fit */
  size_t alignment;           /* the largest that was asked for */
  size_t table;               /* size when the table was begun */
  size_t fields[MOST_FIELDS]; /* size after each field; 0: absent */
} Writer;

static Writer writer_over(uint8_t* buffer, size_t capacity) {
  const Writer writer = {buffer, capacity, 0, 4, 0, {0}};
  return writer;
}

/* Room for len bytes that begin, once padding is put behind them, at a multiple of alignment from the end. */
static uint8_t* take(Writer* self, size_t len, size_t alignment) {
  const size_t padding = (~(self->size + len) + 1) & (alignment - 1);
  if (self->size > self->capacity || len + padding > self->capacity - self->size) {
    self->size = self->capacity + 1;
    return NULL;
  }
  if (alignment > self->alignment)
    self->alignment = alignment;
  uint8_t* to = self->buffer + self->capacity - self->size;
  for (size_t i = 0; i < padding; ++i)
    *--to = 0;
  self->size += padding + len;
  return to - len;
}

/* Little endian, as every machine that Mycelium runs on. */
static void write_u32(Writer* self, uint32_t value) {
  uint8_t* to = take(self, sizeof value, sizeof value);
  if (to != NULL)
    memcpy(to, &value, sizeof value);
}
static void write_u64(Writer* self, uint64_t value) {
  uint8_t* to = take(self, sizeof value, sizeof value);
  if (to != NULL)
    memcpy(to, &value, sizeof value);
}

/* The place of a string: 0 for an empty one, which is left out. Other text than UTF-8 counts as what does not fit. */
static size_t write_text(Writer* self, Text text) {
  if (text.len == 0)
    return 0;
  if (!is_utf8(text.data, text.len))
    self->size = self->capacity + 1;
  uint8_t* to = take(self, text.len + 1, 4);
  if (to == NULL)
    return 0;
  memcpy(to, text.data, text.len);
  to[text.len] = 0;
  write_u32(self, (uint32_t)text.len);
  return self->size;
}

static void begin_table(Writer* self) { self->table = self->size; }

/* A number that is the default is left out. */
static void write_u64_field(Writer* self, unsigned field, uint64_t value) {
  if (value == 0)
    return;
  write_u64(self, value);
  self->fields[field] = self->size;
}
static void write_i32_field(Writer* self, unsigned field, int32_t value) {
  if (value == 0)
    return;
  write_u32(self, (uint32_t)value);
  self->fields[field] = self->size;
}

static void write_reference(Writer* self, unsigned field, size_t place) {
  if (place == 0)
    return;
  uint8_t* to = take(self, 4, 4);
  if (to == NULL)
    return;
  const uint32_t distance = (uint32_t)(self->size - place);
  memcpy(to, &distance, 4);
  self->fields[field] = self->size;
}

/* The vtable and the offset of the table, with which a payload begins. */
static const uint8_t* finish(Writer* self, size_t* out_len) {
  unsigned count = MOST_FIELDS;
  while (count > 0 && self->fields[count - 1] == 0)
    --count;
  write_u32(self, 0); /* becomes the distance to the vtable */
  const size_t start = self->size;
  uint8_t* vtable = take(self, 4 + 2 * (size_t)count, 2);
  if (vtable == NULL)
    return NULL;
  uint16_t entries[2 + MOST_FIELDS] = {(uint16_t)(4 + 2 * count), (uint16_t)(start - self->table)};
  for (unsigned i = 0; i < count; ++i)
    entries[2 + i] = (uint16_t)(self->fields[i] == 0 ? 0 : start - self->fields[i]);
  memcpy(vtable, entries, 4 + 2 * (size_t)count);
  const int32_t to_vtable = (int32_t)(self->size - start);
  memcpy(self->buffer + self->capacity - start, &to_vtable, 4);

  uint8_t* root = take(self, 4, self->alignment);
  if (root == NULL)
    return NULL;
  const uint32_t to_table = (uint32_t)(self->size - start);
  memcpy(root, &to_table, 4);
  *out_len = self->size;
  return root;
}

/* Strings first, in their order; then the fields, the large before the small and the last before the first. */

const uint8_t* text_message_encode(const TextMessage* message, uint8_t* buffer, size_t capacity, size_t* out_len) {
  Writer writer = writer_over(buffer, capacity);
  const size_t sender = write_text(&writer, message->sender);
  const size_t content = write_text(&writer, message->content);
  begin_table(&writer);
  write_u64_field(&writer, 2, message->timestamp);
  write_reference(&writer, 1, content);
  write_reference(&writer, 0, sender);
  return finish(&writer, out_len);
}

const uint8_t* counter_update_encode(const CounterUpdate* message, uint8_t* buffer, size_t capacity, size_t* out_len) {
  Writer writer = writer_over(buffer, capacity);
  begin_table(&writer);
  write_u64_field(&writer, 0, message->counter_id);
  write_i32_field(&writer, 2, message->delta);
  write_i32_field(&writer, 1, message->value);
  return finish(&writer, out_len);
}

const uint8_t* word_count_request_encode(const WordCountRequest* message, uint8_t* buffer, size_t capacity,
                                         size_t* out_len) {
  Writer writer = writer_over(buffer, capacity);
  const size_t text = write_text(&writer, message->text);
  begin_table(&writer);
  write_reference(&writer, 0, text);
  return finish(&writer, out_len);
}

const uint8_t* word_count_reply_encode(const WordCountReply* message, uint8_t* buffer, size_t capacity,
                                       size_t* out_len) {
  Writer writer = writer_over(buffer, capacity);
  begin_table(&writer);
  write_u64_field(&writer, 1, message->bytes);
  write_u64_field(&writer, 0, message->words);
  return finish(&writer, out_len);
}

/* ---- reading: root offset -> table -> vtable -> field, each step inside the payload ---- */

typedef struct Reader {
  const uint8_t* payload;
  size_t len;
  size_t table;
  size_t table_size;
  size_t vtable;
  size_t vtable_size;
} Reader;

static uint32_t load_u32(const uint8_t* at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}
static uint16_t load_u16(const uint8_t* at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static bool open_table(Reader* self, const uint8_t* payload, size_t len) {
  self->payload = payload;
  self->len = len;
  if (len < 8 || load_u32(payload) == 0 || load_u32(payload) > len - 4)
    return false;
  self->table = load_u32(payload);
  if (self->table % 4 != 0)
    return false;
  const int64_t vtable = (int64_t)self->table - (int32_t)load_u32(payload + self->table);
  if (vtable < 0 || vtable > (int64_t)len - 4 || vtable % 2 != 0)
    return false;
  self->vtable = (size_t)vtable;
  self->vtable_size = load_u16(payload + self->vtable);
  self->table_size = load_u16(payload + self->vtable + 2);
  return self->vtable_size >= 4 && self->vtable_size % 2 == 0 && self->vtable_size <= len - self->vtable &&
         self->table_size >= 4 && self->table_size <= len - self->table;
}

/* Where a field of size bytes is; 0 if it is absent. False if it is misaligned or not inside its table. */
static bool find_field(const Reader* self, unsigned field, size_t size, size_t* out_at) {
  const size_t slot = 4 + 2 * (size_t)field;
  const size_t distance = slot + 2 <= self->vtable_size ? load_u16(self->payload + self->vtable + slot) : 0;
  *out_at = distance == 0 ? 0 : self->table + distance;
  return distance == 0 || (distance >= 4 && distance + size <= self->table_size && *out_at % size == 0);
}

static bool read_u64(const Reader* self, unsigned field, uint64_t* out) {
  size_t at;
  if (!find_field(self, field, sizeof *out, &at))
    return false;
  *out = 0;
  if (at != 0)
    memcpy(out, self->payload + at, sizeof *out);
  return true;
}

static bool read_i32(const Reader* self, unsigned field, int32_t* out) {
  size_t at;
  if (!find_field(self, field, sizeof *out, &at))
    return false;
  *out = 0;
  if (at != 0)
    memcpy(out, self->payload + at, sizeof *out);
  return true;
}

static bool read_text(const Reader* self, unsigned field, Text* out) {
  size_t at;
  if (!find_field(self, field, 4, &at))
    return false;
  out->data = "";
  out->len = 0;
  if (at == 0)
    return true;
  const size_t distance = load_u32(self->payload + at);
  const size_t string = at + distance;
  if (distance == 0 || string % 4 != 0 || string > self->len - 5)
    return false;
  out->len = load_u32(self->payload + string);
  out->data = (const char*)self->payload + string + 4;
  return out->len <= self->len - string - 5 && out->data[out->len] == '\0' && is_utf8(out->data, out->len);
}

bool text_message_decode(const uint8_t* payload, size_t len, TextMessage* out) {
  Reader reader;
  return open_table(&reader, payload, len) && read_text(&reader, 0, &out->sender) &&
         read_text(&reader, 1, &out->content) && read_u64(&reader, 2, &out->timestamp);
}

bool counter_update_decode(const uint8_t* payload, size_t len, CounterUpdate* out) {
  Reader reader;
  return open_table(&reader, payload, len) && read_u64(&reader, 0, &out->counter_id) &&
         read_i32(&reader, 1, &out->value) && read_i32(&reader, 2, &out->delta);
}

bool word_count_request_decode(const uint8_t* payload, size_t len, WordCountRequest* out) {
  Reader reader;
  return open_table(&reader, payload, len) && read_text(&reader, 0, &out->text);
}

bool word_count_reply_decode(const uint8_t* payload, size_t len, WordCountReply* out) {
  Reader reader;
  return open_table(&reader, payload, len) && read_u64(&reader, 0, &out->words) && read_u64(&reader, 1, &out->bytes);
}

uint64_t count_words(Text text) {
  uint64_t words = 0;
  bool in_word = false;
  for (size_t i = 0; i < text.len; ++i) {
    const char c = text.data[i];
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    words += !space && !in_word;
    in_word = !space;
  }
  return words;
}

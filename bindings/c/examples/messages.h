/* The messages of schema/examples.fbs that the examples use, read and written in C. The schema compiler does not write
 * C: this is what it would take by hand, for messages of numbers and strings. Whatever another language wrote is read,
 * and the bytes that are written are the canonical ones of docs/schema.md, the same as in every language.
 *
 * Threads: no state; any thread. Ownership: texts that were read stand in the payload, and last as long as it does;
 * they are not zero-terminated. */
#ifndef MYCELIUM_EXAMPLES_MESSAGES_H
#define MYCELIUM_EXAMPLES_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TEXT_MESSAGE = 1001, COUNTER_UPDATE = 1002, WORD_COUNT_REQUEST = 1004, WORD_COUNT_REPLY = 1005 };

typedef struct Text {
  const char* data;
  size_t len;
} Text;

typedef struct TextMessage {
  Text sender;
  Text content;
  uint64_t timestamp;
} TextMessage;

typedef struct CounterUpdate {
  uint64_t counter_id;
  int32_t value;
  int32_t delta;
} CounterUpdate;

typedef struct WordCountRequest {
  Text text;
} WordCountRequest;

typedef struct WordCountReply {
  uint64_t words;
  uint64_t bytes;
} WordCountReply;

/* A payload of a message without text, and what a message with text adds to the bytes of its texts. */
enum { MESSAGE_SPACE = 64 };

/* Writes a message into the end of buffer. Its first byte, and *out_len its length; NULL if a text is not UTF-8, or if
 * the message does not fit into capacity bytes: MESSAGE_SPACE and the lengths of the texts are always enough. */
const uint8_t* text_message_encode(const TextMessage* message, uint8_t* buffer, size_t capacity, size_t* out_len);
const uint8_t* counter_update_encode(const CounterUpdate* message, uint8_t* buffer, size_t capacity, size_t* out_len);
const uint8_t* word_count_request_encode(const WordCountRequest* message, uint8_t* buffer, size_t capacity,
                                         size_t* out_len);
const uint8_t* word_count_reply_encode(const WordCountReply* message, uint8_t* buffer, size_t capacity,
                                       size_t* out_len);

/* Reads a payload, which may be anybody's bytes. False if it is no such message. */
bool text_message_decode(const uint8_t* payload, size_t len, TextMessage* out);
bool counter_update_decode(const uint8_t* payload, size_t len, CounterUpdate* out);
bool word_count_request_decode(const uint8_t* payload, size_t len, WordCountRequest* out);
bool word_count_reply_decode(const uint8_t* payload, size_t len, WordCountReply* out);

/* Runs of bytes other than space, tab, line feed and carriage return. */
uint64_t count_words(Text text);

#ifdef __cplusplus
}
#endif
#endif

#include "text_publisher.hpp"

#include "examples.hpp" // generated from schema/examples.fbs
#include "publisher_state.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using mycelium::examples::TextMessage;
using mycelium::examples::WordCountReply;
using mycelium::examples::WordCountRequest;

constexpr std::int64_t reply_timeout_ns = 10'000'000'000;

thread_local std::string last_error;

std::uint64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

// Each line with its line feed, so that the lines put together are the file.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    const std::size_t size = (end == std::string::npos ? text.size() : end + 1) - begin;
    lines.push_back(text.substr(begin, size));
    begin += size;
  }
  return lines;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::uint64_t words_of(std::string_view text) {
  std::uint64_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    words += !in_word && !is_space(c);
    in_word = !is_space(c);
  }
  return words;
}

std::uint64_t percentile(std::vector<std::uint64_t>& sorted, std::size_t hundredths) {
  return sorted.empty() ? 0 : sorted[(sorted.size() - 1) * hundredths / 100];
}

} // namespace

std::int32_t fail_publisher(std::int32_t status, std::string_view what) {
  last_error = std::string(what) + ": " + mycelium_last_error();
  return status;
}

TextPublisher* text_publisher_open(MyceliumRuntime* rt, const char* path, TextPublisherFile* out) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty()) {
    last_error = std::string(path) + (file ? " is empty: give a file with text" : " cannot be read");
    return nullptr;
  }
  const std::string_view full(path);
  auto* self = new TextPublisher{rt, std::string(full.substr(full.find_last_of('/') + 1)), lines_of(text), 0};
  *out = {self->lines.size(), text.size()};
  return self;
}

std::int32_t text_publisher_stream(TextPublisher* self, std::uint64_t count, std::uint32_t lines_per_second) {
  using clock = std::chrono::steady_clock;
  const std::chrono::nanoseconds step(lines_per_second == 0 ? 0 : 1'000'000'000 / lines_per_second);
  auto due = clock::now();
  TextMessage message;
  message.sender = self->name;
  for (; count > 0; --count) {
    if (lines_per_second != 0)
      std::this_thread::sleep_until(due += step);
    message.content = self->lines[self->next];
    message.timestamp = now_ns();
    const auto payload = message.encode();
    if (const auto sent = mycelium_publish(self->rt, TextMessage::type_id, payload.data(), payload.size()); sent < 0)
      return fail_publisher(sent, "publish");
    self->next = (self->next + 1) % self->lines.size();
  }
  return MYCELIUM_SUCCESS;
}

std::int32_t text_publisher_count_words(TextPublisher* self, std::uint32_t lines_per_request, TextPublisherWords* out) {
  *out = {};
  std::vector<std::uint64_t> latencies;
  for (std::size_t begin = 0; begin < self->lines.size(); begin += lines_per_request) {
    WordCountRequest request;
    const std::size_t end = std::min(self->lines.size(), begin + lines_per_request);
    for (std::size_t line = begin; line < end; ++line)
      request.text += self->lines[line];
    const auto payload = request.encode();
    const auto before = now_ns();
    MyceliumMessage* reply = nullptr;
    if (const auto asked = mycelium_request(self->rt, WordCountRequest::type_id, payload.data(), payload.size(),
                                            reply_timeout_ns, &reply);
        asked < 0)
      return fail_publisher(asked, "request");
    latencies.push_back(now_ns() - before);
    std::size_t size = 0;
    const std::uint8_t* data = mycelium_message_payload(reply, &size);
    const auto answer = WordCountReply::decode({data, size});
    mycelium_message_release(reply);
    if (!answer) {
      last_error = "the answer to a WordCountRequest is no WordCountReply";
      return MYCELIUM_ERROR_INVALID_PAYLOAD;
    }
    ++out->requests;
    out->words += answer->words;
    out->expected += words_of(request.text);
  }
  std::ranges::sort(latencies);
  out->p50_ns = percentile(latencies, 50);
  out->p99_ns = percentile(latencies, 99);
  return MYCELIUM_SUCCESS;
}

const char* text_publisher_error() { return last_error.c_str(); }

void text_publisher_close(TextPublisher* self) { delete self; }

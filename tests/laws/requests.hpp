// Requests as a test sends them, and what came of them.
#pragma once

#include "gate.hpp"
#include "subscriber.hpp"

#include <map>
#include <mutex>

namespace mycelium::laws {

struct outcome {
  std::int32_t status = MYCELIUM_ERROR_INTERNAL;
  std::string reply;
  int times = 0; // an outcome comes once
};

// Gathers the outcomes of asynchronous requests.
class outcomes {
public:
  static void take(std::uint64_t request, std::int32_t status, const MyceliumMessage* reply, void* self) {
    static_cast<outcomes*>(self)->add(request, status, reply);
  }

  void add(std::uint64_t request, std::int32_t status, const MyceliumMessage* reply) {
    EXPECT_EQ(reply != nullptr, status == MYCELIUM_SUCCESS);
    {
      std::lock_guard lock{mutex_};
      auto& one = all_[request];
      one.status = status;
      one.reply = reply == nullptr ? "" : text_of(reply);
      ++one.times;
    }
    arrived_.add();
  }

  bool wait_for(std::size_t count) { return arrived_.wait_for(count); }
  std::map<std::uint64_t, outcome> all() const {
    std::lock_guard lock{mutex_};
    return all_;
  }

private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, outcome> all_;
  tally arrived_;
};

inline std::int32_t ask_async(MyceliumRuntime* rt, std::uint16_t type_id, std::string_view text, outcomes& to,
                              std::uint64_t& id, std::int64_t timeout_ns = patience_ns) {
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.timeout_ns = timeout_ns;
  options.on_reply = outcomes::take;
  options.user_data = &to;
  return mycelium_request_async(rt, type_id, bytes_of(text).data(), text.size(), &options, &id);
}

// Asks and waits; the outcome as above.
inline outcome ask(MyceliumRuntime* rt, std::uint16_t type_id, std::string_view text,
                   std::int64_t timeout_ns = patience_ns) {
  MyceliumMessage* reply = nullptr;
  outcome one;
  one.status = mycelium_request(rt, type_id, bytes_of(text).data(), text.size(), timeout_ns, &reply);
  EXPECT_EQ(reply != nullptr, one.status == MYCELIUM_SUCCESS);
  if (one.status == MYCELIUM_SUCCESS)
    one.reply = text_of(reply);
  mycelium_message_release(reply);
  return one;
}

inline std::int32_t answer(MyceliumRuntime* rt, const MyceliumMessage* request, std::string_view text) {
  return mycelium_reply(rt, request, plums, bytes_of(text).data(), text.size());
}

// A hook that answers every request with "re: " and its text.
inline subscriber::hook echo_server(MyceliumRuntime* rt) {
  return [rt](const MyceliumMessage* message) {
    EXPECT_EQ(mycelium_message_is_request(message), 1);
    EXPECT_TRUE(ok(answer(rt, message, "re: " + text_of(message))));
  };
}

} // namespace mycelium::laws

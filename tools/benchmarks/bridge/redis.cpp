// Redis: PUBLISH and SUBSCRIBE through redis-server over its Unix socket, 256 commands on their way at a time.
#include "tools/benchmarks/bridge/party.hpp"

#include <hiredis/hiredis.h>
#include <string_view>
#include <unistd.h>

namespace mycelium::bench {
namespace {

class redis_party final : public party {
public:
  redis_party(side which, const std::string& path, int at_a_time)
      : to_(which == side::source ? "forth" : "back"), at_a_time_(at_a_time) {
    out_ = connect(path);
    in_ = connect(path);
    auto* reply = static_cast<redisReply*>(redisCommand(in_, "SUBSCRIBE %s", which == side::source ? "back" : "forth"));
    must(reply != nullptr, "SUBSCRIBE");
    freeReplyObject(reply);
  }
  ~redis_party() override {
    redisFree(out_);
    redisFree(in_);
  }
  void send(message_bytes message) override {
    must(redisAppendCommand(out_, "PUBLISH %s %b", to_, message.data(), message.size()) == REDIS_OK, "PUBLISH");
    if (++under_way_ >= at_a_time_)
      flush();
  }
  void flush() override {
    for (; under_way_ > 0; --under_way_) {
      void* reply = nullptr;
      must(redisGetReply(out_, &reply) == REDIS_OK, "PUBLISH");
      freeReplyObject(reply);
    }
  }
  void receive(const std::function<bool(message_bytes)>& handler) override {
    bool goes_on = true;
    while (goes_on) {
      void* got = nullptr;
      must(redisGetReply(in_, &got) == REDIS_OK, "a message");
      const auto* reply = static_cast<const redisReply*>(got);
      must(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3, "a message");
      const auto* content = reply->element[2];
      goes_on = handler({reinterpret_cast<const std::uint8_t*>(content->str), content->len});
      freeReplyObject(got);
    }
  }

private:
  static redisContext* connect(const std::string& path) {
    auto* made = redisConnectUnix(path.c_str());
    must(made != nullptr && made->err == 0, "redisConnectUnix");
    return made;
  }

  const char* const to_;
  const int at_a_time_;
  redisContext* out_;
  redisContext* in_;
  int under_way_ = 0;
};

} // namespace

void add_redis(std::vector<transport>& to) {
  to.push_back({"Redis",
                [](side which, const meeting& at) -> std::unique_ptr<party> {
                  return std::make_unique<redis_party>(which, at.folder + "/redis", at.conversation ? 1 : 256);
                },
                [](const meeting& at) {
                  return server{{"redis-server", "--port", "0", "--unixsocket", at.folder + "/redis", "--save", "",
                                 "--appendonly", "no", "--client-output-buffer-limit", "pubsub 0 0 0", "--dir",
                                 at.folder}};
                }});
}

} // namespace mycelium::bench

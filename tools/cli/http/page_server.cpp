#include "tools/cli/http/page_server.hpp"

#include "schema/sha256.hpp"
#include "tools/cli/http/metrics.hpp"
#include "tools/cli/http/page.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <httplib.h>
#include <pthread.h>
#include <vector>

namespace mycelium::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t workers = 4;
constexpr std::size_t most_waiting = 16; // connections; beyond them they wait in the kernel's list, which is bounded

// httplib's own pool takes connections without a bound.
class bounded_queue final : public httplib::TaskQueue {
public:
  bounded_queue() {
    for (std::size_t i = 0; i < workers; ++i)
      threads_.emplace_back([this] { work(); }); // named as the thread that makes them
  }

  void enqueue(std::function<void()> job) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return jobs_.size() < most_waiting || ended_; });
    jobs_.push_back(std::move(job));
    changed_.notify_all();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    for (auto& each : threads_)
      each.join();
  }

private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return !jobs_.empty() || ended_; });
      if (jobs_.empty())
        return;
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      changed_.notify_all();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

struct address {
  std::string host = "127.0.0.1";
  int port = 0;
};

result<address> parse_place(const std::string& place) {
  address at;
  const auto colon = place.rfind(':');
  auto host = colon == std::string::npos ? std::string() : place.substr(0, colon);
  const auto port = colon == std::string::npos ? place : place.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  if (!host.empty())
    at.host = host;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), at.port);
  if (!place.empty() && (problem != std::errc() || end != port.data() + port.size() || at.port < 0 || at.port > 65535))
    return failure{status::invalid_argument, "--http " + place + ": write HOST:PORT, or only a port"};
  return at;
}

bool is_address(const std::string& text) {
  in6_addr raw{};
  return ::inet_pton(AF_INET, text.c_str(), &raw) == 1 || ::inet_pton(AF_INET6, text.c_str(), &raw) == 1;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_address(host));
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) { return i + k < bytes.size() ? std::uint32_t{bytes[i + k]} : 0U; };
    const auto three = at(0) << 16U | at(1) << 8U | at(2);
    for (unsigned k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? digits[three >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

// 'sha256-...' of what stands between <tag> and </tag>, which then is the only one that runs.
std::string hash_of(const std::string& page, const std::string& tag) {
  const auto begin = page.find("<" + tag + ">") + tag.size() + 2;
  const auto length = page.find("</" + tag + ">") - begin;
  return "'sha256-" + base64(schema::sha256(std::string_view(page).substr(begin, length))) + "'";
}

} // namespace

bool is_own_name(const std::string& header, const std::string& host) {
  auto name = header;
  if (name.starts_with('[')) {
    const auto close = name.find(']');
    name = close == std::string::npos ? "" : name.substr(1, close - 1);
  } else if (const auto colon = name.find(':'); colon != std::string::npos) {
    name.resize(colon);
  }
  // An address is no name: nobody else can have it lead here.
  return name == host || name == "localhost" || is_address(name);
}

page_server::page_server() : server_(std::make_unique<httplib::Server>()), view_(std::make_shared<mesh_view>()) {
  const auto bytes = page_html();
  page_.assign(bytes.begin(), bytes.end());
  policy_ = "default-src 'none'; script-src " + hash_of(page_, "script") + "; style-src " + hash_of(page_, "style") +
            "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

result<std::unique_ptr<page_server>> page_server::start(const std::string& place, bool anywhere) {
  const auto at = parse_place(place);
  if (!at)
    return at.error();
  if (!anywhere && !is_loopback(at->host))
    return failure{status::invalid_argument, at->host +
                                                 " is not this machine's loopback: everybody who reaches it could see "
                                                 "the bus; if that is meant, add --http-anywhere"};
  std::unique_ptr<page_server> made(new page_server);
  made->host_ = at->host;
  auto& server = *made->server_;
  server.new_task_queue = [] { return new bounded_queue; };
  server.set_keep_alive_max_count(1); // a connection that waits would keep a thread
  server.set_read_timeout(2s);
  server.set_write_timeout(5s);
  server.set_payload_max_length(0);
  server.set_socket_options([](socket_t sock) {
    const int yes = 1;
    ::setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes); // httplib would share the port with others
  });
  made->route();
  const int port =
      at->port != 0 ? (server.bind_to_port(at->host, at->port) ? at->port : -1) : server.bind_to_any_port(at->host);
  if (port <= 0)
    return failure{status::runtime,
                   "nobody can listen at " + at->host + ":" + std::to_string(at->port) +
                       ": it is taken, or no address of this machine; give another with --http HOST:PORT"};
  made->where_ =
      (at->host.find(':') == std::string::npos ? at->host : "[" + at->host + "]") + ":" + std::to_string(port);
  made->thread_ = std::thread([&server] {
    ::pthread_setname_np(::pthread_self(), "myc.http");
    server.listen_after_bind();
  });
  while (!server.is_running()) // stop() would be in vain before
    std::this_thread::sleep_for(1ms);
  return made;
}

page_server::~page_server() {
  if (!thread_.joinable())
    return;
  server_->stop();
  thread_.join();
}

void page_server::route() {
  server_->set_default_headers({{"Content-Security-Policy", policy_},
                                {"X-Content-Type-Options", "nosniff"},
                                {"Referrer-Policy", "no-referrer"},
                                {"Cross-Origin-Resource-Policy", "same-origin"},
                                {"Cache-Control", "no-store"}});
  server_->set_pre_routing_handler([this](const httplib::Request& asked, httplib::Response& answer) {
    if (is_own_name(asked.get_header_value("Host"), host_))
      return httplib::Server::HandlerResponse::Unhandled;
    answer.status = 421;
    answer.set_content("this server answers to its address only\n", "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  });
  server_->Get("/", [this](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(page_, "text/html; charset=utf-8");
  });
  server_->Get("/api/state.json", [this](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(as_json(*view()).dump(), "application/json");
  });
  server_->Get("/metrics", [this](const httplib::Request& asked, httplib::Response& answer) {
    const bool open = asked.get_header_value("Accept").find("application/openmetrics-text") != std::string::npos;
    answer.set_content(write_metrics(*view(), open ? metrics_format::open_metrics : metrics_format::prometheus),
                       open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                            : "text/plain; version=0.0.4; charset=utf-8");
  });
}

void page_server::set(mesh_view view) {
  auto next = std::make_shared<const mesh_view>(std::move(view));
  const std::lock_guard lock(mutex_);
  view_ = std::move(next);
}

std::shared_ptr<const mesh_view> page_server::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

} // namespace mycelium::cli

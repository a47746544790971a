#include "tools/nats/connection.hpp"

#include <algorithm>

namespace mycelium::nats {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t reconnect_wait_ms = 200;
constexpr std::int64_t reconnect_jitter_ms = 100;
constexpr std::int64_t ping_ms = 5000; // two that are not answered: the server is gone
constexpr std::int64_t write_deadline_ms = 10'000;
constexpr auto closing_patience = 5s;
constexpr int about_headers = 512;                // bytes of a message's subject and headers
constexpr std::int64_t spare_buffer = 64ll << 20; // for what is under way when a connection breaks, and subscriptions

// Calls each of the setters until one fails.
template <class... Set>
natsStatus in_order(Set... set) {
  natsStatus outcome = NATS_OK;
  static_cast<void>(((outcome = set(), outcome == NATS_OK) && ...));
  return outcome;
}

std::string url_of(natsConnection* raw) {
  char url[512];
  return natsConnection_GetConnectedUrl(raw, url, sizeof url) == NATS_OK ? without_secrets(url) : "";
}

// Of what the library says of an error: not where in its source.
std::string_view without_place(std::string_view text) {
  const auto end = text.find("): ");
  return text.starts_with('(') && end != text.npos ? text.substr(end + 3) : text;
}

bool is_about_who_we_are(natsStatus code, std::string_view text) {
  return code == NATS_CONNECTION_AUTH_FAILED || text.find("Authentication ") != text.npos; // "... Revoked", "Expired"
}

// What a person can do about a connection that a server refuses; begins with "; ", or is "".
std::string advice(const settings& how, natsStatus code, std::string_view text) {
  const auto has_user = [](const std::string& url) { return without_secrets(url) != url; };
  if (is_about_who_we_are(code, text)) {
    if (!how.credentials.empty())
      return "; let the server's operator write new credentials, and put them into " + how.credentials;
    if (std::ranges::any_of(how.servers, has_user))
      return "; correct the user and password, or the token, in the URL of --nats";
    return "; give --nats-creds FILE, or user and password or a token in the URL (nats://user:password@host)";
  }
  if (code == NATS_ERR && !how.credentials.empty())
    return "; --nats-creds takes a file as `nsc generate creds` writes it, with the JWT and the seed of a user";
  return {};
}

bool is_no_server(natsStatus outcome) {
  return outcome == NATS_NO_SERVER || outcome == NATS_IO_ERROR || outcome == NATS_TIMEOUT ||
         outcome == NATS_SYS_ERROR || outcome == NATS_CONNECTION_CLOSED || outcome == NATS_STALE_CONNECTION ||
         outcome == NATS_CONNECTION_DISCONNECTED;
}

// While a message was written: part of it or all has left.
bool breaks_on(natsStatus outcome) {
  return outcome == NATS_IO_ERROR || outcome == NATS_TIMEOUT || outcome == NATS_SSL_ERROR || outcome == NATS_SYS_ERROR;
}

} // namespace

std::string without_secrets(std::string url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == url.npos ? 0 : scheme + 3;
  if (const auto at = url.rfind('@'); at != url.npos && at >= begin)
    url.erase(begin, at + 1 - begin);
  return url;
}

failure failure_of(natsStatus code, const std::string& what) {
  natsStatus last = NATS_OK;
  const char* detail = nats_GetLastError(&last);
  std::string text = what + ": " + natsStatus_GetText(code);
  if (last == code && detail != nullptr && *detail != '\0')
    text.append(" (").append(without_place(detail)).append(")");
  return {code == NATS_TIMEOUT ? status::timeout : status::runtime, text};
}

natsStatus connection::set_options(natsOptions* options) {
  std::vector<const char*> servers;
  for (const auto& each : how_.servers)
    servers.push_back(each.c_str());
  const auto only_if = [](bool given, auto set) { return given ? set() : NATS_OK; };
  const bool encrypted = !how_.tls_ca.empty() || !how_.tls_certificate.empty();
  return in_order(
      [&] { return natsOptions_SetServers(options, servers.data(), static_cast<int>(servers.size())); },
      [&] { return natsOptions_SetName(options, how_.name.c_str()); },
      [&] { return natsOptions_SetNoEcho(options, true); }, [&] { return natsOptions_SetMaxReconnect(options, -1); },
      [&] { return natsOptions_SetReconnectWait(options, reconnect_wait_ms); },
      [&] { return natsOptions_SetReconnectJitter(options, reconnect_jitter_ms, reconnect_jitter_ms); },
      [&] { return natsOptions_SetReconnectBufSize(options, static_cast<int>(how_.buffer + spare_buffer)); },
      [&] { return natsOptions_SetPingInterval(options, ping_ms); },
      [&] { return natsOptions_SetWriteDeadline(options, write_deadline_ms); },
      [&] { return natsOptions_SetReconnectedCB(options, on_connected, this); },
      [&] { return natsOptions_SetDisconnectedCB(options, on_disconnected, this); },
      [&] { return natsOptions_SetClosedCB(options, on_closed, this); },
      [&] { return natsOptions_SetLameDuckModeCB(options, on_lame_duck, this); },
      [&] { return natsOptions_SetErrorHandler(options, on_error, this); },
      [&] {
        return only_if(!how_.credentials.empty(), [&] {
          return natsOptions_SetUserCredentialsFromFiles(options, how_.credentials.c_str(), nullptr);
        });
      },
      [&] { return only_if(encrypted, [&] { return natsOptions_SetSecure(options, true); }); },
      [&] {
        return only_if(!how_.tls_ca.empty(),
                       [&] { return natsOptions_LoadCATrustedCertificates(options, how_.tls_ca.c_str()); });
      },
      [&] {
        return only_if(!how_.tls_certificate.empty(), [&] {
          return natsOptions_LoadCertificatesChain(options, how_.tls_certificate.c_str(), how_.tls_key.c_str());
        });
      });
}

result<std::unique_ptr<connection>> connection::open(const settings& how, counters& counts) {
  std::unique_ptr<connection> made(new connection(how, counts));
  natsOptions* options = nullptr;
  auto outcome = natsOptions_Create(&options);
  if (outcome == NATS_OK)
    outcome = made->set_options(options);
  if (outcome != NATS_OK) {
    natsOptions_Destroy(options);
    auto why = failure_of(outcome, "the options for NATS");
    why.code = status::invalid_argument;
    return why;
  }
  outcome = natsConnection_Connect(&made->raw_, options);
  if (is_no_server(outcome)) { // it may come; but what a server refuses is told at once
    outcome = natsOptions_SetRetryOnFailedConnect(options, true, on_connected, made.get());
    if (outcome == NATS_OK)
      outcome = natsConnection_Connect(&made->raw_, options);
    made->log("no NATS server is there yet; trying again");
  }
  natsOptions_Destroy(options);
  if (outcome == NATS_OK)
    made->connected(made->raw_);
  if (outcome != NATS_OK && outcome != NATS_NOT_YET_CONNECTED) {
    auto why = failure_of(outcome, "no connection to NATS");
    why.text += advice(how, outcome, why.text);
    return why;
  }
  return made;
}

connection::~connection() {
  interrupt(); // the end is ours, and no news
  if (raw_ == nullptr)
    return;
  if (is_up())
    static_cast<void>(natsConnection_FlushTimeout(raw_, 1000));
  natsConnection_Close(raw_);
  std::unique_lock lock(mutex_);
  // The last callback that uses this object.
  changed_.wait_for(lock, closing_patience, [this] { return closed_; });
  lock.unlock();
  natsConnection_Destroy(raw_);
}

std::string connection::server() const { return is_up() ? url_of(raw_) : std::string(); }

void connection::connected(natsConnection* raw) {
  {
    std::lock_guard lock(accounting_);
    kept_ = 0;
  }
  {
    std::lock_guard lock(mutex_);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
  }
  changed_.notify_all();
  log("connected with NATS at " + url_of(raw));
}

// What was published since the last confirmation may have come to the server, or not.
void connection::disconnected() {
  if (is_interrupted())
    return;
  ++counts_.disconnects;
  {
    std::lock_guard lock(accounting_);
    const auto published = counts_.published.load();
    counts_.unconfirmed += published - accounted_;
    accounted_ = published;
    std::lock_guard also(mutex_);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
  }
  changed_.notify_all();
  log("the connection to NATS has broken; looking for a server");
}

void connection::on_closed(natsConnection* raw, void* self) {
  auto& our = *static_cast<connection*>(self);
  const char* why = nullptr;
  const auto code = natsConnection_GetLastError(raw, &why);
  if (!our.is_interrupted()) {
    const std::string text = why != nullptr && *why != '\0' ? why : "the connection was closed";
    our.over_.store(true, std::memory_order_seq_cst);
    our.log("NATS does not let us in: " + text + advice(our.how_, code, text));
    if (our.how_.gone)
      our.how_.gone();
  }
  std::lock_guard lock(our.mutex_); // also while it is signalled: afterwards the object may be gone
  our.closed_ = true;
  our.changed_.notify_all();
}

void connection::on_lame_duck(natsConnection*, void* self) {
  static_cast<connection*>(self)->log("this NATS server is being shut down; it will be left for another");
}

void connection::on_error(natsConnection*, natsSubscription* where, natsStatus code, void* self) {
  auto& our = *static_cast<connection*>(self);
  if (code == NATS_SLOW_CONSUMER) {
    const char* subject = where != nullptr ? natsSubscription_GetSubject(where) : nullptr;
    our.log_once(std::string("NATS sends more than the bus takes") +
                 (subject != nullptr ? std::string(" of ") + subject : std::string()) + "; what is lost is counted");
  } else if (code == NATS_NOT_PERMITTED) {
    ++our.counts_.forbidden;
    our.log_once(failure_of(code, "NATS").text + "; ask the server's operator for this right; more is only counted");
  } else {
    our.log(failure_of(code, "NATS").text);
  }
}

// What every message may bring about once more.
void connection::log_once(const std::string& text) {
  constexpr std::size_t most = 64; // a subject may be an inbox, of which there are many
  {
    std::lock_guard lock(mutex_);
    if (said_.size() >= most || !said_.insert(text).second)
      return;
  }
  log(text);
}

bool connection::wait_for_change(std::uint64_t epoch, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [&] { return interrupted_ || closed_ || epoch_.load() != epoch; }) &&
         !interrupted_ && !closed_;
}

bool connection::is_interrupted() {
  std::lock_guard lock(mutex_);
  return interrupted_;
}

void connection::interrupt() {
  {
    std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  changed_.notify_all();
}

// The client library's own buffer must never be full: it would find no room for the subscriptions that it has to make
// again, and no connection would come about any more.
natsStatus connection::send_locked(natsMsg* m) {
  if (!is_up()) {
    const auto size = natsMsg_GetDataLength(m) + about_headers;
    if (kept_ + size > how_.buffer)
      return NATS_INSUFFICIENT_BUFFER;
    kept_ += size;
  }
  return natsConnection_PublishMsg(raw_, m);
}

natsStatus connection::send(natsMsg* m) {
  std::lock_guard lock(accounting_);
  return send_locked(m);
}

natsStatus connection::publish(natsMsg* m) {
  std::lock_guard lock(accounting_);
  const auto outcome = send_locked(m);
  const bool breaks = breaks_on(outcome);
  if (outcome == NATS_OK || breaks)
    ++counts_.published;
  if (breaks) { // it is accounted for at once, whether disconnected() has run or will
    ++counts_.unconfirmed;
    ++accounted_;
  }
  return breaks ? NATS_IO_ERROR : outcome;
}

void connection::confirm(std::chrono::milliseconds patience) {
  std::uint64_t published = 0;
  std::uint64_t accounted = 0;
  const auto before = epoch();
  {
    std::lock_guard lock(accounting_);
    published = counts_.published.load();
    accounted = accounted_;
  }
  if (published == accounted || !is_up() || natsConnection_FlushTimeout(raw_, patience.count()) != NATS_OK)
    return;
  std::lock_guard lock(accounting_);
  if (epoch() != before || accounted_ != accounted)
    return;
  counts_.confirmed += published - accounted;
  accounted_ = published;
}

void connection::log(const std::string& text) const {
  if (how_.log)
    how_.log(text);
}

result<message_ptr> make_message(const char* subject, const char* reply, const carried& what,
                                 std::span<const std::uint8_t> payload) {
  natsMsg* raw = nullptr;
  auto outcome = natsMsg_Create(&raw, subject, reply, reinterpret_cast<const char*>(payload.data()),
                                static_cast<int>(payload.size()));
  message_ptr made(raw);
  if (outcome == NATS_OK && what.node != 0)
    write_headers(what, [&](const char* name, const char* value) {
      if (outcome == NATS_OK)
        outcome = natsMsgHeader_Set(raw, name, value);
    });
  if (outcome != NATS_OK)
    return failure_of(outcome, "a message for NATS");
  return made;
}

} // namespace mycelium::nats

#include "actors/bridge/tls.hpp"

#include <arpa/inet.h>
#include <array>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <openssl/x509v3.h>
#include <utility>

namespace mycelium::bridge {

struct tls_context::contents {
  asio::ssl::context listening{asio::ssl::context::tls_server};
  asio::ssl::context dialing{asio::ssl::context::tls_client};
  bool has_certificate = false;
  bool asks = false;
};

namespace {

constexpr int most_certificates_between = 8;

failure cannot_use(const std::string& file, const std::string& why) {
  return {status::invalid_argument, file + ": " + why};
}

// ---- files ----

result<void> use_certificate(asio::ssl::context& to, const tls_files& files) {
  // Nobody is there to be asked for the password of a key.
  std::error_code error;
  to.set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); }, error);
  to.use_certificate_chain_file(files.certificate, error);
  if (error)
    return cannot_use(files.certificate, "no certificate in PEM: " + error.message());
  to.use_private_key_file(files.key, asio::ssl::context::pem, error);
  if (error)
    return cannot_use(files.key, "no key in PEM without a password, or not the certificate's: " + error.message());
  if (SSL_CTX_check_private_key(to.native_handle()) != 1)
    return cannot_use(files.key, "it is not the key of " + files.certificate);
  return {};
}

// No version but 1.3, and no session is taken up again: each link shows who it is.
void restrict(asio::ssl::context& which) {
  auto* handle = which.native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(handle, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(handle, 0);
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify_depth(handle, most_certificates_between);
}

// ---- names ----

// Nothing if it holds a zero byte, with which names are forged, or is no text.
std::string text_of(const ASN1_STRING* string) {
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, string);
  if (length < 0)
    return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length));
  OPENSSL_free(utf8);
  return text.find('\0') == std::string::npos ? text : std::string();
}

std::string ip_of(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(bytes);
  if (size != 4 && size != 16)
    return {};
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text.data(), text.size());
  return text.data();
}

std::string text_of(const GENERAL_NAME& name) {
  switch (name.type) {
  case GEN_DNS:
    return text_of(name.d.dNSName);
  case GEN_URI:
    return text_of(name.d.uniformResourceIdentifier);
  case GEN_EMAIL:
    return text_of(name.d.rfc822Name);
  case GEN_IPADD:
    return ip_of(name.d.iPAddress);
  default:
    return {};
  }
}

// The subject's common name, and all that stand in subjectAltName.
std::vector<std::string> names_in(const X509* certificate) {
  std::vector<std::string> names;
  const auto add = [&names](std::string name) {
    if (!name.empty())
      names.push_back(std::move(name));
  };
  const auto* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
    add(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  auto* others = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(others); ++i)
    add(text_of(*sk_GENERAL_NAME_value(others, i)));
  GENERAL_NAMES_free(others);
  return names;
}

bool is_ip(const std::string& host) {
  std::array<std::uint8_t, 16> ignored{};
  return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

} // namespace

// ---- the stream ----

class tls_stream final : public stream {
public:
  using side = asio::ssl::stream_base::handshake_type;

  tls_stream(socket connection, peer_identity peer, asio::ssl::context& with, side which)
      : stream(std::move(peer)), tls_(std::move(connection), with), side_(which) {}

  void expect_host(const std::string& host) {
    auto* handle = tls_.native_handle();
    SSL_set_hostflags(handle, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_ip(host)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host.c_str());
    } else {
      SSL_set1_host(handle, host.c_str());
      SSL_set_tlsext_host_name(handle, host.c_str());
    }
  }

  void begin(user_ptr by) override {
    user_ = by;
    tls_.async_handshake(side_, [this, by = std::move(by)](const std::error_code& error) {
      if (!error) {
        can_say_goodbye_ = true;
        if (const auto* shown = SSL_get0_peer_certificate(tls_.native_handle()))
          peer_.certificates = names_in(shown);
      }
      by->on_begun(error);
    });
  }

  void read_some(std::span<std::uint8_t> into, user_ptr by) override {
    tls_.async_read_some(
        asio::buffer(into.data(), into.size()),
        [by = std::move(by)](const std::error_code& error, std::size_t count) { by->on_read(error, count); });
  }

  void write(std::span<const std::uint8_t> all, user_ptr by) override {
    asio::async_write(
        tls_, asio::buffer(all.data(), all.size()),
        [by = std::move(by)](const std::error_code& error, std::size_t count) { by->on_written(error, count); });
  }

  // What is encrypted has to go out whole; async_write tries at once, too.
  std::size_t write_now(std::span<const std::uint8_t>, std::error_code&) override { return 0; }

  // The goodbye (close_notify) goes out while it is begun, if the socket has room.
  void close() override {
    const auto kept = user_.lock();
    if (std::exchange(can_say_goodbye_, false) && kept)
      tls_.async_shutdown([kept](const std::error_code&) {});
    std::error_code ignored;
    tls_.lowest_layer().close(ignored);
  }

  std::string describe(const std::error_code& error) const override {
    if (error == asio::error::eof)
      return "the other side closed it";
    if (error == asio::ssl::error::stream_truncated)
      return "the other side closed it without a goodbye";
    if (error.category() != asio::error::get_ssl_category())
      return error.message();
    const auto verified = SSL_get_verify_result(handle());
    const auto reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
      return std::string("TLS: the other side's certificate is not accepted: ") +
             X509_verify_cert_error_string(verified);
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
      return "TLS: the other side does not speak it";
    return "TLS: " + error.message();
  }

  bool is_trusted_by(const tls_context& now) const override;

  asio::any_io_executor executor() override { return tls_.get_executor(); }

private:
  SSL* handle() const { return const_cast<tls_stream*>(this)->tls_.native_handle(); } // asks only

  asio::ssl::stream<socket> tls_;
  const side side_;
  std::weak_ptr<user> user_;
  bool can_say_goodbye_ = false;
};

bool tls_stream::is_trusted_by(const tls_context& now) const {
  const bool we_listen = side_ == side::server;
  auto* shown = SSL_get0_peer_certificate(handle());
  if (shown == nullptr)
    return !we_listen || !now.asks_for_certificates();
  if (we_listen && !now.asks_for_certificates())
    return true;
  auto& with = we_listen ? now.contents_->listening : now.contents_->dialing;
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> check(X509_STORE_CTX_new(),
                                                                              X509_STORE_CTX_free);
  if (!check || X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(with.native_handle()), shown,
                                    SSL_get_peer_cert_chain(handle())) != 1)
    return false;
  X509_STORE_CTX_set_default(check.get(), we_listen ? "ssl_client" : "ssl_server");
  const bool trusted = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  return trusted;
}

// ---- the context ----

tls_context::tls_context(std::unique_ptr<contents> made) : contents_(std::move(made)) {}

tls_context::~tls_context() = default;

result<std::shared_ptr<const tls_context>> tls_context::load(const tls_files& files) {
  if (files.certificate.empty() != files.key.empty())
    return failure{status::invalid_argument, "a TLS certificate and its key are given together"};
  // OpenSSL must not tidy up at exit while the thread of a bridge still turns: the process's end frees it all.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
  auto made = std::make_unique<contents>();
  made->has_certificate = !files.certificate.empty();
  made->asks = !files.authorities.empty();
  std::error_code error;
  for (auto* each : {&made->listening, &made->dialing}) {
    restrict(*each);
    if (made->has_certificate)
      if (auto used = use_certificate(*each, files); !used)
        return used.error();
    if (made->asks)
      each->load_verify_file(files.authorities, error);
    if (error)
      return cannot_use(files.authorities, "no certificates of authorities in PEM: " + error.message());
  }
  if (!made->asks)
    made->dialing.set_default_verify_paths(error);
  if (error)
    return failure{status::runtime, "the system's certificates of authorities: " + error.message()};
  made->dialing.set_verify_mode(asio::ssl::verify_peer);
  made->listening.set_verify_mode(made->asks ? asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert
                                             : asio::ssl::verify_none);
  return std::shared_ptr<const tls_context>(new tls_context(std::move(made)));
}

bool tls_context::can_listen() const noexcept { return contents_->has_certificate; }

bool tls_context::asks_for_certificates() const noexcept { return contents_->asks; }

std::unique_ptr<stream> tls_context::accept(socket connection, peer_identity peer) const {
  return std::make_unique<tls_stream>(std::move(connection), std::move(peer), contents_->listening,
                                      tls_stream::side::server);
}

std::unique_ptr<stream> tls_context::connect(socket connection, peer_identity peer, const std::string& host) const {
  auto made = std::make_unique<tls_stream>(std::move(connection), std::move(peer), contents_->dialing,
                                           tls_stream::side::client);
  made->expect_host(host);
  return made;
}

} // namespace mycelium::bridge

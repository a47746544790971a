// Certificates for tests: an authority that issues what a test wishes for, also what nobody should accept; and a plain
// TLS client by OpenSSL alone.
#pragma once

#include "actors/bridge/credential_sources.hpp"

#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace mycelium::bridge {

class authority {
public:
  struct wish {
    std::string name;
    std::string also = "DNS:localhost,IP:127.0.0.1"; // subjectAltName, as openssl writes it
    long from = -3600;                               // seconds from now
    long until = 3600;
  };

  // Its own certificate lies in the folder.
  authority(std::string folder, const std::string& name)
      : folder_(std::move(folder)), file_(folder_ + "/" + name + ".pem"), key_(EVP_EC_gen("P-256"), EVP_PKEY_free),
        own_(make({.name = name, .also = ""}, key_.get(), nullptr), X509_free) {
    EXPECT_GT(X509_sign(own_.get(), key_.get(), EVP_sha256()), 0);
    write(file_, own_.get(), nullptr);
  }

  const std::string& file() const { return file_; }

  // A certificate with its key, and this authority's as the one that is accepted.
  tls_files issue(const wish& wanted) const {
    const key_ptr key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> made(make(wanted, key.get(), own_.get()), X509_free);
    EXPECT_GT(X509_sign(made.get(), key_.get(), EVP_sha256()), 0);
    const auto path = folder_ + "/" + wanted.name;
    write(path + ".pem", made.get(), nullptr);
    write(path + ".key", nullptr, key.get());
    return {.certificate = path + ".pem", .key = path + ".key", .authorities = file_};
  }

private:
  using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

  // Of itself without an issuer.
  static X509* make(const wish& wanted, EVP_PKEY* key, const X509* issuer) {
    auto* made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    std::int64_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), 7);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(made), serial);
    X509_gmtime_adj(X509_getm_notBefore(made), wanted.from);
    X509_gmtime_adj(X509_getm_notAfter(made), wanted.until);
    X509_set_pubkey(made, key);
    const auto* common_name = reinterpret_cast<const unsigned char*>(wanted.name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, common_name, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(issuer != nullptr ? issuer : made));
    extend(made, NID_basic_constraints, issuer != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (!wanted.also.empty())
      extend(made, NID_subject_alt_name, wanted.also.c_str());
    return made;
  }

  static void extend(X509* made, int which, const char* value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, which, value);
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static void write(const std::string& path, X509* certificate, EVP_PKEY* key) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(path.c_str(), "w"), std::fclose);
    ASSERT_NE(out, nullptr) << path;
    EXPECT_TRUE(certificate == nullptr || PEM_write_X509(out.get(), certificate) == 1);
    EXPECT_TRUE(key == nullptr || PEM_write_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  }

  const std::string folder_;
  const std::string file_;
  const key_ptr key_;
  const std::unique_ptr<X509, decltype(&X509_free)> own_;
};

inline int connect_to_port(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0) << port;
  return fd;
}

// Blocks. Does not check who listens. The process ignores SIGPIPE from here on.
class tls_client {
public:
  tls_client(std::uint16_t port, const tls_files& with, int version = TLS1_3_VERSION)
      : fd_(connect_to_port(port)), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), tls_(nullptr, SSL_free) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    if (!with.certificate.empty()) {
      EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_.get(), with.certificate.c_str()), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_.get(), with.key.c_str(), SSL_FILETYPE_PEM), 1);
    }
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), fd_);
    greeted_ = SSL_connect(tls_.get()) == 1;
    ERR_clear_error();
  }
  ~tls_client() { ::close(fd_); }
  tls_client(const tls_client&) = delete;
  tls_client& operator=(const tls_client&) = delete;

  bool greeted() const { return greeted_; }
  // Of who listens: its common name.
  std::string name() const {
    std::array<char, 256> text{};
    if (const auto* shown = SSL_get0_peer_certificate(tls_.get()))
      X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, text.data(), int(text.size()));
    return text.data();
  }
  ssize_t send(const void* bytes, std::size_t size) {
    const int sent = SSL_write(tls_.get(), bytes, int(size));
    ERR_clear_error();
    return sent;
  }
  ssize_t read(void* to, std::size_t size) {
    const int got = SSL_read(tls_.get(), to, int(size));
    if (got <= 0)
      said_goodbye_ = SSL_get_error(tls_.get(), got) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return got;
  }
  // Reads to the end. Did it end with close_notify?
  bool hears_goodbye() {
    std::array<char, 4096> ignored{};
    while (read(ignored.data(), ignored.size()) > 0) {
    }
    return said_goodbye_;
  }

private:
  const int fd_;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
  bool greeted_ = false;
  bool said_goodbye_ = false;
};

} // namespace mycelium::bridge

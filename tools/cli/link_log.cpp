#include "tools/cli/link_log.hpp"

#include "tools/cli/terminal_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace mycelium::cli {
namespace {

constexpr std::size_t most_remembered = 64; // texts; the other side has its say in them

struct advice {
  std::string_view words; // of the library, or of OpenSSL
  std::string_view what;
};

constexpr std::string_view perhaps = "perhaps it speaks TLS and this side does not (--tls, --tls-ca), or it knows no "
                                     "token and this side asks for one (--token-file)";

constexpr std::array advices{
    advice{"alert certificate required", "show one: --tls-cert and --tls-key"},
    advice{"alert unknown ca",
           "it does not know who signed --tls-cert: take one that an authority of its --tls-ca signed"},
    advice{"certificate is not accepted",
           "--tls-ca has to hold the authority that signed it, and it has to name the host that is dialed"},
    advice{"TLS: the other side does not speak it",
           "leave out --tls, --tls-cert and --tls-ca, or give it a certificate"},
    advice{"asks for a token", "--token-file"},
    advice{"the token is another one", "--token-file has to hold the same as there"},
    advice{"the other side closed it", perhaps},
    advice{"Connection reset by peer", perhaps},
    advice{"is another machine", "--token-file, --tls, or --tls-ca"},
};

} // namespace

std::string with_advice(std::string_view text) {
  const auto fits = [text](const advice& each) { return text.find(each.words) != std::string_view::npos; };
  const auto* const found = std::ranges::find_if(advices, fits);
  std::string all(text);
  if (found != advices.end()) {
    all += "; ";
    all += found->what;
  }
  return all;
}

link_log::link_log(std::string verb, const std::vector<std::string>& addresses) : verb_(std::move(verb)) {
  for (const auto& each : addresses)
    places_.push_back(each.substr(each.find(':') + 1));
}

void link_log::hear(MyceliumLogLevel level, const char* text, void* user_data) {
  auto& log = *static_cast<link_log*>(user_data);
  std::string_view said = text;
  if (level > MYCELIUM_LOG_WARNING || !log.is_news(said))
    return;
  constexpr std::string_view who = "bridge: ";
  if (said.starts_with(who))
    said.remove_prefix(who.size());
  const auto told = printable(said.starts_with("no link over ") ? with_advice(said) : std::string(said));
  std::fprintf(stderr, "mycelium %s: %s\n", log.verb_.c_str(), told.c_str());
}

void link_log::end() {
  const std::lock_guard lock(telling_);
  ended_ = true;
}

bool link_log::is_news(std::string_view text) {
  const auto is_of = [text](const std::string& place) { return text.find(place) != std::string_view::npos; };
  const std::lock_guard lock(telling_);
  if (ended_ || told_.contains(text) || !std::ranges::any_of(places_, is_of))
    return false;
  if (told_.size() == most_remembered)
    told_.clear();
  told_.emplace(text);
  return true;
}

} // namespace mycelium::cli

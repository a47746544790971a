// Why there is no link: what a runtime logs of the addresses that were dialed, told on stderr, each text once, so that
// nobody waits without knowing for what.
#pragma once

#include "mycelium.h"

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mycelium::cli {

// The text with what to do about it, as options of ours, where the library's words call for some.
std::string with_advice(std::string_view text);

class link_log {
public:
  link_log(std::string verb, const std::vector<std::string>& addresses);

  // A MyceliumLogCallback; user_data is a link_log.
  static void hear(MyceliumLogLevel level, const char* text, void* user_data);
  void end(); // nothing is told any more

private:
  bool is_news(std::string_view text);

  const std::string verb_;
  std::vector<std::string> places_; // the addresses without tcp: and tls:, for which TLS may stand in the log
  std::mutex telling_;
  std::set<std::string, std::less<>> told_;
  bool ended_ = false;
};

} // namespace mycelium::cli

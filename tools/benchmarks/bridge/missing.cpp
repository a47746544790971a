// The rows of peers that this build was made without.
#include "tools/benchmarks/bridge/party.hpp"

namespace mycelium::bench {

[[maybe_unused]] static void add_missing(std::vector<transport>& to, const char* name, const char* package) {
  to.push_back({.name = name, .open = {}, .missing = std::string("not built: install ") + package});
}

#ifndef MYCELIUM_BENCH_HAS_ZEROMQ
void add_zeromq(std::vector<transport>& to) { add_missing(to, "ZeroMQ", "libzmq3-dev"); }
#endif
#ifndef MYCELIUM_BENCH_HAS_NNG
void add_nng(std::vector<transport>& to) { add_missing(to, "nng", "libnng-dev"); }
#endif
#ifndef MYCELIUM_BENCH_HAS_NATS
void add_nats(std::vector<transport>& to) { add_missing(to, "NATS", "libnats-dev and nats-server"); }
#endif
#ifndef MYCELIUM_BENCH_HAS_HIREDIS
void add_redis(std::vector<transport>& to) { add_missing(to, "Redis", "libhiredis-dev and redis-server"); }
#endif

} // namespace mycelium::bench

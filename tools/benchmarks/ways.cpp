// The list of ways. What cannot run here keeps its row and says why.
#include "tools/benchmarks/way.hpp"

namespace mycelium::bench {

namespace {

// A factory if the peer was there when this program was built. Its make_ function is not linked otherwise.
#ifdef MYCELIUM_BENCH_HAS_ZEROMQ
constexpr auto zeromq = &make_zeromq;
constexpr auto zeromq_in_place = &make_zeromq_in_place;
#else
constexpr std::nullptr_t zeromq = nullptr;
constexpr std::nullptr_t zeromq_in_place = nullptr;
#endif
#ifdef MYCELIUM_BENCH_HAS_NNG
constexpr auto nng = &make_nng;
#else
constexpr std::nullptr_t nng = nullptr;
#endif

template <class Factory>
way_facts peer(std::string name, std::string settings, Factory make, std::string package) {
  return {std::move(name),
          std::move(settings),
          make,
          make == nullptr ? "not installed (" + package + ")" : "",
          false,
          true};
}

std::vector<way_facts> list_ways() {
  std::vector<way_facts> list;
  list.push_back({"direct call, copied", "malloc, memcpy, a call per subscriber in the publisher's thread: the limit",
                  make_direct_call, "", true, true});
  list.push_back({"mutex queue", "mutex, condvar, std::deque and thread per subscriber; one shared malloc'ed copy",
                  make_mutex_queue, "", false, true});
  list.push_back({"mutex, swapped batch",
                  "as above; the subscriber takes all at once, wake only a sleeper, pooled memory", make_mutex_swap, "",
                  false, true});
  list.push_back({"CAF, broker hop",
                  "CAF as it comes: anon_send to a broker actor, which sends to each subscriber actor", make_caf_broker,
                  "", false, true});
  list.push_back({"CAF, direct",
                  "anon_send to each subscriber actor, sharing policy, max(1, cores-1) workers: gate (i)",
                  make_caf_direct, "", false, true});
  list.push_back(peer(yardstick, "PUB/SUB, XPUB_NODROP, SNDHWM + RCVHWM = queue bound, 0 io threads, copied", zeromq,
                      "libzmq3-dev"));
  list.push_back(peer("ZeroMQ, in place", "the same, built in pooled memory and handed over by zmq_msg_init_data",
                      zeromq_in_place, "libzmq3-dev"));
  list.push_back(peer("nng inproc", "pub0/sub0, copied into an nng_msg; window of acknowledgements, else pub drops",
                      nng, "libnng-dev"));
  list.push_back({"ours", "mycelium_publish to pooled subscriptions", make_ours, "", false, true});
  list.push_back({"ours, inline", "MYCELIUM_SUBSCRIBE_INLINE", make_ours_inline, "", true, true});
  list.push_back(
      {"ours, loaned", "mycelium_loan and mycelium_publish_loan: built in place", make_ours_loaned, "", false, true});
  list.push_back({"ours, batched", "mycelium_publish_batch of up to 64", make_ours_batched, "", false, true});
  list.push_back({"ours, dedicated", "MYCELIUM_SUBSCRIBE_DEDICATED: a thread per subscription", make_ours_dedicated, "",
                  false, false});
  return list;
}

} // namespace

const std::vector<way_facts>& all_ways() {
  static const std::vector<way_facts> list = list_ways();
  return list;
}

} // namespace mycelium::bench

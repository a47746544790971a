// What the machine gives to this process: time, cores, memory, descriptors.
#include "tools/cli/doctor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sched.h>
#include <sstream>
#include <string_view>
#include <sys/resource.h>
#include <thread>

namespace mycelium::cli {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string fixed(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

// Nanoseconds that reading the clock costs: the best of some tries, since others may run in between.
double clock_cost_ns() {
  using clock = std::chrono::steady_clock;
  constexpr int reads = 10'000;
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto begin = clock::now();
    auto now = begin;
    for (int i = 0; i < reads; ++i)
      now = clock::now();
    best = std::min(best, std::chrono::duration<double, std::nano>(now - begin).count() / reads);
  }
  return best;
}

finding check_clock() {
  // Above this, reading the clock is a system call, and each message is stamped once.
  constexpr double slow_ns = 150;
  std::string source = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (source.empty())
    source = "unknown";
  const double cost = clock_cost_ns();
  const std::string text = "source " + source + ", " + fixed(cost, 0) + " ns a reading";
  if (cost <= slow_ns)
    return {verdict::ok, "clock", text, ""};
  return {
      verdict::warn, "clock", text,
      "every message is stamped once, so publishing is slower than it need be: if the kernel offers tsc, kvm-clock or "
      "arch_sys_counter, choose it (/sys/devices/system/clocksource/clocksource0/available_clocksource)"};
}

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return static_cast<unsigned>(CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency()); // more cores than cpu_set_t has room for
}

// The folder of this process in the cgroup tree (version 2), or "" if there is none.
std::string cgroup_folder() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::"))
      return "/sys/fs/cgroup" + line.substr(3);
  return "";
}

// The tightest value of a control file between this process's group and the root; nothing if none limits.
template <class Read>
std::optional<double> tightest(const char* control, Read read) {
  std::optional<double> least;
  for (std::string folder = cgroup_folder(); folder.size() >= std::string_view("/sys/fs/cgroup").size();
       folder.resize(folder.find_last_of('/'))) {
    const std::optional<double> here = read(first_line(folder + "/" + control));
    if (here && (!least || *here < *least))
      least = here;
  }
  return least;
}

// "150000 100000" is one and a half cores; "max 100000" is no limit.
std::optional<double> cores_of_quota(const std::string& line) {
  std::istringstream words(line);
  double quota = 0;
  double period = 0;
  if (words >> quota >> period && period > 0)
    return quota / period;
  return std::nullopt;
}

std::optional<double> bytes_of_limit(const std::string& line) {
  std::istringstream words(line);
  double bytes = 0;
  if (words >> bytes)
    return bytes;
  return std::nullopt;
}

finding check_cores() {
  const unsigned cores = usable_cores();
  const std::optional<double> quota = tightest("cpu.max", cores_of_quota);
  std::string text = std::to_string(cores) + (cores == 1 ? " core" : " cores") + " usable";
  text += quota ? ", cgroup quota " + fixed(*quota, 2) + " cores" : ", no cgroup quota";
  if (quota && *quota < 1.0)
    return {verdict::warn, "cores", text,
            "the quota pauses every thread in turn: expect pauses of many milliseconds; raise "
            "the container's cpu limit to 1 or more"};
  if (quota && *quota + 1e-9 < static_cast<double>(cores))
    return {verdict::warn, "cores", text,
            "more workers than the quota feeds are paused together: set MYCELIUM_THREADS=" +
                std::to_string(std::max(1, static_cast<int>(*quota)))};
  if (cores == 1)
    return {verdict::warn, "cores", text,
            "publishers and subscribers take turns on one core: it works, but latency is that "
            "of the scheduler"};
  return {verdict::ok, "cores", text, ""};
}

finding check_memory() {
  const std::optional<double> limit = tightest("memory.max", bytes_of_limit);
  if (!limit)
    return {verdict::ok, "memory", "no cgroup limit", ""};
  const std::string text = "cgroup limit " + fixed(*limit / (1 << 20), 0) + " MiB";
  if (*limit >= 256.0 * (1 << 20))
    return {verdict::ok, "memory", text, ""};
  return {verdict::warn, "memory", text,
          "full mailboxes of large payloads may not fit: lower MYCELIUM_MAILBOX_CAPACITY or "
          "MYCELIUM_MAX_PAYLOAD, or raise the limit"};
}

finding check_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur == RLIM_INFINITY)
    return {verdict::ok, "open files", "no limit", ""};
  const std::string text = "limit " + std::to_string(limit.rlim_cur);
  if (limit.rlim_cur >= 256)
    return {verdict::ok, "open files", text, ""};
  return {verdict::warn, "open files", text, "each queue takes one descriptor: raise it with ulimit -n 1024"};
}

} // namespace

findings check_machine() { return {check_clock(), check_cores(), check_memory(), check_open_files()}; }

} // namespace mycelium::cli

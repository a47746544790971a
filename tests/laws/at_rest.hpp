// When a process of several threads may fork so that its child may allocate.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace mycelium::laws {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool forks_amid_work =
    false; // what a thread locked in the sanitizing allocator of gcc 12 stays so in the child
#else
constexpr bool forks_amid_work = true;
#endif

// Whether every thread of the process but this one sleeps, as none does inside an allocator.
inline bool others_sleep() {
  const auto self = std::to_string(gettid());
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    if (task.path().filename() == self)
      continue;
    std::ifstream file{task.path() / "stat"};
    std::string stat; // "1234 (a name) S ..."
    if (std::getline(file, stat) && stat.compare(stat.rfind(')') + 1, 2, " S") != 0)
      return false;
  }
  return true;
}

inline bool may_fork() { return forks_amid_work || others_sleep(); }

} // namespace mycelium::laws

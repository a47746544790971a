// All signals stay with the host's threads: blocked while this lives, and so for every thread started meanwhile.
#pragma once

#include <csignal>

namespace mycelium::runtime {

class signals_blocked {
public:
  signals_blocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

private:
  sigset_t before_;
};

} // namespace mycelium::runtime

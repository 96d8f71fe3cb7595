// rt/signals.hpp
#include "rt/signals.hpp"

#include <pthread.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace weir::rt {

Signals::Signals() : Signals({SIGINT, SIGTERM}) { std::signal(SIGPIPE, SIG_IGN); }

Signals::Signals(std::initializer_list<int> signals) {
  static_assert(sizeof before_ >= sizeof(sigset_t));
  sigset_t mask, before;
  sigemptyset(&mask);
  for (int s : signals) sigaddset(&mask, s);
  ::pthread_sigmask(SIG_BLOCK, &mask, &before);
  std::memcpy(before_, &before, sizeof before);
  fd_.reset(::signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw std::system_error(errno, std::generic_category(), "signalfd");
}

Signals::~Signals() { restore(); }

void Signals::restore() const noexcept {
  sigset_t before;
  std::memcpy(&before, before_, sizeof before);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

int Signals::take() noexcept {
  signalfd_siginfo info;
  return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace weir::rt

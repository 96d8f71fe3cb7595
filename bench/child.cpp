// bench/child.hpp
#include "bench/child.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <sstream>

#include "io/fd.hpp"

namespace weir::bench {
namespace {

// One word of kind, then lines.
std::string encode(const Sample& s) {
  std::string text = fmt::format("V\n{:.17g} {:.17g}\n", s.value, s.cpu_s);
  for (const Extra& e : s.extras) text += fmt::format("{:.17g}\t{}\t{}\n", e.value, e.suffix, e.unit);
  return text;
}

Sample decode(std::istringstream& in) {
  Sample s;
  in >> s.value >> s.cpu_s;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const auto first = line.find('\t'), second = line.find('\t', first + 1);
    s.extras.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1), std::stod(line.substr(0, first))});
  }
  return s;
}

std::string call(const std::function<Sample()>& run) {
  try {
    return encode(run());
  } catch (const Missing& e) {
    return fmt::format("M\n{}", e.what());
  } catch (const std::exception& e) {
    return fmt::format("F\n{}", e.what());
  }
}

[[noreturn]] void be_child(int pipe, pid_t parent, const std::function<Sample()>& run) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const std::string text = call(run);
  for (usize done = 0; done < text.size();) {
    const ssize_t n = ::write(pipe, text.data() + done, text.size() - done);
    if (n <= 0) ::_exit(1);
    done += static_cast<usize>(n);
  }
  ::_exit(0);
}

std::string read_all(int fd) {
  std::string text;
  char piece[4096];
  for (;;) {
    const ssize_t n = ::read(fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(piece, static_cast<usize>(n));
  }
}

}  // namespace

Sample in_child(const std::function<Sample()>& run) {
  int ends[2];
  if (::pipe(ends) != 0) throw Failed(fmt::format("pipe: {}", std::strerror(errno)));
  io::Fd from(ends[0]), to(ends[1]);
  std::fflush(nullptr);
  const pid_t parent = ::getpid(), child = ::fork();
  if (child < 0) throw Failed(fmt::format("fork: {}", std::strerror(errno)));
  if (child == 0) be_child(to.get(), parent, run);
  to.reset();
  const std::string text = read_all(from.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) throw Failed(fmt::format("the run was ended by signal {}", WTERMSIG(status)));
  std::istringstream in(text);
  std::string kind;
  std::getline(in, kind);
  if (kind == "V") return decode(in);
  const std::string what = text.size() > 2 ? text.substr(2) : "the run ended without a word";
  if (kind == "M") throw Missing(what);
  throw Failed(what);
}

}  // namespace weir::bench

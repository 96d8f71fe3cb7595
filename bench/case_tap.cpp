// tap: one TCP flow between weir on a TAP device and the kernel, beside the same flow from kernel to kernel over veth in the
// same run. All on one core.
#include <sys/socket.h>

#include <chrono>
#include <thread>
#include <vector>

#include "bench/child.hpp"
#include "bench/cpu.hpp"
#include "bench/pair.hpp"
#include "bench/peers/linux.hpp"
#include "bench/peers/net.hpp"
#include "bench/stamp.hpp"
#include "weir/stack.hpp"

namespace weir::bench {
namespace {

constexpr u16 port = 5003;
constexpr u32 user_buffer = 64 * 1024;

enum class Way { send, send_lent, receive };

// What the two threads and the one that measures share.
struct Flow {
  std::atomic<u64> bytes = 0;  // that the receiver has checked
  std::atomic<bool> stop = false;
};

void kernel_receives(Flow& f) {
  const io::Fd listener = listen_on(port);
  const io::Fd fd = accept_from(listener, f.stop);
  std::vector<std::byte> in(user_buffer);
  StampCheck check;
  while (!f.stop) {
    const ssize_t n = ::recv(fd.get(), in.data(), in.size(), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) throw Failed("the kernel's end broke off");
    if (n <= 0) continue;
    check.take(Bytes{in}.first(static_cast<usize>(n)));
    f.bytes.store(check.bytes(), std::memory_order_relaxed);
  }
}

void kernel_sends(Flow& f) {
  const io::Fd fd = connect_to("10.99.0.2", port, f.stop);
  std::vector<std::byte> out(user_buffer);
  for (u64 position = 0; !f.stop; position += out.size()) {
    put_stamps(out, position);
    for (usize sent = 0; sent < out.size() && !f.stop;) {
      const ssize_t n = ::send(fd.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (n > 0) sent += static_cast<usize>(n);
      else if (errno != EAGAIN && errno != EINTR) fail_with_errno("send");
    }
  }
}

// Tries until the kernel's end listens.
Task<TcpStream> connect_to_kernel(Host host, Flow& f) {
  for (;;) {
    auto s = co_await host.connect({*IpAddr::parse("10.99.0.1"), port});
    if (s || s.error() != Errc::conn_refused || f.stop) co_return must(std::move(s), "connect");
    co_await host.sleep_for(Duration::millis(5));
  }
}

Task<void> weir_sends(Host host, Flow& f, bool lent) {
  TcpStream s = co_await connect_to_kernel(host, f);
  std::vector<std::byte> out(user_buffer);
  for (u64 position = 0; !f.stop;) {
    if (!lent) {
      put_stamps(out, position);
      position += must(co_await s.write(Bytes{out}), "write");
      continue;
    }
    must(co_await s.writable(), "wait");
    auto memory = must(host.reserve(user_buffer), "reserve");
    const u32 n = memory.size();
    u64 at = position;
    for (u32 i = 0; i < memory.pieces(); at += memory.piece(i++).size()) put_stamps(memory.piece(i), at);
    position += must(co_await s.write(std::move(memory).commit(n)), "write");
  }
}

Task<void> weir_receives(Host host, Flow& f) {
  auto listener = must(host.listen({Ip4Addr::any(), port}), "listen");
  TcpStream s = must(co_await listener.accept(), "accept");
  std::vector<std::byte> in(user_buffer);
  StampCheck check;
  while (!f.stop) {
    const usize n = must(co_await s.read(MutBytes{in}), "read");
    if (n == 0) throw Failed("weir's end broke off");
    check.take(Bytes{in}.first(n));
    f.bytes.store(check.bytes(), std::memory_order_relaxed);
  }
}

template <class F>
void guarded(std::exception_ptr& to, Flow& f, F&& body) {
  try {
    body();
  } catch (...) {
    to = std::current_exception();
  }
  f.stop = true;
}

void drive_weir(LocalStack& stack, Flow& f, Way way) {
  struct Body {  // a coroutine's parameters live in it, a lambda's captures do not
    static Task<bool> run(Host host, Flow& flow, Way how) {
      if (how == Way::receive) co_await weir_receives(host, flow);
      else co_await weir_sends(host, flow, how == Way::send_lent);
      co_return true;
    }
  };
  std::optional<bool> ended;
  std::exception_ptr thrown;
  struct Keep {
    static Task<void> run(Task<bool> body, std::optional<bool>& done, std::exception_ptr& error) {
      try {
        done = co_await std::move(body);
      } catch (...) {
        error = std::current_exception();
        done = false;
      }
    }
  };
  stack.spawn(Keep::run(Body::run(stack, f, way), ended, thrown));
  while (!f.stop && !ended) stack.run_once(Duration::millis(100));
  if (thrown) std::rethrow_exception(thrown);
}

Sample with_kernel(const Env& env, Way way) {
  const NetNs here = NetNs::make();
  here.enter();
  const int core = last_core();
  auto stack = LocalStack::open({.device = "tap:weirb0,host=10.99.0.1/24", .addresses = {"10.99.0.2/24"}, .probe_addresses = false});
  if (!stack) throw Missing(stack.error().what);
  Flow f;
  std::exception_ptr thrown[2];
  std::thread weir([&] {
    pin_to(core);
    guarded(thrown[0], f, [&] { drive_weir(*stack, f, way); });
  });
  std::thread kernel([&] {
    pin_to(core);
    guarded(thrown[1], f, [&] { way == Way::receive ? kernel_sends(f) : kernel_receives(f); });
  });
  Sample s;
  const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  const CoreMeter warm(core);
  const Instant give_up = rt::Clock::now() + Duration::seconds(5);
  while (!f.stop && (f.bytes == 0 || warm.seconds() < env.seconds / 5))
    if (nap(); f.bytes == 0 && rt::Clock::now() > give_up) f.stop = true;
  const u64 before = f.bytes;
  const CoreMeter cpu(core);
  while (!f.stop && cpu.seconds() < env.seconds) nap();
  s.cpu_s = cpu.seconds();
  s.value = static_cast<double>(f.bytes - before) / s.cpu_s * 1e-9;
  const bool alive = f.stop.exchange(true) == false;
  weir.join();
  kernel.join();
  for (const auto& t : thrown)
    if (t && (!alive || s.value <= 0)) std::rethrow_exception(t);
  if (before == 0) throw Failed("nothing was received in 5 s");
  return s;
}

Sample ratio(const Env& env, Way way) {
  const Sample mine = in_child([&] { return with_kernel(env, way); });
  const Sample kernel = in_child([&] { return linux_tcp(env, true); });
  return {mine.value / kernel.value, mine.cpu_s, {{"weir", "GB/cpu_s", mine.value}, {"kernel to kernel", "GB/cpu_s", kernel.value}}};
}

}  // namespace

Case tap_case() {
  return {"tap",
          "one TCP flow with the kernel over a TAP device, beside kernel to kernel over veth (root)",
          {{"send", "ratio", Better::higher, [](const Env& e) { return ratio(e, Way::send); }},
           {"recv", "ratio", Better::higher, [](const Env& e) { return ratio(e, Way::receive); }},
           {"sendzc", "ratio", Better::higher, [](const Env& e) { return ratio(e, Way::send_lent); }}}};
}

}  // namespace weir::bench

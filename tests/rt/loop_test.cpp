// The way in, blocking, readiness, sleeping and devices, with a shard that does nothing.
#include "rt/loop.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <deque>
#include <semaphore>

#include "io/null.hpp"
#include "tests/rt/fake_shard.hpp"

namespace weir::rt {
namespace {

using buf::PacketId;
using testing::FakeLoop;
using testing::FakeShard;

constexpr Sock sock{3, 1};
const LoopConfig no_spin{.spin = Duration{}};
const LoopConfig local{.sharing = Sharing::local, .spin = Duration{}};

// One end of a pipe as a device: a byte read is a frame received, a frame sent is a byte written.
class PipeDevice : public io::DriverDefaults {
 public:
  PipeDevice(int in, int out) : in_(in), out_(out) {}
  io::Caps caps() const noexcept { return {}; }
  std::string_view name() const noexcept { return "pipe"; }
  int fd() const noexcept { return in_.get(); }
  u32 poll_events() const noexcept { return EPOLLIN; }
  u32 receive(buf::Pool& pool, std::span<PacketId> out, u32, Instant) noexcept {
    u32 n = 0;
    char c;
    while (n < out.size() && ::read(in_.get(), &c, 1) == 1) {
      if (c == 'x') {
        link_ = io::LinkState::gone;
        break;
      }
      if (c == 'd' || c == 'e') {
        ++(c == 'd' ? stats_.rx_dropped : stats_.rx_errors);
        continue;
      }
      out[n++] = pool.from_bytes(std::as_bytes(std::span{&c, 1}));
    }
    return n;
  }
  u32 send(buf::Pool& pool, std::span<const PacketId> packets, Instant) noexcept {
    u32 n = 0;
    for (PacketId id : packets) {
      if (refuse > 0) {
        --refuse;
        break;
      }
      if (pool.first_run(id)[0] == std::byte{'E'}) ++stats_.tx_errors;
      else if (::write(out_.get(), pool.first_run(id).data(), 1) != 1) break;
      ++n;
    }
    return n;
  }
  int refuse = 0;

 private:
  io::Fd in_, out_;
};

struct Pipes {
  Pipes() {
    int a[2], b[2];
    EXPECT_EQ(::pipe2(a, O_NONBLOCK), 0);
    EXPECT_EQ(::pipe2(b, O_CLOEXEC), 0);
    device = std::make_unique<PipeDevice>(a[0], b[1]);
    to_device.reset(a[1]);
    from_device.reset(b[0]);
  }
  void put(char c) const { EXPECT_EQ(::write(to_device.get(), &c, 1), 1); }
  char get() const {
    char c = 0;
    EXPECT_EQ(::read(from_device.get(), &c, 1), 1);
    return c;
  }
  std::unique_ptr<PipeDevice> device;
  io::Fd to_device, from_device;
};

TEST(shared_shard, a_call_runs_with_the_shard_and_the_time) {
  FakeLoop loop(no_spin);
  const Instant before = Clock::now();
  EXPECT_EQ(loop.shared().call([&](FakeShard& s, Instant now) {
    EXPECT_GE(now, before);
    return s.frames_in;
  }),
            0u);
  EXPECT_EQ(loop.shared().shard().runs, 1u) << "the shard is run after a call";
  loop.shared().query([](FakeShard&) {});
  EXPECT_EQ(loop.shared().shard().runs, 1u) << "but not after a mere look";
}

TEST(shared_shard, output_of_a_call_is_sent_by_the_caller) {
  Pipes pipes;
  FakeLoop loop(no_spin);
  loop.shared().attach(1, io::Device{std::move(pipes.device)});
  loop.shared().call([](FakeShard& s, Instant) {
    const char c = 'A';
    s.out[1].push(s.pool(), s.pool().from_bytes(std::as_bytes(std::span{&c, 1})));
  });
  EXPECT_EQ(pipes.get(), 'A') << "and the loop was never turned";
}

TEST(shared_shard, a_full_device_is_offered_the_rest_again_in_order) {
  Pipes pipes;
  pipes.device->refuse = 2;
  FakeLoop loop(no_spin);
  loop.shared().attach(1, io::Device{std::move(pipes.device)});
  loop.shared().call([](FakeShard& s, Instant) {
    for (const char c : {'A', 'B', 'C'}) s.out[1].push(s.pool(), s.pool().from_bytes(std::as_bytes(std::span{&c, 1})));
  });
  EXPECT_TRUE(loop.run_until([&] { return loop.shared().query([](FakeShard& s) { return !s.has_output(1); }); }, Clock::now() + 5_s));
  EXPECT_EQ(pipes.get(), 'A');
  EXPECT_EQ(pipes.get(), 'B');
  EXPECT_EQ(pipes.get(), 'C');
}

TEST(loop, frames_cross_from_device_to_device) {
  Pipes a, b;
  FakeLoop loop({});
  loop.shared().call([](FakeShard& s, Instant) {
    s.wires[1] = 2;
    s.wires[2] = 1;
  });
  loop.shared().attach(1, io::Device{std::move(a.device)});
  loop.shared().attach(2, io::Device{std::move(b.device)});
  loop.start();
  for (int i = 0; i < 1000; ++i) {
    a.put('1');
    EXPECT_EQ(b.get(), '1');
    b.put('2');
    EXPECT_EQ(a.get(), '2');
  }
  loop.stop();
}

TEST(loop, a_device_that_vanishes_is_reported_and_the_rest_goes_on) {
  Pipes a, b;
  FakeLoop loop({});
  std::binary_semaphore told{0};
  loop.shared().ports().on_link = [&](Port port, std::string_view name, io::LinkState link) {
    EXPECT_EQ(port, 1);
    EXPECT_EQ(name, "pipe");
    EXPECT_EQ(link, io::LinkState::gone);
    told.release();
  };
  loop.shared().call([](FakeShard& s, Instant) { s.wires[2] = 2; });
  loop.shared().attach(1, io::Device{std::move(a.device)});
  loop.shared().attach(2, io::Device{std::move(b.device)});
  loop.start();
  a.put('x');
  told.acquire();
  EXPECT_FALSE(loop.shared().query([](FakeShard& s) { return s.ports_up.at(1); }));
  b.put('1');
  EXPECT_EQ(b.get(), '1');
  loop.stop();
}

TEST(loop, what_a_device_loses_is_told_once) {
  Pipes pipes;
  FakeLoop loop(local);
  for (const char c : {'d', 'e', 'd', '1'}) pipes.put(c);
  loop.shared().attach(1, io::Device{std::move(pipes.device)});
  EXPECT_TRUE(loop.run_until([&] { return loop.shared().shard().frames_in == 1; }, Clock::now() + 5_s));
  for (const char c : {'E', 'A'})
    loop.shared().call([&](FakeShard& s, Instant) { s.out[1].push(s.pool(), s.pool().from_bytes(std::as_bytes(std::span{&c, 1}))); });
  EXPECT_EQ(pipes.get(), 'A');
  EXPECT_EQ(loop.shared().shard().losses, (DeviceLosses{.rx_dropped = 2, .rx_errors = 1, .tx_errors = 1}));
}

TEST(loop, null_devices_feed_a_limited_number_of_frames) {
  FakeLoop loop(local);
  auto ring = std::make_shared<io::FrameRing>(256);
  loop.shared().call([](FakeShard& s, Instant) { s.wires[1] = 2; });
  loop.shared().attach(
      1, io::Device{std::make_unique<io::Null>(io::NullConfig{.frame = std::vector<std::byte>(64), .limit = 10'000, .ring = ring})});
  loop.shared().attach(2, io::Device{std::make_unique<io::Null>(io::NullConfig{.ring = ring})});
  EXPECT_TRUE(loop.run_until([&] { return loop.shared().ports().find(2)->stats().tx_packets == 10'000; }, Clock::now() + 5_s));
  EXPECT_EQ(loop.shared().shard().frames_in, 10'000u);
}

TEST(loop, a_blocked_thread_is_woken_when_its_socket_gets_ready) {
  FakeLoop loop(no_spin);
  loop.start();
  std::thread blocked([&] {
    const Result<u32> r = loop.shared().wait(sock, Ready::in, Instant::never(), [](FakeShard& s, Instant) { return s.take(sock); });
    EXPECT_EQ(r, 1u);
  });
  loop.shared().call([](FakeShard& s, Instant) { s.make_ready(sock, Ready::in); });
  blocked.join();
}

TEST(loop, other_sockets_and_other_readiness_do_not_wake) {
  FakeLoop loop(no_spin);
  Result<u32> r = 0;
  std::atomic<int> attempts{0};
  std::thread blocked([&] {
    r = loop.shared().wait(sock, Ready::in, Instant::never(), [&](FakeShard& s, Instant) {
      ++attempts;
      return s.take(sock);
    });
  });
  while (attempts == 0) std::this_thread::yield();
  loop.shared().call([](FakeShard& s, Instant) {
    s.ready.push_back({sock, Ready::out, 0});
    s.ready.push_back({Sock{3 + 1024, 1}, Ready::in, 0});
  });
  loop.shared().call([](FakeShard& s, Instant) { s.make_ready(sock, Ready::hangup); });
  blocked.join();
  EXPECT_EQ(attempts, 2);
}

TEST(loop, waits_end_at_their_deadline_and_when_canceled) {
  FakeLoop loop(no_spin);
  const auto wait = [&](Instant deadline) {
    return loop.shared().wait(sock, Ready::in, deadline, [](FakeShard& s, Instant) { return s.take(sock); });
  };
  const Instant start = Clock::now();
  EXPECT_EQ(wait(start + 20_ms), fail(Errc::timed_out));
  EXPECT_GE(Clock::now(), start + 20_ms);
  std::thread blocked([&] { EXPECT_EQ(wait(Instant::never()), fail(Errc::canceled)); });
  loop.shared().cancel();
  blocked.join();
  EXPECT_EQ(wait(Instant::never()), fail(Errc::canceled)) << "later ones too";
}

TEST(loop, a_wait_of_the_loops_own_thread_turns_the_loop) {
  Pipes pipes;
  FakeLoop loop(local);
  loop.shared().attach(1, io::Device{std::move(pipes.device)});
  loop.post([&] { loop.shared().call([](FakeShard& s, Instant) { s.make_ready(sock, Ready::in); }); });
  EXPECT_EQ(loop.shared().wait(sock, Ready::in, Clock::now() + 5_s, [](FakeShard& s, Instant) { return s.take(sock); }), 1u);
  EXPECT_EQ(loop.shared().wait(sock, Ready::in, Clock::now() + 5_ms, [](FakeShard& s, Instant) { return s.take(sock); }),
            fail(Errc::timed_out));
}

struct CountingHandler : ReadyHandler {
  std::atomic<u32> calls{0}, last_mask{0};
  std::binary_semaphore called{0};
  CountingHandler() {
    on_ready = [](ReadyHandler* h, u32 ready) {
      auto& self = *static_cast<CountingHandler*>(h);
      self.last_mask = ready;
      ++self.calls;
      self.called.release();
    };
  }
};

TEST(loop, handlers_run_on_the_loops_thread_without_the_lock) {
  FakeLoop loop(no_spin);
  loop.start();
  CountingHandler h;
  loop.shared().call([&](FakeShard& s, Instant) {
    s.users[sock.index] = loop.shared().user_word(&h);
    s.make_ready(sock, Ready::in);
  });
  h.called.acquire();
  EXPECT_EQ(h.calls, 1u);
  EXPECT_EQ(h.last_mask, Ready::in);
  loop.shared().forget(h);
  loop.stop();
}

TEST(loop, a_handler_that_was_forgotten_is_not_called) {
  FakeLoop loop(local);
  CountingHandler a, b, c;
  u32 index = 1;
  for (CountingHandler* h : {&a, &b, &c})
    loop.shared().call([&](FakeShard& s, Instant) {
      s.users[index] = loop.shared().user_word(h);
      s.make_ready(Sock{index++, 1}, Ready::in);
    });
  loop.shared().forget(b);
  loop.shared().forget(c);
  loop.run_once({});
  EXPECT_EQ(a.calls, 1u);
  EXPECT_EQ(b.calls, 0u);
  EXPECT_EQ(c.calls, 0u);
}

TEST(loop, forget_waits_for_a_call_in_progress) {
  FakeLoop loop(no_spin);
  loop.start();
  struct Slow : ReadyHandler {
    std::binary_semaphore entered{0}, go_on{0};
    std::atomic<bool> left{false};
  } slow;
  slow.on_ready = [](ReadyHandler* h, u32) {
    auto& self = *static_cast<Slow*>(h);
    self.entered.release();
    self.go_on.acquire();
    self.left = true;
  };
  loop.shared().call([&](FakeShard& s, Instant) {
    s.users[sock.index] = loop.shared().user_word(&slow);
    s.make_ready(sock, Ready::in);
  });
  slow.entered.acquire();
  std::thread forgetter([&] {
    loop.shared().forget(slow);
    EXPECT_TRUE(slow.left);
  });
  slow.go_on.release();
  forgetter.join();
}

TEST(loop, an_earlier_deadline_wakes_it_and_a_later_one_does_not) {
  FakeLoop loop(no_spin);
  loop.start();
  const auto expired = [&] { return loop.shared().query([](FakeShard& s) { return s.expired; }); };
  for (u64 i = 1; i <= 50; ++i) {
    loop.shared().call([](FakeShard& s, Instant now) { s.deadline = now + 1_ms; });
    const Instant give_up = Clock::now() + 5_s;
    while (expired() < i && Clock::now() < give_up) std::this_thread::yield();
    ASSERT_EQ(expired(), i);
  }
}

TEST(loop, without_work_it_sleeps) {
  FakeLoop loop(LoopConfig{});
  Pipes pipes;
  loop.shared().attach(1, io::Device{std::move(pipes.device)});
  loop.shared().call([](FakeShard& s, Instant now) { s.deadline = now + 100_ms; });
  const u64 runs_before = loop.shared().shard().runs;
  loop.run_until([] { return false; }, Clock::now() + 200_ms);
  EXPECT_LE(loop.shared().sleeper().times_slept(), 6u);
  EXPECT_LE(loop.shared().shard().runs - runs_before, 12u);
  EXPECT_EQ(loop.shared().shard().expired, 1u);
}

TEST(loop, functions_posted_from_any_thread_run_on_it) {
  FakeLoop loop(no_spin);
  loop.start();
  std::atomic<int> n{0};
  std::binary_semaphore all{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        loop.post([&] {
          if (++n == 2000) all.release();
        });
    });
  for (auto& t : threads) t.join();
  all.acquire();
  EXPECT_EQ(n, 2000);
}

TEST(loop, watches_files_and_calls_at_times) {
  FakeLoop loop(local);
  Pipes pipes;
  std::string order;
  loop.call_at(Clock::now() + 2_ms, [&] { order += '2'; });
  loop.call_at(Clock::now() + 1_ms, [&] { order += '1'; });
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 2; }, Clock::now() + 5_s));
  EXPECT_EQ(order, "12");
  const int fd = pipes.device->fd();
  EXPECT_TRUE(loop.watch(fd, EPOLLIN, [&](u32 events) {
    EXPECT_EQ(events & EPOLLIN, static_cast<u32>(EPOLLIN));
    order += 'f';
    loop.unwatch(fd);
  }));
  pipes.put('1');
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 3; }, Clock::now() + 5_s));
  loop.run_once(1_ms);
  EXPECT_EQ(order, "12f");
}

TEST(loop, a_file_that_cannot_be_watched_leaves_nothing_behind) {
  FakeLoop loop(local);
  std::FILE* const regular = std::tmpfile();
  ASSERT_NE(regular, nullptr);
  const int fd = ::fileno(regular);
  EXPECT_FALSE(loop.watch(fd, EPOLLIN, [](u32) { FAIL(); }));
  // Another file gets the same number: it can be watched.
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ASSERT_EQ(::dup2(pipe[0], fd), fd);
  bool called = false;
  EXPECT_TRUE(loop.watch(fd, EPOLLIN, [&](u32) { called = true; }));
  ASSERT_EQ(::write(pipe[1], "x", 1), 1);
  EXPECT_TRUE(loop.run_until([&] { return called; }, Clock::now() + 5_s));
  loop.unwatch(fd);
  ::close(pipe[0]);
  ::close(pipe[1]);
  std::fclose(regular);
}

// Everything at once, for the thread sanitizer: callers, blocked threads, handlers, posts, devices.
TEST(loop, many_threads_at_once) {
  Pipes pipes;
  FakeLoop loop({});
  loop.shared().call([](FakeShard& s, Instant) { s.wires[1] = 1; });
  loop.shared().attach(1, io::Device{std::move(pipes.device)});
  loop.start();
  constexpr u32 pairs = 3, rounds = 2000;
  std::vector<std::thread> threads;
  for (u32 t = 0; t < pairs; ++t) {
    const Sock s{t + 10, 1};
    threads.emplace_back([&loop, s] {
      for (u32 i = 0; i < rounds; ++i)
        loop.shared().call([&](FakeShard& shard, Instant now) {
          shard.deadline = now + Duration::micros(50);
          shard.make_ready(s, Ready::in);
        });
    });
    threads.emplace_back([&loop, s] {
      for (u32 i = 0; i < rounds; ++i) {
        const auto r = loop.shared().wait(s, Ready::in, Clock::now() + 60_s, [&](FakeShard& shard, Instant) { return shard.take(s); });
        ASSERT_TRUE(r) << text(r.error());
      }
    });
  }
  for (u32 i = 0; i < rounds; ++i) {
    pipes.put('1');
    EXPECT_EQ(pipes.get(), '1');
  }
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace weir::rt

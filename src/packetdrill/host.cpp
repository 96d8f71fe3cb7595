// packetdrill/host.hpp
#include "packetdrill/host.hpp"

#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "packetdrill/outbound.hpp"
#include "packetdrill/settings.hpp"

namespace weir::packetdrill {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1'600'000'000'000'000'000};  // of virtual time: as good as any
constexpr Duration longest_wait = Duration::seconds(300);
constexpr auto longest_hold = 1s;                    // real: for a thread that never reads the clock

// The tool locks all memory that is to come; a small limit on locked memory would then refuse the pool.
ShardConfig small_shard() {
  (void)::munlockall();
  return {.seed = 1,
          .pool = {.packets = 16'384, .small_buffers = 8'192, .large_buffers = 4'096},
          .max_sockets = 4'096,
          .max_connections = 4'096};
}

i64 monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

IpAddr source_of(Bytes packet) {
  if (packet.size() >= 20 && load_u8(packet.data()) >> 4 == 4) return Ip4Addr::load(&packet[12]);
  return packet.size() >= 40 ? IpAddr{Ip6Addr::load(&packet[8])} : IpAddr{};
}

IpAddr destination_of(Bytes packet) {
  if (packet.size() >= 20 && load_u8(packet.data()) >> 4 == 4) return Ip4Addr::load(&packet[16]);
  return packet.size() >= 40 ? IpAddr{Ip6Addr::load(&packet[24])} : IpAddr{};
}

void wait_until_asleep(pid_t thread) {
  const auto end = std::chrono::steady_clock::now() + longest_hold;
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
  std::string text;
  while (std::chrono::steady_clock::now() < end && std::getline(std::ifstream(path), text) && text.find(") S ") == std::string::npos)
    sched_yield();
}

void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "weir_packetdrill: %s\n", what);
  std::exit(2);
}

}  // namespace

Host::Host(const Flags& flags)
    : main_(::gettid()),
      now_(start),
      virtual_(flags.virtual_time),
      real_start_(monotonic_ns()),
      shard_(small_shard(), now_),
      settings_(flags.settings) {
  const auto netns = shard_.add_netns({.name = "packetdrill", .sysctl = flags.sysctl}, now_);
  require(netns.has_value(), "no network namespace could be made");
  netns_ = *netns;
  // As with the kernel's TUN device the tool sees segments as the stack makes them, before a device cuts them to size.
  InterfaceConfig wire{.name = "tun0", .kind = InterfaceKind::raw_ip, .mtu = flags.mtu};
  wire.offload.tso = true;
  wire.offload.gro = false;
  wire.queue_packets = 65'536;
  const auto index = shard_.add_interface(netns_, wire, now_);
  require(index.has_value(), "flags: mtu: not one that an interface can have");
  wire_ = *index;
  add_addresses(flags);
  process_.emplace(shard_, netns_);
  Lock lock(mutex_);
  settle();
}

void Host::add_addresses(const Flags& flags) {
  for (const Prefix& p : flags.local) {
    (p.address.is_v4() ? learns4_ : learns6_) = false;
    require(shard_.add_address(wire_, p, now_, false).has_value(), ("flags: local=" + to_string(p) + ": no host can have it").c_str());
  }
  for (const Family f : {Family::v4, Family::v6}) {
    const auto gateway = std::ranges::find(flags.gateways, f, &IpAddr::family);
    const IpAddr via = gateway != flags.gateways.end() ? *gateway : IpAddr::any(f);
    (void)shard_.add_route(netns_, {.to = {IpAddr::any(f), 0}, .via = via, .interface = wire_}, now_);
  }
}

Host::~Host() {
  for (const auto& [fd, own] : fds_) (void)::syscall(SYS_close, fd);
}

void Host::end() {
  const Lock lock(mutex_);
  ending_ = true;
  for (Waiter* w : waiters_) finish(*w, posix::failed(EINTR));
  changed_.notify_all();
}

void Host::learn(const IpAddr& address) {
  Lock lock(mutex_);
  learn_locked(address);
}

void Host::learn_locked(const IpAddr& address) {
  if (address.is_any() || address.is_multicast() || address.is_loopback()) return;
  bool& learns = address.is_v4() ? learns4_ : learns6_;
  if (!learns) return;
  learns = false;
  (void)shard_.add_address(wire_, {address, static_cast<u8>(address.bits())}, now_, false);
}

void Host::read_system_settings() {
  if (!settings_) return;
  Lock lock(mutex_);
  const std::string unknown = read_settings("/proc/sys/net/ipv4", *shard_.sysctl(netns_));
  if (!unknown.empty() && std::getenv("WEIR_PACKETDRILL_VERBOSE") != nullptr) std::fputs(unknown.c_str(), stderr);
}

// -- what happens

Instant Host::real_now() const { return start + Duration{monotonic_ns() - real_start_}; }

void Host::catch_up(Lock& lock) {
  if (!virtual_) advance(lock, std::max(now_, real_now()));
}

void Host::collect() {
  std::array<buf::PacketId, 64> ids;
  while (const u32 n = shard_.frames_to_send(wire_, ids, 1u << 20, now_)) {
    for (const buf::PacketId id : std::span{ids}.first(n)) {
      Sent s{std::vector<std::byte>(shard_.pool()[id].length), now_};
      shard_.pool().copy_out(id, 0, s.bytes);
      if (const char* fault = find_fault(s.bytes)) {
        std::fprintf(stderr, "weir_packetdrill: the stack has sent a packet with %s (%zu bytes, to %s)\n", fault, s.bytes.size(),
                     to_string(destination_of(s.bytes)).c_str());
        std::abort();
      }
      if (!is_housekeeping(s.bytes)) out_.push_back(std::move(s));
    }
    shard_.tx_done(wire_, std::span{ids}.first(n));
  }
}

void Host::settle() {
  constexpr int rounds = 100'000;
  for (int i = 0; i < rounds; ++i) {
    const bool more = shard_.run(now_).more;
    collect();
    if (!more && !serve_waiters()) return;
  }
}

bool Host::serve_waiters() {
  bool some = false;
  for (Waiter* w : waiters_) {
    if (w->done) continue;
    const posix::Outcome o = (*w->attempt)(*process_, now_);
    if (o.wait) continue;
    finish(*w, o);
    some = true;
  }
  return some;
}

void Host::finish(Waiter& w, posix::Outcome outcome) {
  if (w.done) return;
  w.outcome = outcome;
  w.done = true;
  if (w.thread != main_) woken_.insert(w.thread);
  changed_.notify_all();
}

void Host::hold(Lock& lock) {
  const auto free = [&] { return ending_ || woken_.empty() || woken_.contains(::gettid()); };
  if (!changed_.wait_for(lock, longest_hold, free)) woken_.clear();
}

// The result of a call reaches the tool's main thread under a lock of the tool's, which is free while the main thread sleeps. In
// real time there would be enough of it for that; here the main thread waits until the other one sleeps for its next call.
void Host::let_settle(Lock& lock) {
  const std::set<pid_t> threads = settling_;
  lock.unlock();
  for (const pid_t t : threads)
    if (t != ::gettid()) wait_until_asleep(t);
  lock.lock();
}

Instant Host::next_event() const {
  Instant next = shard_.next_deadline();
  for (const Waiter* w : waiters_)
    if (!w->done) next = std::min(next, w->deadline);
  return next;
}

void Host::step(Lock& lock, Instant to) {
  hold(lock);
  const Instant next = std::max(std::min(next_event(), to), now_);
  while (!virtual_ && real_now() < next) changed_.wait_for(lock, std::chrono::nanoseconds{(next - real_now()).ns});
  now_ = std::max(now_, next);
  for (Waiter* w : waiters_)
    if (!w->done && w->deadline <= now_) finish(*w, w->patience->late());
  settle();
}

void Host::advance(Lock& lock, Instant to) {
  do step(lock, to);
  while (now_ < to || next_event() <= to);
}

posix::Outcome Host::call(const Attempt& attempt, const Patience& patience) {
  Lock lock(mutex_);
  catch_up(lock);
  const posix::Outcome first = attempt(*process_, now_);
  settle();
  if (!first.wait) return first;
  if (ending_) return posix::failed(EINTR);
  Waiter w{.attempt = &attempt,
           .patience = &patience,
           .deadline = patience.time ? now_ + *patience.time : Instant::never(),
           .thread = ::gettid(),
           .outcome = {},
           .done = false};
  waiters_.push_back(&w);
  settle();  // what it has to wait for may have come of its own doing
  const posix::Outcome o = w.thread == main_ ? drive(lock, w) : [&] {
    changed_.wait(lock, [&] { return w.done; });
    return w.outcome;
  }();
  waiters_.remove(&w);
  changed_.notify_all();
  return o;
}

// Nobody else moves the time while the main thread waits, so it does that itself.
posix::Outcome Host::drive(Lock& lock, Waiter& w) {
  const Instant end = now_ + longest_wait;
  while (!w.done && next_event() <= end) step(lock, end);
  if (w.done) return w.outcome;
  std::fputs("weir_packetdrill: a call of the main thread waits for what cannot happen: it is interrupted\n", stderr);
  return posix::failed(EINTR);
}

Patience Host::patience_of(int process_fd, bool sending, std::function<posix::Outcome()> late) {
  Lock lock(mutex_);
  return {process_->timeout(process_fd, sending), std::move(late)};
}

// -- the wire

void Host::packet_in(Bytes packet) {
  Lock lock(mutex_);
  hold(lock);
  catch_up(lock);
  if (source_of(packet) != destination_of(packet)) learn_locked(destination_of(packet));
  const buf::PacketId id = shard_.pool().from_bytes(packet);
  require(id != buf::PacketId::none, "the stack has no buffers left for a packet of the script");
  shard_.on_frames(wire_, {&id, 1}, now_);
  settle();
  // It may be the script's last packet: whom it has woken must not be found still at it.
  hold(lock);
  let_settle(lock);
}

std::optional<Host::Sent> Host::packet_out() {
  Lock lock(mutex_);
  catch_up(lock);
  const Instant end = now_ + longest_wait;
  while (out_.empty() && next_event() <= end) step(lock, end);
  if (out_.empty()) return {};
  Sent s = std::move(out_.front());
  out_.pop_front();
  return s;
}

// -- time

void Host::sleep(Duration d) {
  Lock lock(mutex_);
  hold(lock);
  let_settle(lock);
  settling_.clear();
  advance(lock, now_ + d);
}

Instant Host::clock() {
  Lock lock(mutex_);
  if (woken_.erase(::gettid()) != 0) {
    settling_.insert(::gettid());
    changed_.notify_all();
  }
  const Instant read = now_;
  if (virtual_) advance(lock, now_ + 1_us);
  else catch_up(lock);
  return virtual_ ? read : now_;
}

// -- descriptors

int Host::adopt(int process_fd) {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return -1;
  Lock lock(mutex_);
  fds_[fd] = process_fd;
  return fd;
}

int Host::find(int fd) {
  Lock lock(mutex_);
  const auto it = fds_.find(fd);
  return it != fds_.end() ? it->second : -1;
}

void Host::forget(int fd) {
  Lock lock(mutex_);
  if (fds_.erase(fd) != 0) (void)::syscall(SYS_close, fd);
}

}  // namespace weir::packetdrill

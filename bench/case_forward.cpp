// forward: 64-byte IPv4 from one null device to another through the whole stack. The descriptors go round in order, so that no
// packet is hot because it was used just before, and each frame has new addresses.
#include <array>
#include <memory>

#include "base/checksum.hpp"
#include "bench/cpu.hpp"
#include "bench/frames.hpp"
#include "bench/pair.hpp"
#include "bench/peers/linux.hpp"
#include "bench/routes.hpp"
#include "graph/counters.hpp"
#include "io/null.hpp"

namespace weir::bench {
namespace {

constexpr u32 batch = 64;
constexpr MacAddr gateway_mac{{2, 0, 0, 0, 0, 9}};

struct Setup {
  usize routes = 1;
  u32 descriptors = 4096;
};

class Router {
 public:
  explicit Router(const Setup& setup)
      : shard_({.pool = {.packets = setup.descriptors + 1024, .small_buffers = setup.descriptors + 1024, .large_buffers = 64}},
               rt::Clock::now()),
        ring_(std::make_shared<io::FrameRing>(setup.descriptors)) {
    const Instant now = rt::Clock::now();
    Sysctl sysctl;
    sysctl.ip_forward = true;
    netns_ = must(shard_.add_netns({.name = "router", .sysctl = sysctl}, now), "add a namespace");
    in_ = must(shard_.add_interface(netns_, {.name = "in"}, now), "add an interface");
    out_ = must(shard_.add_interface(netns_, {.name = "out"}, now), "add an interface");
    must(shard_.add_address(in_, *Prefix::parse("192.0.2.1/24"), now, false), "add an address");
    must(shard_.add_address(out_, *Prefix::parse("198.51.100.1/24"), now, false), "add an address");
    add_routes(setup.routes, now);
    const MacAddr own = shard_.core().interfaces[in_]->config.mac;
    frame_ = make_frame({.src_mac = {{2, 0, 0, 0, 0, 8}}, .dst_mac = own, .src = {0xc000'0205}, .dst = {0x0a00'0001}});
    readdress_ = std::make_unique<Readdresser>(frame_);
    for (u32 i = 0; i < setup.descriptors; ++i) (void)ring_->push(shard_.pool().from_bytes(frame_));
    from_ = std::make_unique<io::Null>(io::NullConfig{.frame = frame_, .touch = &Router::touch, .self = this, .ring = ring_});
    to_ = std::make_unique<io::Null>(io::NullConfig{.ring = ring_});
    settle();
  }
  ~Router() { from_->release(shard_.pool()); }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  void turn() {
    const Instant now = time();
    std::array<buf::PacketId, batch> frames;
    const u32 n = from_->receive(shard_.pool(), frames, ~u32{0}, now);
    shard_.on_frames(in_, {frames.data(), n}, now);
    shard_.run(now);
    for (u32 k; (k = shard_.frames_to_send(out_, frames, ~u32{0}, now)) > 0;) {
      check(frames[0]);
      if (to_->send(shard_.pool(), {frames.data(), k}, now) != k) throw Failed("the device refused frames");
    }
  }
  [[nodiscard]] u64 forwarded() const { return to_->stats().tx_packets; }
  void check_conservation() const {
    const auto& counters = shard_.core().netns[netns_]->ip4;
    const u64 in = from_->stats().rx_packets, out = forwarded(), counted = counters.read(graph::Ip::out_forwarded);
    if (in != out || in != counted) throw Failed("frames were lost: " + std::to_string(in) + " in, " + std::to_string(out) + " out");
  }

 private:
  // A minute from now: what interfaces have to say when they come up has been said by then.
  [[nodiscard]] static Instant time() noexcept { return rt::Clock::now() + Duration::seconds(60); }
  void settle() {
    std::array<buf::PacketId, batch> frames;
    for (Instant t = rt::Clock::now(), end = time(); t < end; t = t + Duration::seconds(1)) {
      shard_.run(t);
      for (const IfIndex i : {in_, out_})
        for (u32 k; (k = shard_.frames_to_send(i, frames, ~u32{0}, t)) > 0;) shard_.tx_done(i, {frames.data(), k});
    }
  }
  void add_routes(usize n, Instant now) {
    constexpr u32 gateways = 16;
    const auto gateway = [](u32 i) { return Ip4Addr{0xc633'6402 + i % gateways}; };
    for (u32 i = 0; i < gateways; ++i) must(shard_.add_neighbour(out_, gateway(i), gateway_mac, now), "add a neighbour");
    if (n == 1) {
      must(shard_.add_route(netns_, {.to = *Prefix::parse("10.0.0.0/8"), .via = gateway(0)}, now), "add a route");
      destinations_.resize(1u << 20);
      for (u32 i = 0; i < destinations_.size(); ++i) destinations_[i] = {0x0a00'0000 | (i * 2'654'435'761u >> 8)};
      return;
    }
    const auto prefixes = make_prefixes(n);
    for (u32 i = 0; i < prefixes.size(); ++i) must(shard_.add_route(netns_, {.to = prefixes[i], .via = gateway(i)}, now), "add a route");
    destinations_ = make_destinations(prefixes, 1u << 20);
  }
  static void touch(void* self, MutBytes frame, u64 number) {
    const auto& r = *static_cast<Router*>(self);
    const u32 i = static_cast<u32>(number);
    (*r.readdress_)(frame, {0xc000'0200 | (2 + i % 250)}, r.destinations_[i & (r.destinations_.size() - 1)]);
  }
  void check(buf::PacketId id) {
    const Bytes f = shard_.pool().first_run(id);
    const bool good = load_raw<MacAddr>(f.data()) == gateway_mac && load_u8(f.data() + 22) == 63 &&
                      csum_fold(csum_add(f.subspan(14, 20))) == 0xffff && f.back() == frame_.back();
    if (!good) throw Failed("a frame came out wrong");
  }

  Shard shard_;
  std::shared_ptr<io::FrameRing> ring_;
  NetnsId netns_ = 0;
  IfIndex in_ = 0, out_ = 0;
  std::vector<std::byte> frame_;
  std::unique_ptr<Readdresser> readdress_;
  std::unique_ptr<io::Null> from_, to_;
  std::vector<Ip4Addr> destinations_;
};

Sample measure(const Env& env, Router& router) {
  const u32 step = env.quick ? 16 : 4096;
  for (u32 i = 0; i < step; ++i) router.turn();
  const u64 before = router.forwarded();
  const CpuMeter cpu;
  do
    for (u32 i = 0; i < step; ++i) router.turn();
  while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds();
  router.check_conservation();
  return {static_cast<double>(router.forwarded() - before) / s * 1e-6, s};
}

Sample forward(const Env& env, Setup setup) {
  if (env.quick) setup.routes = std::min<usize>(setup.routes, 5'000), setup.descriptors = 256;
  // A million routes take a while to make: they are kept from run to run.
  static std::unique_ptr<Router> kept;
  static Setup kept_for;
  if (!kept || kept_for.routes != setup.routes || kept_for.descriptors != setup.descriptors) {
    kept.reset();
    kept = std::make_unique<Router>(setup);
    kept_for = setup;
  }
  return measure(env, *kept);
}

}  // namespace

Case forward_case() {
  constexpr u32 cold = 65'536;  // buffers of 2,176 bytes: 143 MB
  return {"forward",
          "64-byte IPv4 through the stack, null device to null device",
          {{"routes=1", "Mpps", Better::higher, [](const Env& e) { return forward(e, {}); }, {"routes=1"}},
           {"routes=1000000", "Mpps", Better::higher, [](const Env& e) { return forward(e, {.routes = 1'000'000}); }},
           {"cold", "Mpps", Better::higher, [](const Env& e) { return forward(e, {.routes = 1'000'000, .descriptors = cold}); }}},
          {{"routes=1", "Mpps", Better::higher, linux_forward, {}, true}}};
}

}  // namespace weir::bench

// bench/routes.hpp
#include "bench/routes.hpp"

#include <unordered_set>

namespace weir::bench {
namespace {

class Random {
 public:
  explicit Random(u64 seed) noexcept : state_(seed) {}
  u32 operator()() noexcept {
    state_ = state_ * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    return static_cast<u32>(state_ >> 32);
  }

 private:
  u64 state_;
};

u8 random_length(u32 r) noexcept {
  const u32 percent = r % 100;
  if (percent < 60) return 24;
  if (percent < 70) return 23;
  if (percent < 81) return 22;
  if (percent < 86) return 21;
  if (percent < 92) return 20;
  if (percent < 96) return 19;
  return percent < 98 ? 18 : 17;
}

u32 mask(u8 length) noexcept { return ~u32{0} << (32 - length); }

}  // namespace

std::vector<Prefix> make_prefixes(usize n) {
  Random random(7);
  std::vector<Prefix> out;
  std::unordered_set<u64> seen;
  while (out.size() < n) {
    const u8 length = random_length(random());
    const u32 address = random() & mask(length);
    const u32 octet = address >> 24;
    if (octet == 0 || octet == 10 || octet == 127 || octet == 169 || octet >= 192) continue;
    if (!seen.insert(u64{address} << 8 | length).second) continue;
    out.push_back({Ip4Addr{address}, length});
  }
  return out;
}

std::vector<Ip4Addr> make_destinations(const std::vector<Prefix>& prefixes, usize n) {
  Random random(11);
  std::vector<Ip4Addr> out;
  while (out.size() < n) {
    const Prefix& p = prefixes[random() % prefixes.size()];
    out.push_back({p.address.v4().host | (random() & ~mask(p.length))});
  }
  return out;
}

}  // namespace weir::bench

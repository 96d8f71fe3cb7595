// tcp/negotiate.hpp
#include "tcp/negotiate.hpp"

namespace weir::tcp {
namespace {

u64 keyed(SipKey key, const Flow& f) noexcept {
  std::byte in[38];
  f.local.v6().store(in);
  f.remote.v6().store(in + 16);
  store_be16(in + 32, f.local_port);
  store_be16(in + 34, f.remote_port);
  store_be16(in + 36, f.netns);
  return siphash24(key, in);
}

}  // namespace

SeqNum initial_sequence(const Context& cx, const Flow& f) noexcept {
  if (cx.test_iss) return *cx.test_iss;
  //= rfc9293#3.4.1 MUST-8
  //= rfc9293#3.4.1 MUST-9
  //= rfc9293#3.4.1 SHLD-1
  return {static_cast<u32>(cx.now.ns / 4'000) + static_cast<u32>(keyed(cx.isn_key, f))};
}

u32 timestamp_offset(const Context& cx, const Flow& f) noexcept { return static_cast<u32>(keyed(cx.ts_key, f)); }

}  // namespace weir::tcp

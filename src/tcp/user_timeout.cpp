// tcp/user_timeout.hpp
#include "tcp/user_timeout.hpp"

namespace weir::tcp::user_timeout {
namespace {

u32 own_ms(const Context& cx, const Tcb& t) noexcept {
  const u32 set = t.extra != 0 ? cx.extras[t.extra].user_timeout_ms : 0;
  return set != 0 ? set : default_ms;
}

}  // namespace

std::optional<u16> to_send(const Context& cx, const Tcb& t) noexcept {
  if (!cx.sysctl(t).tcp_user_timeout_option) return {};
  return encode(own_ms(cx, t));
}

void adopt(Context& cx, Tcb& t, std::optional<u16> option) noexcept {
  if (!option || decode_ms(*option) == 0 || !cx.sysctl(t).tcp_user_timeout_option) return;
  if (t.extra == 0) t.extra = cx.extras.alloc();
  if (t.extra == 0) return;
  const u64 longer = std::max<u64>(own_ms(cx, t), decode_ms(*option));
  cx.extras[t.extra].adopted_timeout_ms = static_cast<u32>(std::clamp<u64>(longer, least_ms, most_ms));
}

}  // namespace weir::tcp::user_timeout

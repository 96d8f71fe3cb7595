// posix/options.hpp: options with a conversion of their own.
#include <linux/sock_diag.h>
#include <net/if.h>

#include <algorithm>

#include "posix/options.hpp"
#include "tcp/cc/controller.hpp"

namespace weir::posix {

int set_low_water(OptionCall& c) {
  int v = 0;
  if (!c.read(v)) return EINVAL;
  c.file.extras.receive_low_water = v < 0 ? INT32_MAX : std::max(v, 1);
  return 0;
}

int get_ttl(OptionCall& c) {
  if (c.shard.get_option(c.file.sock, Option::ttl).value_or(1) != 0) return get_number(c);
  c.put_int(c.shard.sysctl(c.file.netns)->default_ttl);
  return 0;
}

int get_timestamp(OptionCall& c) {
  c.put_int(c.file.extras.timestamp == static_cast<int>(c.entry.unit));
  return 0;
}

int set_timestamp(OptionCall& c) {
  int v = 0;
  if (!c.read(v)) return EINVAL;
  c.file.extras.timestamp = v != 0 ? static_cast<int>(c.entry.unit) : 0;
  return 0;
}

int set_no_delay(OptionCall& c) {
  int v = 0;
  if (!c.read(v)) return EINVAL;
  if (const int error = set_flag(c); error != 0 || v == 0 || c.file.stage != Stage::connected) return error;
  (void)c.shard.send(c.file.sock, {}, 0, c.now);  // nothing more is to come
  if (c.shard.get_option(c.file.sock, Option::cork).value_or(0) != 0) {
    (void)c.shard.set_option(c.file.sock, Option::cork, 0, c.now);
    (void)c.shard.set_option(c.file.sock, Option::cork, 1, c.now);
  }
  return 0;
}

int set_zero_copy(OptionCall& c) {
  int v = 0;
  if (!c.read(v)) return EINVAL;
  if (v != 0 && v != 1) return EINVAL;
  c.file.extras.zero_copy = v;
  return 0;
}

int set_udp_cork(OptionCall& c) {
  int v = 0;
  if (!c.read(v)) return EINVAL;
  c.file.extras.cork = v != 0;
  return v != 0 ? 0 : flush_cork(c.shard, c.file, c.now).error;
}

// After bind() it is too late.
int set_v6_only(OptionCall& c) {
  if (c.file.bound || c.file.stage != Stage::fresh) return EINVAL;
  return set_flag(c);
}

// 0 takes the limit away.
int set_max_segment(OptionCall& c) {
  int v = 0;
  if (!c.read(v) || (v != 0 && (v < c.entry.least || v > c.entry.most))) return EINVAL;
  const auto r = c.shard.set_option(c.file.sock, Option::max_segment, v, c.now);
  return r ? 0 : to_errno(r.error());
}

// What is queued and may be queued. Linux counts its structures too; here bytes of data are what is known.
int get_memory_info(OptionCall& c) {
  const auto number = [&](Option o) { return static_cast<u32>(c.shard.get_option(c.file.sock, o).value_or(0)); };
  std::array<u32, SK_MEMINFO_VARS> info{};
  info[SK_MEMINFO_RMEM_ALLOC] = number(Option::pending_input);
  info[SK_MEMINFO_RCVBUF] = 2 * number(Option::receive_buffer);
  info[SK_MEMINFO_WMEM_ALLOC] = info[SK_MEMINFO_WMEM_QUEUED] = number(Option::pending_output);
  info[SK_MEMINFO_SNDBUF] = number(Option::send_buffer);
  c.put(info.data(), sizeof info);
  return 0;
}

int get_congestion(OptionCall& c) {
  constexpr usize longest = 16;  // TCP_CA_NAME_MAX
  const auto kind = c.shard.get_option(c.file.sock, Option::congestion_control);
  if (!kind) return to_errno(kind.error());
  std::array<char, longest> text{};
  const std::string_view name = tcp::cc::name(static_cast<tcp::cc::Kind>(*kind));
  std::ranges::copy(name.substr(0, longest - 1), text.begin());
  c.put(text.data(), text.size());
  return 0;
}

int set_congestion(OptionCall& c) {
  const char* text = reinterpret_cast<const char*>(c.in.data());
  if (c.in.empty()) return EINVAL;
  const auto kind = tcp::cc::find({text, strnlen(text, std::min<usize>(c.in.size(), 15))});
  if (!kind) return ENOENT;
  const auto r = c.shard.set_option(c.file.sock, Option::congestion_control, static_cast<i64>(*kind), c.now);
  return r ? 0 : to_errno(r.error());
}

// Of 32 or, where the caller has room, 64 bits.
int get_pacing(OptionCall& c) {
  const i64 rate = c.shard.get_option(c.file.sock, Option::max_pacing_rate).value_or(0);
  const u64 wide = rate != 0 ? static_cast<u64>(rate) : ~u64{0};
  const u32 narrow = static_cast<u32>(std::min<u64>(wide, ~0u));
  if (c.out.size() >= sizeof wide) c.put(&wide, sizeof wide);
  else c.put(&narrow, sizeof narrow);
  return 0;
}

int set_pacing(OptionCall& c) {
  u64 wide = 0;
  u32 narrow = 0;
  if (!c.read(narrow)) return EINVAL;
  const bool is_wide = c.read(wide);
  const bool none = is_wide ? wide == ~u64{0} : narrow == ~0u;
  const i64 rate = none ? 0 : static_cast<i64>(std::min<u64>(is_wide ? wide : narrow, INT64_MAX));
  const auto r = c.shard.set_option(c.file.sock, Option::max_pacing_rate, rate, c.now);
  return r ? 0 : to_errno(r.error());
}

int get_device(OptionCall& c) {
  const IfIndex i = static_cast<IfIndex>(c.shard.get_option(c.file.sock, Option::bind_interface).value_or(0));
  const graph::Interface* device = c.shard.core().find_interface(i);
  if (device == nullptr) return 0;
  if (c.out.size() < IFNAMSIZ) return EINVAL;
  c.put(device->config.name.c_str(), device->config.name.size() + 1);
  return 0;
}

int set_device(OptionCall& c) {
  const char* text = reinterpret_cast<const char*>(c.in.data());
  const std::string_view name{text, strnlen(text, std::min<usize>(c.in.size(), IFNAMSIZ - 1))};
  IfIndex found = 0;
  const graph::Netns* ns = c.shard.core().find_netns(c.file.netns);
  if (ns != nullptr)
    for (const IfIndex i : ns->interfaces)
      if (c.shard.core().interface(i).config.name == name) found = i;
  if (found == 0 && !name.empty()) return ENODEV;
  const auto r = c.shard.set_option(c.file.sock, Option::bind_interface, found, c.now);
  return r ? 0 : to_errno(r.error());
}

}  // namespace weir::posix

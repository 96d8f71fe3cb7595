#include "api/sysctl_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <variant>

#include "api/fast_open_key.hpp"
#include "api/units.hpp"
#include "tcp/cc/controller.hpp"

namespace weir {
namespace {

enum class Kind : u8 { flag, count, seconds, milliseconds, bytes };

using Field = std::variant<bool Sysctl::*, u8 Sysctl::*, u16 Sysctl::*, u32 Sysctl::*>;

struct Name {
  std::string_view name;
  Kind kind;
  Field field;
  u64 least, most;
};

// Linux's names where Linux has the setting.
const Name names[] = {
    {"ip_forward", Kind::flag, &Sysctl::ip_forward, 0, 1},
    {"ip6_forward", Kind::flag, &Sysctl::ip6_forward, 0, 1},
    {"ip_default_ttl", Kind::count, &Sysctl::default_ttl, 1, 255},
    {"ip_local_port_first", Kind::count, &Sysctl::port_first, 1, 65'535},
    {"ip_local_port_last", Kind::count, &Sysctl::port_last, 1, 65'535},
    {"icmp_echo_ignore_broadcasts", Kind::flag, &Sysctl::icmp_echo_ignore_broadcasts, 0, 1},
    {"icmp_msgs_per_sec", Kind::count, &Sysctl::icmp_rate_per_s, 0, 1'000'000'000},
    {"accept_redirects", Kind::flag, &Sysctl::accept_redirects, 0, 1},
    {"accept_source_route", Kind::flag, &Sysctl::accept_source_route, 0, 1},
    {"strong_end_system", Kind::flag, &Sysctl::strong_end_system, 0, 1},
    {"tcp_syn_retries", Kind::count, &Sysctl::tcp_syn_retries, 0, 127},
    {"tcp_synack_retries", Kind::count, &Sysctl::tcp_synack_retries, 0, 127},
    {"tcp_retries1", Kind::count, &Sysctl::tcp_retries1, 1, 255},
    {"tcp_retries2", Kind::count, &Sysctl::tcp_retries2, 1, 255},
    {"tcp_orphan_retries", Kind::count, &Sysctl::tcp_orphan_retries, 0, 255},
    {"tcp_fin_timeout", Kind::seconds, &Sysctl::tcp_fin_timeout_s, 1, 86'400},
    {"tcp_msl", Kind::seconds, &Sysctl::tcp_msl_s, 1, 3'600},
    {"tcp_keepalive_time", Kind::seconds, &Sysctl::tcp_keepalive_time_s, 1, 2'000'000},
    {"tcp_keepalive_intvl", Kind::seconds, &Sysctl::tcp_keepalive_intvl_s, 1, 2'000'000},
    {"tcp_keepalive_probes", Kind::count, &Sysctl::tcp_keepalive_probes, 1, 127},
    {"tcp_rto_min", Kind::milliseconds, &Sysctl::tcp_rto_min_ms, 1, 120'000},
    {"tcp_rto_max", Kind::milliseconds, &Sysctl::tcp_rto_max_ms, 1'000, 600'000},
    {"tcp_delack", Kind::milliseconds, &Sysctl::tcp_delack_ms, 1, 500},
    {"tcp_rmem", Kind::bytes, &Sysctl::tcp_rmem, 2'304, 1u << 30},
    {"tcp_wmem", Kind::bytes, &Sysctl::tcp_wmem, 2'304, 1u << 30},
    {"tcp_max_syn_backlog", Kind::count, &Sysctl::tcp_max_syn_backlog, 1, 1u << 24},
    {"tcp_syncookies", Kind::count, &Sysctl::tcp_syncookies, 0, 2},
    {"tcp_fastopen", Kind::count, &Sysctl::tcp_fastopen, 0, 0x607},
    {"tcp_fastopen_blackhole_timeout_sec", Kind::seconds, &Sysctl::tcp_fastopen_blackhole_timeout_s, 0, 2'000'000},
    {"tcp_notsent_lowat", Kind::bytes, &Sysctl::tcp_notsent_lowat, 0, 1u << 30},
    {"tcp_user_timeout_option", Kind::flag, &Sysctl::tcp_user_timeout_option, 0, 1},
    {"tcp_port_selection", Kind::count, &Sysctl::tcp_port_selection, 0, 1},
    {"tcp_max_tw_buckets", Kind::count, &Sysctl::tcp_max_tw_buckets, 0, 1u << 24},
    {"tcp_max_orphans", Kind::count, &Sysctl::tcp_max_orphans, 0, 1u << 24},
    {"tcp_timestamps", Kind::flag, &Sysctl::tcp_timestamps, 0, 1},
    {"tcp_window_scaling", Kind::flag, &Sysctl::tcp_window_scaling, 0, 1},
    {"tcp_sack", Kind::flag, &Sysctl::tcp_sack, 0, 1},
    {"tcp_dsack", Kind::flag, &Sysctl::tcp_dsack, 0, 1},
    {"tcp_frto", Kind::flag, &Sysctl::tcp_frto, 0, 2},
    {"tcp_early_retrans", Kind::count, &Sysctl::tcp_early_retrans, 0, 4},
    {"tcp_reordering", Kind::count, &Sysctl::tcp_reordering, 1, 127},
    {"tcp_slow_start_after_idle", Kind::flag, &Sysctl::tcp_slow_start_after_idle, 0, 1},
    {"tcp_mtu_probing", Kind::count, &Sysctl::tcp_mtu_probing, 0, 2},
    {"tcp_base_mss", Kind::count, &Sysctl::tcp_base_mss, 48, 65'495},
    {"tcp_mtu_probe_floor", Kind::count, &Sysctl::tcp_mtu_probe_floor, 48, 65'495},
    {"tcp_moderate_rcvbuf", Kind::flag, &Sysctl::tcp_moderate_rcvbuf, 0, 1},
    {"tcp_rmem_max", Kind::bytes, &Sysctl::tcp_rmem_max, 2'304, 1u << 30},
    {"tcp_wmem_max", Kind::bytes, &Sysctl::tcp_wmem_max, 2'304, 1u << 30},
    {"tcp_ecn", Kind::count, &Sysctl::tcp_ecn, 0, 2},
    {"tcp_abort_on_overflow", Kind::flag, &Sysctl::tcp_abort_on_overflow, 0, 1},
    {"tcp_rfc1337", Kind::flag, &Sysctl::tcp_rfc1337, 0, 1},
    {"tcp_tw_reuse", Kind::flag, &Sysctl::tcp_tw_reuse, 0, 1},
    {"tcp_min_snd_mss", Kind::count, &Sysctl::tcp_min_snd_mss, 48, 65'495},
    {"initial_cwnd", Kind::count, &Sysctl::initial_cwnd, 1, 1'000},
};

constexpr std::string_view congestion_control = "tcp_congestion_control";  // by name, not by number

const Name* find(std::string_view name) {
  const auto i = std::ranges::find(names, name, &Name::name);
  return i == std::end(names) ? nullptr : i;
}

std::optional<u64> parse_count(std::string_view text) {
  u64 v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return v;
}

std::optional<u64> parse(Kind kind, std::string_view text) {
  switch (kind) {
    case Kind::flag:
      if (text == "true" || text == "false") return text == "true" ? 1u : 0u;
      return parse_count(text);
    case Kind::count: return parse_count(text);
    case Kind::bytes: return parse_size(text);
    case Kind::seconds:
    case Kind::milliseconds: {
      if (const auto plain = parse_count(text)) return plain;
      const auto d = parse_duration(text);
      if (!d) return {};
      return static_cast<u64>(kind == Kind::seconds ? d->ns / 1'000'000'000 : d->ms());
    }
  }
  return {};
}

std::string expected(const Name& n) {
  switch (n.kind) {
    case Kind::flag: return "true or false";
    case Kind::count: return fmt::format("a number from {} to {}", n.least, n.most);
    case Kind::seconds: return fmt::format("seconds from {} to {}, or a time like \"10min\"", n.least, n.most);
    case Kind::milliseconds: return fmt::format("milliseconds from {} to {}, or a time like \"200ms\"", n.least, n.most);
    case Kind::bytes: return fmt::format("bytes from {} to {}, or a size like \"64KiB\"", n.least, n.most);
  }
  return {};
}

}  // namespace

Result<void, std::string> set_sysctl(Sysctl& sysctl, std::string_view name, std::string_view value) {
  if (name == congestion_control) {
    const auto kind = tcp::cc::find(value);
    if (!kind) return std::unexpected(fmt::format("{} = \"{}\": expected one of {}", name, value, tcp::cc::names()));
    sysctl.tcp_congestion_control = static_cast<u8>(*kind);
    return {};
  }
  if (name == fast_open_key_name) {
    if (set_fast_open_key(sysctl, value)) return {};
    return std::unexpected(
        fmt::format("{} = \"{}\": expected xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx, or two of them with a comma", name, value));
  }
  const Name* n = find(name);
  if (n == nullptr) {
    const std::string_view near = nearest(name, sysctl_names());
    return std::unexpected(
        fmt::format("no setting is called \"{}\"{}", name, near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  const auto v = parse(n->kind, value);
  if (!v || *v < n->least || *v > n->most) return std::unexpected(fmt::format("{} = {}: expected {}", name, value, expected(*n)));
  std::visit([&]<class T>(T Sysctl::* field) { sysctl.*field = static_cast<T>(*v); }, n->field);
  return {};
}

std::string sysctl_text(const Sysctl& sysctl, std::string_view name) {
  if (name == congestion_control) return std::string{tcp::cc::name(static_cast<tcp::cc::Kind>(sysctl.tcp_congestion_control))};
  if (name == fast_open_key_name) return fast_open_key_text(sysctl);
  const Name* n = find(name);
  if (n == nullptr) return {};
  const u64 v = std::visit([&](auto field) { return static_cast<u64>(sysctl.*field); }, n->field);
  return n->kind == Kind::flag ? (v != 0 ? "true" : "false") : std::to_string(v);
}

std::vector<std::string_view> sysctl_names() {
  std::vector<std::string_view> all;
  for (const Name& n : names) all.push_back(n.name);
  all.push_back(congestion_control);
  all.push_back(fast_open_key_name);
  return all;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  // Levenshtein's distance, row by row.
  const auto distance = [](std::string_view a, std::string_view b) {
    std::vector<usize> row(b.size() + 1);
    std::iota(row.begin(), row.end(), usize{0});
    for (usize i = 0; i < a.size(); ++i) {
      usize diagonal = row[0];
      row[0] = i + 1;
      for (usize k = 0; k < b.size(); ++k) {
        const usize substituted = diagonal + (a[i] == b[k] ? 0 : 1);
        diagonal = row[k + 1];
        row[k + 1] = std::min({substituted, row[k] + 1, diagonal + 1});
      }
    }
    return row.back();
  };
  std::string_view best;
  usize best_distance = std::max<usize>(word.size() / 2, 2) + 1;
  for (const std::string_view k : known)
    if (const usize d = distance(word, k); d < best_distance) {
      best = k;
      best_distance = d;
    }
  return best;
}

}  // namespace weir

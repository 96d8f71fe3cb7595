// One expected segment and one that was sent, field by field, in the script's numbers.
#include <fmt/format.h>

#include "drill/match.hpp"

namespace weir::drill {
namespace {

using wire::TcpFlags;

std::string range_text(u32 first, u32 length) { return fmt::format("{}:{}({})", first, first + length, length); }

// Is TS val what it should be by the clock that the script names?
bool ts_val_fits(const TcpOptionSpec& expected, const TcpOptionSpec& sent, const Flow& flow, const Settings& settings) {
  if (settings.ts_tick.ns == 0 || !flow.first_ts) return true;
  const i64 script = static_cast<i32>(expected.ts_val - flow.first_ts->first), live = static_cast<i32>(sent.ts_val - flow.first_ts->second);
  const i64 slack = settings.tolerance.ns / settings.ts_tick.ns + 1;
  return live - script <= slack && script - live <= slack;
}

// The values that the machine said, as the script calls them.
u32 ts_in_script(u32 val, const Flow& flow) { return flow.first_ts ? val - flow.first_ts->second + flow.first_ts->first : val; }

Field compare_options(const TcpSpec& tcp, const Seen& seen, Flow& flow, const Settings& settings, Place place) {
  std::vector<TcpOptionSpec> sent = decode_options(seen.tcp->options(), flow, place);
  Field f;
  if (tcp.any_options) {
    f = {.expected = "<...>", .sent = to_text(sent)};
    return f;
  }
  f.differs = sent.size() != tcp.options.size();
  std::vector<TcpOptionSpec> expected;
  for (usize i = 0; i < tcp.options.size(); ++i) {
    expected.push_back(resolved(tcp.options[i], settings));
    if (i >= sent.size()) continue;
    if (sent[i].kind == TcpOptionKind::timestamps) {
      const bool fits = tcp.options[i].kind == TcpOptionKind::timestamps && ts_val_fits(tcp.options[i], sent[i], flow, settings);
      if (fits && !flow.first_ts) flow.first_ts = {tcp.options[i].ts_val, sent[i].ts_val};
      if (fits) flow.ts_vals[tcp.options[i].ts_val] = sent[i].ts_val;
      sent[i].ts_val = fits ? tcp.options[i].ts_val : ts_in_script(sent[i].ts_val, flow);
    }
    f.differs = f.differs || to_text(sent[i]) != to_text(expected.back());
  }
  f.expected = expected.empty() ? "" : to_text(expected);
  f.sent = sent.empty() ? "" : to_text(sent);
  if (f.differs && expected.empty()) f.expected = "no options";
  if (f.differs && sent.empty()) f.sent = "no options";
  return f;
}

Field compare_ip(const IpInfo& ip, const Seen& seen) {
  Field f;
  static constexpr std::string_view ecn[] = {"noecn", "ect1", "ect0", "ce"};
  const auto add = [&](const std::string& expected, const std::string& sent, bool differs) {
    f.expected += (f.expected.empty() ? "[" : ",") + expected;
    f.sent += (f.sent.empty() ? "[" : ",") + sent;
    f.differs = f.differs || differs;
  };
  const u8 sent_ecn = seen.tos & 3;
  if (ip.ecn) add(std::string(ecn[*ip.ecn & 3]), std::string(ecn[sent_ecn]), *ip.ecn != sent_ecn);
  if (ip.ect01) add("ect01", std::string(ecn[sent_ecn]), sent_ecn != 1 && sent_ecn != 2);
  if (ip.tos) add(fmt::format("tos 0x{:02x}", *ip.tos), fmt::format("tos 0x{:02x}", seen.tos), *ip.tos != seen.tos);
  if (ip.ttl) add(fmt::format("ttl {}", *ip.ttl), fmt::format("ttl {}", seen.ttl), *ip.ttl != seen.ttl);
  if (ip.flow_label)
    add(fmt::format("flowlabel 0x{:05x}", *ip.flow_label), fmt::format("flowlabel 0x{:05x}", seen.flow_label),
        *ip.flow_label != seen.flow_label);
  if (!f.expected.empty()) {
    f.expected += "]";
    f.sent += "]";
  }
  return f;
}

// `joined`: the last of several packets for one that is expected. A stack that hands such a run to its device at once may set PSH
// on it for the receiver's sake (Linux does); in the segments on this wire that cannot be seen.
Field compare_flags(const TcpSpec& tcp, u16 sent, bool part, bool joined) {
  if (joined && !part && (tcp.flags & TcpFlags::psh) != 0) sent |= TcpFlags::psh;
  Field f{.expected = flags_text(tcp.flags), .sent = flags_text(sent)};
  // Of several packets for one that is expected, only the last has its PSH and FIN.
  const u16 mine = TcpFlags::psh | TcpFlags::fin;
  f.differs = part ? ((sent ^ tcp.flags) & ~mine) != 0 || (sent & ~tcp.flags) != 0 : sent != tcp.flags;
  return f;
}

Field compare_seq(const TcpSpec& tcp, const Seen& seen, const Flow& flow, u32 offset, bool part) {
  const bool syn = (tcp.flags & TcpFlags::syn) != 0;
  const u32 first = flow.local.to_script(seen.tcp->seq().raw, seen.tcp->flags().any(TcpFlags::syn));
  const u32 length = static_cast<u32>(seen.transport.size() - seen.tcp->header_len());
  Field f{.expected = range_text(tcp.seq.first + offset, tcp.seq.length - offset), .sent = range_text(first, length)};
  const bool known = flow.local.known || syn;
  f.differs = (known && first != tcp.seq.first + offset) || (part ? length == 0 : length != tcp.seq.length - offset);
  return f;
}

Field compare_ack(const TcpSpec& tcp, const Seen& seen, const Flow& flow) {
  const bool has = seen.tcp->flags().any(TcpFlags::ack);
  Field f;
  if (tcp.ack) f.expected = fmt::format("ack {}", *tcp.ack);
  if (!has) {
    if (tcp.ack) f.sent = "no ack", f.differs = true;
    return f;
  }
  const u32 sent = flow.remote.to_script(seen.tcp->ack().raw, seen.tcp->flags().any(TcpFlags::syn));
  f.sent = fmt::format("ack {}", sent);
  if (tcp.ack) f.differs = *tcp.ack != sent;
  else if ((tcp.flags & TcpFlags::ack) != 0) f.expected = "ack ?";
  return f;
}

}  // namespace

std::vector<Field> compare(const PacketSpec& spec, const TcpSpec& tcp, const Seen& seen, Flow& flow, const Settings& settings, u32 offset,
                           bool part, Place place) {
  std::vector<Field> out;
  if (Field ip = compare_ip(spec.ip, seen); !ip.expected.empty()) out.push_back(std::move(ip));
  out.push_back(compare_flags(tcp, seen.tcp->flags().bits, part, offset != 0));
  out.push_back(compare_seq(tcp, seen, flow, offset, part));
  out.push_back(compare_ack(tcp, seen, flow));
  const u16 window = seen.tcp->window(), urgent = seen.tcp->urgent();
  out.push_back({.expected = tcp.window ? fmt::format("win {}", *tcp.window) : "win ?",
                 .sent = fmt::format("win {}", window),
                 .differs = tcp.window && *tcp.window != window});
  if (tcp.urgent || seen.tcp->flags().any(TcpFlags::urg))
    out.push_back({.expected = tcp.urgent ? fmt::format("urg {}", *tcp.urgent) : "urg ?",
                   .sent = fmt::format("urg {}", urgent),
                   .differs = tcp.urgent && *tcp.urgent != urgent});
  out.push_back(compare_options(tcp, seen, flow, settings, place));
  return out;
}

bool differs(const std::vector<Field>& fields) {
  for (const Field& f : fields)
    if (f.differs) return true;
  return false;
}

std::string side_by_side(const std::vector<Field>& fields) {
  std::string lines[3] = {"  expected", "  sent    ", "          "};
  for (const Field& f : fields) {
    const usize width = std::max(f.expected.size(), f.sent.size());
    if (width == 0) continue;
    lines[0] += fmt::format("  {:<{}}", f.expected, width);
    lines[1] += fmt::format("  {:<{}}", f.sent, width);
    lines[2] += fmt::format("  {:<{}}", f.differs ? std::string(width, '^') : "", width);
  }
  std::string out;
  for (std::string& l : lines) {
    while (!l.empty() && l.back() == ' ') l.pop_back();
    if (!l.empty()) out.append("\n").append(l);
  }
  return out;
}

std::string to_text(const PacketSpec& spec) {
  if (const auto* udp = std::get_if<UdpSpec>(&spec.body)) return fmt::format("udp ({})", udp->length);
  if (const auto* icmp = std::get_if<IcmpSpec>(&spec.body)) return fmt::format("icmp {} {}", icmp->type, icmp->code);
  const TcpSpec& tcp = std::get<TcpSpec>(spec.body);
  std::string out = fmt::format("{} {}", flags_text(tcp.flags), range_text(tcp.seq.first, tcp.seq.length));
  if (tcp.ack) out += fmt::format(" ack {}", *tcp.ack);
  if (tcp.window) out += fmt::format(" win {}", *tcp.window);
  if (tcp.any_options) out += " <...>";
  else if (!tcp.options.empty()) out.append(" ").append(to_text(tcp.options));
  return out;
}

}  // namespace weir::drill

#include "drill/match.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/udp.hpp"

namespace weir::drill {
namespace {

using wire::TcpFlags;

constexpr Duration longest_wait = Duration::seconds(24 * 3'600);  // of a packet that may come at any time

bool is_open(u16 flags) { return (flags & (TcpFlags::syn | TcpFlags::ack)) == TcpFlags::syn; }

}  // namespace

std::string Matcher::seconds(Instant t) const { return fmt::format("{:.6f}", (t - start_).s()); }

Instant Matcher::expect(const PacketSpec& spec, Place place, const Window& window) {
  if (const auto* udp = std::get_if<UdpSpec>(&spec.body)) return expect_udp(spec, *udp, place, window);
  if (const auto* icmp = std::get_if<IcmpSpec>(&spec.body)) return expect_icmp(spec, *icmp, place, window);
  return expect_tcp(spec, std::get<TcpSpec>(spec.body), place, window);
}

// Of the expected connection; of one that is not known yet when a new one is to begin. What others send stays where it is.
bool Matcher::is_next(const Seen& seen, const PacketSpec& spec, const Flow* flow) {
  if (!seen.tcp) return false;
  const u16 local = seen.tcp->src_port(), remote = seen.tcp->dst_port();
  const Flow* found = flows_.find_live(local, remote);
  if (flow != nullptr && found == flow) return true;
  if (found != nullptr) return false;
  const auto* tcp = std::get_if<TcpSpec>(&spec.body);
  return flow == nullptr || (tcp != nullptr && is_open(tcp->flags) && is_open(seen.tcp->flags().bits));
}

Sent Matcher::take(const std::function<bool(const Seen&)>& wanted, const PacketSpec& spec, Place place, const Window& window, u32 missing) {
  usize checked = 0;
  std::optional<usize> found;
  const auto look = [&] {
    for (; !found && checked < machine_.sent.size(); ++checked)
      if (wanted(take_apart(machine_.sent[checked].packet, place))) found = checked;
    return found.has_value();
  };
  const Instant until = window.any ? machine_.now() + longest_wait : window.to + settings_.tolerance;
  if (!look()) wait_(until, look);
  if (!found) {
    std::string what = fmt::format("nothing {}was sent by {} s (expected {} s", missing != 0 ? "more of it " : "", seconds(machine_.now()),
                                   window.any ? "any" : seconds(window.from));
    if (!window.any && window.to != window.from) what.append(" to ").append(seconds(window.to));
    what += fmt::format(")\n  expected  {}", to_text(spec));
    if (missing != 0) what += fmt::format("\n  of which {} bytes are missing", missing);
    throw RunFailure(place, what);
  }
  Sent s = std::move(machine_.sent[*found]);
  machine_.sent.erase(machine_.sent.begin() + static_cast<std::ptrdiff_t>(*found));
  return s;
}

void Matcher::check_time(const Sent& sent, Place place, const Window& window) {
  if (window.any) return;
  if (sent.at + settings_.tolerance >= window.from && sent.at <= window.to + settings_.tolerance) return;
  std::string when = seconds(window.from);
  if (window.to != window.from) when.append(" to ").append(seconds(window.to));
  throw RunFailure(place, fmt::format("the packet is the expected one, but came {} ms too {}: at {} s, expected {} s\n  sent      {}",
                                      sent.at < window.from ? (window.from - sent.at).ns / 1'000'000 : (sent.at - window.to).ns / 1'000'000,
                                      sent.at < window.from ? "early" : "late", seconds(sent.at), when, describe(sent)));
}

// What the first packets of a connection tell of its numbers.
Flow& Matcher::learn(const PacketSpec& spec, const TcpSpec& tcp, const Seen& seen, Flow* flow, Place place) {
  if (flow == nullptr || flows_.find_live(seen.tcp->src_port(), seen.tcp->dst_port()) != flow) {
    if (!is_open(seen.tcp->flags().bits) || !is_open(tcp.flags))
      throw RunFailure(place, fmt::format("a packet of a connection that the script does not know was sent: {} {} > {}",
                                          flags_text(seen.tcp->flags().bits), seen.tcp->src_port(), seen.tcp->dst_port()));
    flow = &flows_.begin_active(spec, seen.tcp->src_port(), seen.tcp->dst_port());
  }
  if (seen.tcp->flags().any(TcpFlags::syn) && (!flow->local.known || flow->finished))
    flow->local = {true, seen.tcp->seq().raw, tcp.seq.first};
  flow->last_seq = seen.tcp->seq().raw;
  if (seen.tcp->flags().any(TcpFlags::rst)) flow->finished = true;
  return *flow;
}

Instant Matcher::expect_tcp(const PacketSpec& spec, const TcpSpec& tcp, Place place, const Window& window) {
  Flow* flow = flows_.of_expected(spec);
  for (u32 offset = 0;;) {
    const Sent sent =
        take([&](const Seen& s) { return is_next(s, spec, flow); }, spec, place, window, offset == 0 ? 0 : tcp.seq.length - offset);
    Seen seen = take_apart(sent.packet, place);
    flow = &learn(spec, tcp, seen, flow, place);
    const u32 length = static_cast<u32>(seen.transport.size() - seen.tcp->header_len());
    const bool part = !settings_.strict_segments && length != 0 && length < tcp.seq.length - offset;
    const std::vector<Field> fields = compare(spec, tcp, seen, *flow, settings_, offset, part, place);
    if (differs(fields)) throw RunFailure(place, fmt::format("another packet was sent at {} s{}", seconds(sent.at), side_by_side(fields)));
    check_time(sent, place, window);
    if (!part) return sent.at;
    offset += length;
  }
}

Instant Matcher::expect_udp(const PacketSpec& spec, const UdpSpec& udp, Place place, const Window& window) {
  const Sent sent = take([](const Seen& s) { return s.protocol == wire::proto::udp; }, spec, place, window, 0);
  const Seen seen = take_apart(sent.packet, place);
  const auto view = wire::UdpView::parse(seen.transport);
  if (!view) throw RunFailure(place, "a datagram that is cut short was sent");
  if (flows_.find_live(view->src_port(), view->dst_port()) == nullptr) flows_.begin_active(spec, view->src_port(), view->dst_port());
  const usize length = seen.transport.size() - wire::UdpView::header_len;
  if (length != udp.length)
    throw RunFailure(place, fmt::format("another packet was sent at {} s\n  expected  udp ({})\n  sent      udp ({})", seconds(sent.at),
                                        udp.length, length));
  check_time(sent, place, window);
  return sent.at;
}

Instant Matcher::expect_icmp(const PacketSpec& spec, const IcmpSpec& icmp, Place place, const Window& window) {
  const auto is_icmp = [](const Seen& s) { return s.protocol == wire::proto::icmp || s.protocol == wire::proto::icmp6; };
  const Sent sent = take(is_icmp, spec, place, window, 0);
  const Seen seen = take_apart(sent.packet, place);
  // Built as an inbound one of the same words would be, and compared by what those words say.
  const Flow none;
  const Flow* flow = flows_.current();
  const auto model = build_icmp(icmp, spec.ip, flow != nullptr ? *flow : none, settings_, place);
  const usize header = settings_.wire_v6() ? 40 : 20;
  // Type and code; of the second word what the script says: an MTU, or the identifier of an echo.
  const u32 known = icmp.mtu ? 0xffff'ffff : icmp.id ? 0xffff'0000 : 0u;
  const auto word = [known, &icmp](Bytes b) {
    const u32 rest = load_be32(b.data() + 4) & known;
    return fmt::format("type {} code {}{}", load_u8(b.data()), load_u8(b.data() + 1),
                       icmp.mtu  ? fmt::format(" mtu {}", rest)
                       : icmp.id ? fmt::format(" id {}", rest >> 16)
                                 : "");
  };
  if (seen.transport.size() < 8) throw RunFailure(place, "an ICMP message that is cut short was sent");
  const Bytes expected = Bytes(model[0]).subspan(header);
  if (word(expected) != word(seen.transport))
    throw RunFailure(place, fmt::format("another packet was sent at {} s\n  expected  icmp {}\n  sent      icmp {}", seconds(sent.at),
                                        word(expected), word(seen.transport)));
  check_time(sent, place, window);
  return sent.at;
}

std::string Matcher::describe(const Sent& sent) {
  const Seen seen = take_apart(sent.packet, {});
  if (!seen.tcp) return fmt::format("IP protocol {}, {} bytes", seen.protocol, seen.transport.size());
  const u32 length = static_cast<u32>(seen.transport.size() - seen.tcp->header_len());
  Flow unknown;
  Flow* flow = flows_.find_live(seen.tcp->src_port(), seen.tcp->dst_port());
  if (flow == nullptr) flow = &unknown;
  const bool syn = seen.tcp->flags().any(TcpFlags::syn);
  const u32 first = flow->local.to_script(seen.tcp->seq().raw, syn);
  std::string out = fmt::format("{} {}:{}({})", flags_text(seen.tcp->flags().bits), first, first + length, length);
  if (seen.tcp->flags().any(TcpFlags::ack)) out += fmt::format(" ack {}", flow->remote.to_script(seen.tcp->ack().raw, syn));
  out += fmt::format(" win {}", seen.tcp->window());
  const auto options = decode_options(seen.tcp->options(), *flow, {});
  if (!options.empty()) out.append(" ").append(to_text(options));
  if (flow != flows_.current()) out += fmt::format(" (port {} > {})", seen.tcp->src_port(), seen.tcp->dst_port());
  return out;
}

}  // namespace weir::drill

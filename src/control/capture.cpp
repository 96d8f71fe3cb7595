// control/capture.hpp
#include "control/capture.hpp"

#include <algorithm>

#include "base/checksum.hpp"
#include "wire/protocol.hpp"
#include "wire/transport_checksum.hpp"

namespace weir::control {
namespace {

// The two ends of an IP packet, as far as a pseudo-header wants to know them.
std::optional<std::pair<IpAddr, IpAddr>> addresses_of(Bytes ip) noexcept {
  if (ip.size() >= 20 && load_u8(ip.data()) >> 4 == 4)
    return std::pair{IpAddr(Ip4Addr::load(ip.data() + 12)), IpAddr(Ip4Addr::load(ip.data() + 16))};
  if (ip.size() >= 40 && load_u8(ip.data()) >> 4 == 6)
    return std::pair{IpAddr(Ip6Addr::load(ip.data() + 8)), IpAddr(Ip6Addr::load(ip.data() + 24))};
  return {};
}

// Where IP starts in a frame: behind the Ethernet header and its tags.
usize ip_at(Bytes frame) noexcept {
  usize at = 12;
  while (frame.size() >= at + 2) {
    const u16 type = load_be16(frame.data() + at);
    if (type != wire::ethertype::vlan && type != wire::ethertype::qinq) break;
    at += 4;
  }
  return std::min(at + 2, frame.size());
}

}  // namespace

Capture::Capture(Shard& shard, const CaptureConfig& config)
    : shard_(shard),
      config_(config),
      writer_(
          [this](Bytes block) {
            output_.insert(output_.end(), block.begin(), block.end());
            return true;
          },
          "weir", config.snap_len) {
  shard_.core().taps.push_back({on_packet, this});
}

Capture::~Capture() {
  std::erase_if(shard_.core().taps, [this](const graph::Tap& t) { return t.self == this; });
}

bool Capture::wants(IfIndex index) const {
  const graph::Interface* i = shard_.core().find_interface(index);
  if (i == nullptr) return false;
  return (config_.interface.empty() || i->config.name == config_.interface) &&
         (config_.netns.empty() || shard_.core().netns[i->netns]->name == config_.netns);
}

void Capture::on_packet(void* self, IfIndex interface, bool outbound, buf::PacketId id, Drop why, Instant now) {
  auto& c = *static_cast<Capture*>(self);
  if (!c.wants(interface)) return;
  if (why != Drop::none && c.mark_dropped(id, interface, why)) return;
  if (c.is_over()) return;
  if (c.output().size() + c.bytes_.size() >= most_output) ++c.missed_;
  else c.record(interface, outbound, id, why, now);
}

// It was recorded when it came in, in this turn or, if it had to wait, before: then it is recorded again.
bool Capture::mark_dropped(buf::PacketId id, IfIndex interface, Drop why) noexcept {
  const auto r = std::ranges::find_if(records_.rbegin(), records_.rend(), [&](const Record& x) { return x.id == id; });
  if (r == records_.rend() || r->outbound || r->interface != interface || r->why != Drop::none) return false;
  r->why = why;
  return true;
}

void Capture::record(IfIndex interface, bool outbound, buf::PacketId id, Drop why, Instant now) {
  buf::Pool& pool = shard_.pool();
  const buf::Packet& p = pool[id];
  const graph::Interface& i = *shard_.core().find_interface(interface);
  // What is dropped further up has lost its link-layer header.
  const bool with_link = i.has_link_addresses() && (why == Drop::none || p.head != p.l3 || p.l3 == 0);
  const u32 n = std::min(p.length, config_.snap_len);
  Record r{id, interface, outbound, why, p.length, now, bytes_.size(), n, with_link};
  bytes_.resize(r.at + n);
  const MutBytes copy(bytes_.data() + r.at, n);
  pool.copy_out(id, 0, copy);
  if (p.csum.kind == buf::CsumKind::partial) complete_checksum(id, with_link, copy);
  records_.push_back(r);
  ++recorded_;
}

// The checksum field holds something that only a device understands: put in what the device would.
void Capture::complete_checksum(buf::PacketId id, bool with_link, MutBytes copy) const {
  buf::Pool& pool = shard_.pool();
  const buf::Packet& p = pool[id];
  constexpr u16 tcp_at = 16, udp_at = 6;
  const bool is_tcp = p.csum.offset == tcp_at;
  const u32 l4 = static_cast<u32>(p.csum.start - p.head), at = l4 + p.csum.offset;
  if ((!is_tcp && p.csum.offset != udp_at) || at + 2 > copy.size() || l4 > p.length) return;
  const auto ends = addresses_of(Bytes(copy).subspan(with_link ? ip_at(copy) : 0));
  if (!ends) return;
  const u8 protocol = is_tcp ? wire::proto::tcp : wire::proto::udp;
  const u64 pseudo = wire::pseudo_sum(ends->first, ends->second, protocol, p.length - l4);
  const u16 without = static_cast<u16>(~load_raw<u16>(copy.data() + at));  // takes the field itself out of the sum
  u16 sum = csum_finish(csum_plus(csum_plus(pseudo, pool.sum_from(id, l4)), without));
  if (sum == 0 && !is_tcp) sum = 0xffff;
  std::memcpy(copy.data() + at, &sum, 2);
}

u32 Capture::number_of(IfIndex interface, bool with_link) {
  const auto [at, is_new] = numbers_.try_emplace({interface, with_link}, 0u);
  if (is_new) {
    const graph::Interface& i = *shard_.core().find_interface(interface);
    const std::string name = shard_.core().netns[i.netns]->name + ":" + i.config.name;
    at->second = writer_.add_interface(name, with_link ? wire::LinkType::ethernet : wire::LinkType::raw_ip);
  }
  return at->second;
}

void Capture::write(const Record& r) {
  if (shard_.core().find_interface(r.interface) == nullptr) return;  // gone meanwhile
  std::string comment;
  if (missed_ != 0) comment = std::to_string(missed_) + " packets before this one were not recorded: the reader was too slow";
  missed_ = 0;
  writer_.write({.interface = number_of(r.interface, r.with_link),
                 .time = r.time + config_.to_wall_clock,
                 .data = Bytes(bytes_).subspan(r.at, r.size),
                 .original_length = r.length,
                 .direction = r.outbound ? wire::Direction::out : wire::Direction::in,
                 .drop = r.why,
                 .comment = comment});
}

void Capture::flush() {
  for (const Record& r : records_) write(r);
  records_.clear();
  bytes_.clear();
}

void Capture::take(usize n) noexcept {
  taken_ += n;
  if (taken_ < output_.size()) return;
  output_.clear();
  taken_ = 0;
}

}  // namespace weir::control

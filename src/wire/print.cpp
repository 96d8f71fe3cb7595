#include "wire/print.hpp"

#include "wire/ipv6_ext.hpp"
#include "wire/print_text.hpp"

namespace weir::wire {
namespace {

using print::bad;
using print::hex;
using print::num;

constexpr print::Named ecn_names[] = {{0, "Not-ECT"}, {1, "ECT(1)"}, {2, "ECT(0)"}, {3, "CE"}};

std::string ports(std::string_view src, std::string_view dst, u16 sport, u16 dport) {
  return std::string(src) + '.' + num(sport) + " > " + std::string(dst) + '.' + num(dport) + ": ";
}

// A header's own text begins "sport > dport: "; what comes after it.
std::string after_ports(const std::string& text) { return text.substr(text.find(": ") + 2); }

// The transport of a packet. Of a first fragment only the beginning is there, so that UDP's length lies beyond it.
std::string transport(u8 protocol, Bytes payload, const std::string& src, const std::string& dst, bool is_fragment) {
  const auto plain = [&](const std::string& text) { return src + " > " + dst + ": " + text; };
  switch (protocol) {
    case proto::tcp: {
      const auto t = TcpView::parse(payload);
      return t ? ports(src, dst, t->src_port(), t->dst_port()) + after_ports(to_string(*t)) : plain("TCP " + bad(t.error()));
    }
    case proto::udp: {
      const auto u = UdpView::parse(payload, is_fragment ? 0xffff : payload.size());
      return u ? ports(src, dst, u->src_port(), u->dst_port()) + after_ports(to_string(*u)) : plain("UDP " + bad(u.error()));
    }
    case proto::icmp: {
      const auto m = Icmp4View::parse(payload);
      return plain(m ? to_string(*m) : "ICMP " + bad(m.error()));
    }
    case proto::icmp6: {
      const auto m = Icmp6View::parse(payload);
      return plain(m ? to_string(*m) : "ICMP6 " + bad(m.error()));
    }
    case proto::igmp: {
      const auto m = IgmpView::parse(payload);
      return plain(m ? to_string(*m) : "IGMP " + bad(m.error()));
    }
    default: return plain("proto " + num(protocol) + ", length " + num(payload.size()));
  }
}

std::string fragment_note(u32 id, u16 offset, bool more, usize len) {
  return "frag (id " + num(id) + ", offset " + num(offset) + ", length " + num(len) + (more ? ", more)" : ")");
}

// What is unusual about the header: only that is worth a place on the line.
std::string notes4(const Ipv4View& v) {
  std::string s;
  if (v.ecn() == 3) print::add(s, "CE");
  if (!v.options().empty()) print::add(s, "ip options " + num(v.options().size()));
  if (!v.checksum_ok()) print::add(s, bad(Drop::ip4_bad_checksum));
  return s.empty() ? s : " (" + s + ')';
}

std::string print4(Bytes packet) {
  const auto v = Ipv4View::parse(packet);
  if (!v) return bad(v.error());
  const std::string src = to_string(v->src()), dst = to_string(v->dst());
  if (v->fragment_offset() != 0)
    return src + " > " + dst + ": " + fragment_note(v->id(), v->fragment_offset(), v->more_fragments(), v->payload().size()) + notes4(*v);
  std::string s = transport(v->protocol(), v->payload(), src, dst, v->more_fragments());
  if (v->more_fragments()) s += ", " + fragment_note(v->id(), 0, true, v->payload().size());
  return s + notes4(*v);
}

std::string print6(Bytes packet) {
  const auto v = Ipv6View::parse(packet);
  if (!v) return bad(v.error());
  const std::string src = to_string(v->src()), dst = to_string(v->dst());
  const auto chain = find_transport(*v);
  const Bytes payload = v->packet().subspan(chain.offset);
  std::string notes = v->ecn() == 3 ? " (CE)" : "";
  if (chain.headers > (chain.has_fragment ? 1 : 0)) notes += " (" + num(chain.headers) + " extension headers)";
  if (const auto checked = walk_extensions(*v); !checked) notes += ' ' + bad(checked.error().drop);
  if (!chain.needs_reassembly()) return transport(chain.protocol, payload, src, dst, false) + notes;
  const auto& f = chain.fragment;
  if (f.offset != 0) return src + " > " + dst + ": " + fragment_note(f.id, f.offset, f.more, payload.size()) + notes;
  return transport(chain.protocol, payload, src, dst, true) + ", " + fragment_note(f.id, 0, true, payload.size()) + notes;
}

// What an EtherType carries.
std::string payload_of(u16 type, Bytes payload) {
  switch (type) {
    case ethertype::ipv4: return "IP " + print4(payload);
    case ethertype::ipv6: return "IP6 " + print6(payload);
    case ethertype::arp: {
      const auto a = ArpView::parse(payload);
      return a ? to_string(*a) : "ARP " + bad(a.error());
    }
    default:
      if (type < ethertype::min) return "LLC, length " + num(payload.size());
      return "ethertype " + hex(type) + ", length " + num(payload.size());
  }
}

}  // namespace

std::string to_string(const EthernetView& v) {
  return to_string(v.src()) + " > " + to_string(v.dst()) + (v.has_ethertype() ? ", ethertype " + hex(v.type()) : ", 802.3") + ", length " +
         num(v.payload().size());
}

std::string to_string(const VlanTag& tag) {
  return std::string(tag.tpid == ethertype::qinq ? "svlan " : "vlan ") + num(tag.vlan_id()) +
         (tag.priority() != 0 ? ", p " + num(tag.priority()) : "") + (tag.dei() ? ", DEI" : "");
}

std::string to_string(const ArpView& v) {
  if (v.op() == ArpOp::request) return "ARP who-has " + to_string(v.target_ip()) + " tell " + to_string(v.sender_ip());
  return "ARP " + to_string(v.sender_ip()) + " is-at " + to_string(v.sender_mac());
}

std::string to_string(const Ipv4View& v) {
  std::string s =
      to_string(v.src()) + " > " + to_string(v.dst()) + ": proto " + num(v.protocol()) + ", ttl " + num(v.ttl()) + ", id " + num(v.id());
  if (v.tos() != 0) s += ", dscp " + num(v.dscp()) + ' ' + print::name_of(ecn_names, v.ecn(), "ecn");
  if (v.dont_fragment()) s += ", DF";
  if (v.is_fragment()) s += ", offset " + num(v.fragment_offset()) + (v.more_fragments() ? "+" : "");
  if (!v.options().empty()) s += ", options " + num(v.options().size());
  return s + ", length " + num(v.total_length());
}

std::string to_string(const Ipv6View& v) {
  std::string s = to_string(v.src()) + " > " + to_string(v.dst()) + ": next " + num(v.next_header()) + ", hlim " + num(v.hop_limit());
  if (v.traffic_class() != 0) s += ", dscp " + num(v.dscp()) + ' ' + print::name_of(ecn_names, v.ecn(), "ecn");
  if (v.flow_label() != 0) s += ", flow " + hex(v.flow_label());
  return s + ", payload " + num(v.payload_len());
}

std::string to_string(const UdpView& v) {
  return num(v.src_port()) + " > " + num(v.dst_port()) + ": UDP, length " + num(v.length() - UdpView::header_len);
}

std::string print_packet(Bytes ip_packet) {
  if (ip_packet.empty()) return bad(Drop::ip4_truncated);
  switch (load_u8(ip_packet.data()) >> 4) {
    case 4: return "IP " + print4(ip_packet);
    case 6: return "IP6 " + print6(ip_packet);
    default: return bad(Drop::ip4_bad_version);
  }
}

std::string print_frame(Bytes ethernet_frame) {
  const auto e = EthernetView::parse(ethernet_frame);
  if (!e) return bad(e.error());
  std::string s = to_string(e->src()) + " > " + to_string(e->dst()) + ", ";
  u16 type = e->type();
  Bytes payload = e->payload();
  while (is_vlan_type(type)) {  // each tag takes four bytes off the frame
    const auto tag = VlanView::parse(type, payload);
    if (!tag) return s + bad(tag.error());
    s += to_string(tag->tag()) + ", ";
    type = tag->type();
    payload = tag->payload();
  }
  return s + payload_of(type, payload);
}

}  // namespace weir::wire

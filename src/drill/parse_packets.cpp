// Packets: < or >, what brackets say of IP, ports, flags, sequence numbers, options; UDP; ICMP.
#include <fmt/format.h>

#include <array>

#include "drill/parse.hpp"
#include "wire/tcp.hpp"

namespace weir::drill {
namespace {

u16 flag_bit(char c) {
  using wire::TcpFlags;
  switch (c) {
    case 'F': return TcpFlags::fin;
    case 'S': return TcpFlags::syn;
    case 'R': return TcpFlags::rst;
    case 'P': return TcpFlags::psh;
    case '.': return TcpFlags::ack;
    case 'U': return TcpFlags::urg;
    case 'E': return TcpFlags::ece;
    case 'W': return TcpFlags::cwr;
    case 'A': return TcpFlags::ae;
    default: return 0;
  }
}

// SF. or - ; with AccECN also a digit, the three ACE bits (AE CWR ECE) as a number.
u16 parse_flags(Cursor& in) {
  const Place start = in.place();
  if (in.try_take("-")) return 0;
  u16 flags = 0;
  while (in.peek() != '\0' && !is_space(in.peek())) {
    const char c = in.peek();
    u16 bits = flag_bit(c);
    if (c >= '0' && c <= '7') {
      const unsigned ace = static_cast<unsigned>(c - '0');
      bits = static_cast<u16>(((ace & 4) != 0 ? wire::TcpFlags::ae : 0) | ((ace & 2) != 0 ? wire::TcpFlags::cwr : 0) |
                              ((ace & 1) != 0 ? wire::TcpFlags::ece : 0));
    } else if (bits == 0) {
      in.fail(fmt::format("{} is no TCP flag; F S R P . U E W A are, and - for none", in.here()));
    }
    if ((flags & bits) != 0) in.fail(fmt::format("the flag {} is there twice", c));
    flags |= bits;
    in.take();
  }
  if (in.place() == start) in.fail(fmt::format("expected TCP flags, udp or icmp, not {}", in.here()));
  return flags;
}

void parse_ip_item(Cursor& in, IpInfo& ip) {
  const Place at = in.place();
  const std::string_view word = in.take_word();
  if (word == "noecn") ip.ecn = u8{0};
  else if (word == "ect1") ip.ecn = u8{1};
  else if (word == "ect0") ip.ecn = u8{2};
  else if (word == "ce") ip.ecn = u8{3};
  else if (word == "ect01") ip.ect01 = true;
  else if (word == "tos") ip.tos = static_cast<u8>((in.skip_blank(), parse_integer(in, "tos", 0, 255)));
  else if (word == "ttl") ip.ttl = static_cast<u8>((in.skip_blank(), parse_integer(in, "ttl", 0, 255)));
  else if (word == "flowlabel") ip.flow_label = static_cast<u32>((in.skip_blank(), parse_integer(in, "flowlabel", 0, 0xf'ffff)));
  else throw ScriptError(at, fmt::format("\"{}\" is not known of an IP header; noecn ect0 ect1 ect01 ce tos ttl flowlabel are", word));
}

IpInfo parse_ip_info(Cursor& in) {
  IpInfo ip;
  const char close = in.take() == '[' ? ']' : ')';
  for (;;) {
    in.skip_blank();
    parse_ip_item(in, ip);
    in.skip_blank();
    if (in.try_take(",")) continue;
    if (in.peek() != close) in.fail(fmt::format("expected , or {}, not {}", close, in.here()));
    in.take();
    return ip;
  }
}

void parse_tcp(Cursor& in, TcpSpec& tcp) {
  const Place at_flags = in.place();
  tcp.flags = parse_flags(in);
  tcp.seq = parse_seq(in);
  in.skip_blank();
  for (std::string_view word; !(word = in.word()).empty(); in.skip_blank()) {
    const Place at = in.place();
    if (word == "ack" && !tcp.ack) {
      in.take_word();
      tcp.ack = parse_u32(in, "the acknowledgement number");
    } else if (word == "win" && !tcp.window) {
      in.take_word();
      in.skip_blank();
      tcp.window = static_cast<u16>(parse_integer(in, "the window", 0, 0xffff));
    } else if (word == "urg" && !tcp.urgent) {
      in.take_word();
      in.skip_blank();
      tcp.urgent = static_cast<u16>(parse_integer(in, "the urgent pointer", 0, 0xffff));
    } else if (is_digit(word.front())) {
      break;  // the time of the next event
    } else {
      throw ScriptError(at, fmt::format("expected ack, win, urg, options or the next event, not \"{}\"", word));
    }
  }
  if (tcp.ack && (tcp.flags & wire::TcpFlags::ack) == 0) throw ScriptError(at_flags, "an acknowledgement number without the flag .");
  // "< S ..." ahead is the next event only with its time before it: a < here opens options.
  if (in.peek() == '<') tcp.options = parse_tcp_options(in, tcp.any_options);
}

void parse_quote(Cursor& in, IcmpSpec& icmp) {
  in.take();
  in.skip_blank();
  const Place at = in.place();
  const std::string_view word = in.word();
  if (word == "udp" || word == "raw") {
    in.take_word();
    icmp.quote = word == "udp" ? IcmpSpec::Quote::udp : IcmpSpec::Quote::raw;
    in.expect("(", "and a length");
    icmp.quoted.length = parse_u32(in, "a length");
    in.expect(")", "behind the length");
  } else if (!word.empty() && is_digit(word.front())) {
    icmp.quote = IcmpSpec::Quote::tcp;
    icmp.quoted = parse_seq(in);
  } else {
    throw ScriptError(at, fmt::format("expected first:end(length), udp (length) or raw (length), not {}", in.here()));
  }
  in.expect("]", "behind the quoted packet");
}

void parse_icmp(Cursor& in, IcmpSpec& icmp) {
  in.skip_blank();
  icmp.type_place = in.place();
  icmp.type = in.take_word();
  if (icmp.type.empty()) in.fail(fmt::format("expected the type of the ICMP message, not {}", in.here()));
  in.skip_spaces();
  for (std::string_view word; !(word = in.word()).empty(); in.skip_spaces()) {
    const Place at = in.place();
    in.take_word();
    if (word == "mtu" && !icmp.mtu) {
      icmp.mtu = parse_u32(in, "the MTU");
    } else if (word == "id" && !icmp.id) {
      in.skip_blank();
      icmp.id = static_cast<u16>(parse_integer(in, "the identifier", 0, 0xffff));
    } else if (icmp.code.empty() && is_letter(word.front())) {
      icmp.code = word;
      icmp.code_place = at;
    } else {
      throw ScriptError(at, fmt::format("expected mtu, id, a quoted packet or the next event, not \"{}\"", word));
    }
  }
  if (in.peek() == '[') parse_quote(in, icmp);
}

void refuse_tunnels(Cursor& in) {
  for (const std::string_view word : {"ipv4", "ipv6", "gre", "mpls"})
    if (in.word() == word) in.fail(fmt::format("packets in packets ({}) are not supported by weir drill", word));
}

}  // namespace

SeqRange parse_seq(Cursor& in) {
  SeqRange seq;
  in.skip_blank();
  const Place start = in.place();
  seq.first = parse_u32(in, "a sequence number");
  in.expect(":", "between the sequence numbers");
  seq.end = parse_u32(in, "the sequence number after the last byte");
  in.expect("(", "and the length behind the sequence numbers");
  seq.length = parse_u32(in, "the length");
  in.expect(")", "behind the length");
  if (seq.first + seq.length != seq.end)
    throw ScriptError(start, fmt::format("{}:{} is {} bytes and not {}", seq.first, seq.end, seq.end - seq.first, seq.length));
  if (seq.length > 65'535) throw ScriptError(start, fmt::format("{} bytes do not fit into an IP packet", seq.length));
  return seq;
}

PacketSpec parse_packet(Cursor& in) {
  PacketSpec p;
  p.inbound = in.take() == '<';
  in.skip_blank();
  if (in.peek() == '[' || in.peek() == '(') p.ip = parse_ip_info(in);
  in.skip_blank();
  refuse_tunnels(in);
  const auto ports = [&] {
    in.skip_blank();
    const std::string_view word = in.word();
    if (word.empty() || !is_digit(word.front())) return;
    PacketSpec::Ports both;
    both.src = static_cast<u16>(parse_integer(in, "a port", 1, 0xffff));
    in.expect(">", "between the ports");
    in.skip_blank();
    both.dst = static_cast<u16>(parse_integer(in, "a port", 1, 0xffff));
    p.ports = both;
    in.skip_blank();
  };
  if (in.word() == "udp") {
    in.take_word();
    ports();
    in.expect("(", "and the length of the datagram");
    const u32 length = parse_u32(in, "the length");
    if (length > 65'507) in.fail("a datagram has at most 65507 bytes");
    in.expect(")", "behind the length");
    p.body = UdpSpec{length};
  } else if (in.word() == "icmp") {
    in.take_word();
    parse_icmp(in, p.body.emplace<IcmpSpec>());
  } else {
    ports();
    parse_tcp(in, p.body.emplace<TcpSpec>());
  }
  return p;
}

}  // namespace weir::drill

#include "wire/print.hpp"
#include "wire/print_text.hpp"

namespace weir::wire {
namespace {

using print::num;

std::string be24_list(Bytes v) {
  std::string s;
  for (; v.size() >= 3; v = v.subspan(3)) s += ' ' + num(static_cast<u32>(load_be16(v.data())) << 8 | load_u8(v.data() + 2));
  return s;
}

std::string sack_list(Bytes v) {
  std::string s;
  for (; v.size() >= 8; v = v.subspan(8)) s += ' ' + num(load_be32(v.data())) + ':' + num(load_be32(v.data() + 4));
  return s;
}

std::string bytes_hex(Bytes v) {
  std::string s;
  for (const std::byte b : v) {
    s += "0123456789abcdef"[static_cast<u8>(b) >> 4];
    s += "0123456789abcdef"[static_cast<u8>(b) & 0xf];
  }
  return s;
}

std::string user_timeout(u16 v) { return "uto " + num(v & 0x7fffu) + ((v & 0x8000) != 0 ? "min" : "s"); }

std::string option(u8 kind, Bytes v) {
  const usize n = v.size();
  switch (kind) {
    case tcp_option::mss:
      if (n == 2) return "mss " + num(load_be16(v.data()));
      break;
    case tcp_option::wscale:
      if (n == 1) return "wscale " + num(load_u8(v.data()));
      break;
    case tcp_option::sack_permitted:
      if (n == 0) return "sackOK";
      break;
    case tcp_option::sack:
      if (n % 8 == 0) return "sack" + sack_list(v);
      break;
    case tcp_option::timestamps:
      if (n == 8) return "TS val " + num(load_be32(v.data())) + " ecr " + num(load_be32(v.data() + 4));
      break;
    case tcp_option::user_timeout:
      if (n == 2) return user_timeout(load_be16(v.data()));
      break;
    case tcp_option::md5:
      if (n == 16) return "md5 " + bytes_hex(v);
      break;
    case tcp_option::ao: return "ao " + bytes_hex(v);
    case tcp_option::mptcp: return "mptcp " + num(n + 2);
    case tcp_option::fast_open: return n == 0 ? "tfo cookiereq" : "tfo cookie " + bytes_hex(v);
    case tcp_option::accecn0: return "accecn0" + be24_list(v);
    case tcp_option::accecn1: return "accecn1" + be24_list(v);
    case tcp_option::experiment1:
    case tcp_option::experiment2: return "exp " + bytes_hex(v);
    default: break;
  }
  return "unknown-" + num(kind) + ' ' + bytes_hex(v);
}

}  // namespace

std::string to_string(TcpFlags f) {
  std::string s;
  constexpr struct {
    u16 bit;
    char c;
  } letters[] = {{TcpFlags::fin, 'F'}, {TcpFlags::syn, 'S'}, {TcpFlags::rst, 'R'}, {TcpFlags::psh, 'P'}, {TcpFlags::ack, '.'},
                 {TcpFlags::urg, 'U'}, {TcpFlags::ece, 'E'}, {TcpFlags::cwr, 'W'}, {TcpFlags::ae, 'e'}};
  for (const auto& l : letters)
    if (f.any(l.bit)) s += l.c;
  return s.empty() ? "none" : s;
}

std::string print_tcp_options(Bytes o) {
  std::string s;
  const auto add = [&](std::string_view part) {
    if (!s.empty()) s += ',';
    s += part;
  };
  while (!o.empty()) {
    const u8 kind = load_u8(o.data());
    if (kind == tcp_option::end) {
      add("eol");
      break;
    }
    if (kind == tcp_option::nop) {
      add("nop");
      o = o.subspan(1);
      continue;
    }
    const usize len = o.size() < 2 ? 0 : load_u8(o.data() + 1);
    if (len < 2 || len > o.size()) {
      add("[bad length of kind " + num(kind) + "]");
      break;
    }
    add(option(kind, o.subspan(2, len - 2)));
    o = o.subspan(len);
  }
  return s;
}

std::string to_string(const TcpView& v) {
  const TcpFlags f = v.flags();
  std::string s = num(v.src_port()) + " > " + num(v.dst_port()) + ": Flags [" + to_string(f) + "], seq " + num(v.seq().raw);
  if (!v.payload().empty()) s += ':' + num((v.seq() + static_cast<u32>(v.payload().size())).raw);
  if (f.any(TcpFlags::ack)) s += ", ack " + num(v.ack().raw);
  s += ", win " + num(v.window());
  if (f.any(TcpFlags::urg)) s += ", urg " + num(v.urgent());
  if (!v.options().empty()) s += ", options [" + print_tcp_options(v.options()) + ']';
  return s + ", length " + num(v.payload().size());
}

}  // namespace weir::wire

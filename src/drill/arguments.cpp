#include "drill/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "api/sysctl_names.hpp"
#include "drill/constants.hpp"

namespace weir::drill {
namespace {

constexpr usize most_memory = 64 << 20;

i64 word_value(const Value& v, const Settings& settings) {
  const bool v6 = settings.wire_v6();
  if (v.text == "CMSG_LEVEL_IP") return v6 ? SOL_IPV6 : SOL_IP;  // of the family of the packets
  if (v.text == "CMSG_TYPE_RECVERR") return v6 ? IPV6_RECVERR : IP_RECVERR;
  if (const auto defined = settings.defines.find(v.text); defined != settings.defines.end())
    if (const auto c = find_constant(defined->second)) return *c;
  if (const auto c = find_constant(v.text)) return *c;
  const std::string_view near = nearest(v.text, constant_names());
  throw ScriptError(v.place, fmt::format("{} is no constant that weir drill knows{}", v.text,
                                         near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

const std::string& string_argument(const Value& call) {
  if (call.items.size() != 1 || call.items[0].kind != Value::Kind::string)
    throw ScriptError(call.place, fmt::format("{}() wants one string", call.text));
  return call.items[0].text;
}

IpAddr ip_of(const Value& v) {
  if (v.kind != Value::Kind::call || (v.text != "inet_addr" && v.text != "inet6_addr" && v.text != "in6addr"))
    throw ScriptError(v.place, "expected inet_addr(\"1.2.3.4\") or inet6_addr(\"fd00::1\")");
  const auto ip = IpAddr::parse(string_argument(v));
  if (!ip) throw ScriptError(v.items[0].place, fmt::format("\"{}\" is no address", v.items[0].text));
  return *ip;
}

}  // namespace

i64 number_of(const Value& v, const Settings& settings) {
  switch (v.kind) {
    case Value::Kind::integer: return v.integer;
    case Value::Kind::word: return word_value(v, settings);
    case Value::Kind::either: {
      i64 all = 0;
      for (const Value& i : v.items) all |= number_of(i, settings);
      return all;
    }
    case Value::Kind::call:
      if (v.text == "htons" && v.items.size() == 1) return number_of(v.items[0], settings);
      throw ScriptError(v.place, fmt::format("{}() is not known; htons(PORT) is", v.text));
    default: throw ScriptError(v.place, "expected a number or a constant");
  }
}

i64 bracketed(const Value& v, const Settings& settings) {
  if (v.kind != Value::Kind::array || v.items.size() != 1) throw ScriptError(v.place, "expected one number in brackets: [1]");
  return number_of(v.items[0], settings);
}

bool is_null(const Value& v) noexcept {
  return (v.kind == Value::Kind::word && v.text == "NULL") || (v.kind == Value::Kind::integer && v.integer == 0);
}

const Value* field(const Value& record, std::string_view name) {
  for (const Value& i : record.items)
    if (i.kind == Value::Kind::assigned && i.items[0].text == name) return &i.items[1];
  return nullptr;
}

void only_fields(const Value& record, std::initializer_list<std::string_view> names) {
  if (record.kind != Value::Kind::record) throw ScriptError(record.place, "expected {name=value, ...}");
  for (const Value& i : record.items) {
    const bool named = i.kind == Value::Kind::assigned && (i.items[0].kind == Value::Kind::word || i.items[0].kind == Value::Kind::call);
    if (!named) throw ScriptError(i.place, "expected name=value");
    if (std::ranges::find(names, std::string_view(i.items[0].text)) == names.end()) {
      std::string all;
      for (const auto n : names) all.append(all.empty() ? "" : " ").append(n);
      throw ScriptError(i.place, fmt::format("{} is not known here; {} are", i.items[0].text, all));
    }
  }
}

Address make_address(const IpAddr& ip, u16 port, bool socket_v6) {
  Address a;
  if (socket_v6 || ip.is_v6()) {
    sockaddr_in6 s{};
    s.sin6_family = AF_INET6;
    s.sin6_port = htons(port);
    if (ip != IpAddr::any(Family::v4)) std::memcpy(&s.sin6_addr, ip.v6().b.data(), 16);
    std::memcpy(&a.storage, &s, sizeof s);
    a.length = sizeof s;
  } else {
    sockaddr_in s{};
    s.sin_family = AF_INET;
    s.sin_port = htons(port);
    s.sin_addr.s_addr = htonl(ip.v4().host);
    std::memcpy(&a.storage, &s, sizeof s);
    a.length = sizeof s;
  }
  return a;
}

Address address_of(const Value& v, const Address& usual, const Settings& settings) {
  if (is_ellipsis(v)) return usual;
  if (is_null(v)) return {};
  if (v.kind == Value::Kind::word && v.text == "AF_UNSPEC") {
    Address a = usual;
    a.storage.ss_family = AF_UNSPEC;
    return a;
  }
  only_fields(v, {"sa_family", "sin_port", "sin_addr", "sin6_port", "sin6_addr"});
  const Value* family = field(v, "sa_family");
  const Value* port = field(v, "sin_port") != nullptr ? field(v, "sin_port") : field(v, "sin6_port");
  const Value* ip = field(v, "sin_addr") != nullptr ? field(v, "sin_addr") : field(v, "sin6_addr");
  if (family == nullptr || port == nullptr || ip == nullptr) throw ScriptError(v.place, "an address has sa_family, sin_port and sin_addr");
  const i64 f = number_of(*family, settings), p = number_of(*port, settings);
  if (p < 0 || p > 0xffff) throw ScriptError(port->place, "a port is from 0 to 65535");
  Address a = make_address(ip_of(*ip), static_cast<u16>(p), f == AF_INET6);
  a.storage.ss_family = static_cast<sa_family_t>(f);
  return a;
}

Memory memory_of(const Value& v, usize length) {
  if (length > most_memory) throw ScriptError(v.place, fmt::format("weir drill has at most {} bytes for a call", most_memory));
  Memory m;
  if (is_null(v)) {
    m.null = true;
    return m;
  }
  m.bytes.resize(std::max<usize>(length, 1));
  if (is_ellipsis(v)) return m;
  if (v.kind != Value::Kind::string) throw ScriptError(v.place, "expected ..., NULL or a string");
  m.expected = v.text;
  std::memcpy(m.bytes.data(), v.text.data(), std::min(v.text.size(), m.bytes.size()));
  return m;
}

}  // namespace weir::drill

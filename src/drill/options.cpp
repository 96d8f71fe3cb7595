// TCP options to bytes and back, in terms of the script's numbers.
#include <fmt/format.h>

#include "drill/packets.hpp"
#include "wire/tcp_options.hpp"

namespace weir::drill {
namespace {

namespace kind = wire::tcp_option;

struct Writer {
  std::vector<std::byte> out{};
  void u8_(u32 v) { out.push_back(static_cast<std::byte>(v)); }
  void be(u64 v, int bytes) {
    while (bytes-- > 0) u8_(static_cast<u32>(v >> (8 * bytes)) & 0xff);
  }
  void head(u8 k, usize length) {
    u8_(k);
    u8_(static_cast<u32>(length));
  }
  void blob(const std::vector<u8>& b) {
    for (const u8 v : b) u8_(v);
  }
};

std::vector<u8> contents_of(const TcpOptionSpec& o, const Settings& settings) {
  if (o.symbol.empty()) return o.bytes;
  const auto found = settings.defines.find(o.symbol);
  if (found == settings.defines.end())
    throw ScriptError(o.place, fmt::format("{} stands for nothing: give it a value with --define {}=HEX", o.symbol, o.symbol));
  std::vector<u8> out;
  const std::string& text = found->second;
  for (usize i = 0; i + 1 < text.size(); i += 2) {
    unsigned v = 0;
    if (std::sscanf(text.substr(i, 2).c_str(), "%2x", &v) != 1) break;
    out.push_back(static_cast<u8>(v));
  }
  if (out.size() * 2 != text.size()) throw ScriptError(o.place, fmt::format("{} is \"{}\", which is not hexadecimal", o.symbol, text));
  return out;
}

// TS ecr of an inbound packet: what the machine has said, as the script calls it.
u32 echo(const TcpOptionSpec& o, const Flow& flow, const Settings& settings) {
  const auto exact = flow.ts_vals.find(o.ts_ecr);
  if (exact != flow.ts_vals.end() && !settings.ts_ecr_scaled) return exact->second;
  if (!flow.first_ts || o.ts_ecr == 0) return o.ts_ecr;
  return flow.first_ts->second + (o.ts_ecr - flow.first_ts->first);
}

void write_accecn(Writer& w, const TcpOptionSpec& o) {
  w.head(o.accecn_kind, 2 + 3 * o.fields.size());
  for (const auto& [name, value] : o.fields) w.be(value, 3);
}

void write(Writer& w, const TcpOptionSpec& o, const Flow& flow, const Settings& settings) {
  const std::vector<u8> bytes = contents_of(o, settings);
  switch (o.kind) {
    case TcpOptionKind::end: return w.u8_(kind::end);
    case TcpOptionKind::nop: return w.u8_(kind::nop);
    case TcpOptionKind::mss: w.head(kind::mss, 4); return w.be(o.number, 2);
    case TcpOptionKind::wscale: w.head(kind::wscale, 3); return w.u8_(o.number);
    case TcpOptionKind::sack_permitted: return w.head(kind::sack_permitted, 2);
    case TcpOptionKind::sack:
      w.head(kind::sack, 2 + 8 * o.blocks.size());
      for (const auto& [left, right] : o.blocks) {
        w.be(flow.local.to_live(left, false), 4);
        w.be(flow.local.to_live(right, false), 4);
      }
      return;
    case TcpOptionKind::timestamps:
      w.head(kind::timestamps, 10);
      w.be(o.ts_val, 4);
      return w.be(echo(o, flow, settings), 4);
    case TcpOptionKind::fast_open: w.head(kind::fast_open, 2 + bytes.size()); return w.blob(bytes);
    case TcpOptionKind::fast_open_exp:
      w.head(kind::experiment2, 4 + bytes.size());
      w.be(kind::exid_fast_open, 2);
      return w.blob(bytes);
    case TcpOptionKind::md5: w.head(kind::md5, 2 + bytes.size()); return w.blob(bytes);
    case TcpOptionKind::user_timeout: w.head(kind::user_timeout, 4); return w.be(o.number, 2);
    case TcpOptionKind::accecn: return write_accecn(w, o);
    case TcpOptionKind::experiment:
      w.head(kind::experiment2, 4 + bytes.size());
      w.be(o.number, 2);
      return w.blob(bytes);
    case TcpOptionKind::generic: w.head(static_cast<u8>(o.number), 2 + bytes.size()); return w.blob(bytes);
  }
}

std::vector<u8> octets(Bytes b) {
  std::vector<u8> out;
  for (const std::byte v : b) out.push_back(static_cast<u8>(v));
  return out;
}

u32 be24(const std::byte* p) { return static_cast<u32>(load_u8(p)) << 16 | load_be16(p + 1); }

TcpOptionSpec decode_accecn(u8 k, Bytes value) {
  TcpOptionSpec o{.kind = TcpOptionKind::accecn, .accecn_kind = k};
  static constexpr std::string_view zero[] = {"e0b", "ceb", "e1b"}, one[] = {"e1b", "ceb", "e0b"};
  for (usize i = 0; i + 3 <= value.size() && i < 9; i += 3)
    o.fields.emplace_back((k == kind::accecn0 ? zero : one)[i / 3], be24(value.data() + i));
  return o;
}

TcpOptionSpec decode_sack(Bytes value, const Flow& flow) {
  TcpOptionSpec o{.kind = TcpOptionKind::sack};
  for (usize i = 0; i + 8 <= value.size(); i += 8)
    o.blocks.emplace_back(flow.remote.to_script(load_be32(value.data() + i), false),
                          flow.remote.to_script(load_be32(value.data() + i + 4), false));
  return o;
}

TcpOptionSpec decode_one(u8 k, Bytes value, const Flow& flow) {
  const usize n = value.size();
  if (k == kind::mss && n == 2) return {.kind = TcpOptionKind::mss, .number = load_be16(value.data())};
  if (k == kind::wscale && n == 1) return {.kind = TcpOptionKind::wscale, .number = load_u8(value.data())};
  if (k == kind::sack_permitted && n == 0) return {.kind = TcpOptionKind::sack_permitted};
  if (k == kind::sack && n % 8 == 0 && n > 0) return decode_sack(value, flow);
  if (k == kind::timestamps && n == 8)
    return {.kind = TcpOptionKind::timestamps, .ts_val = load_be32(value.data()), .ts_ecr = load_be32(value.data() + 4)};
  if (k == kind::fast_open) return {.kind = TcpOptionKind::fast_open, .bytes = octets(value)};
  if (k == kind::md5) return {.kind = TcpOptionKind::md5, .bytes = octets(value)};
  if (k == kind::user_timeout && n == 2) return {.kind = TcpOptionKind::user_timeout, .number = load_be16(value.data())};
  if ((k == kind::accecn0 || k == kind::accecn1) && n % 3 == 0 && n <= 9) return decode_accecn(k, value);
  if (k == kind::experiment2 && n >= 2) {
    const u16 id = load_be16(value.data());
    const auto rest = octets(value.subspan(2));
    if (id == kind::exid_fast_open) return {.kind = TcpOptionKind::fast_open_exp, .bytes = rest};
    return {.kind = TcpOptionKind::experiment, .number = id, .bytes = rest};
  }
  return {.kind = TcpOptionKind::generic, .number = k, .bytes = octets(value)};
}

std::string hex(const std::vector<u8>& bytes) {
  std::string out;
  for (const u8 b : bytes) out += fmt::format("{:02x}", b);
  return out;
}

}  // namespace

std::vector<std::byte> encode_options(const TcpSpec& spec, const Flow& flow, const Settings& settings, Place place) {
  Writer w;
  for (const TcpOptionSpec& o : spec.options) write(w, o, flow, settings);
  if (w.out.size() > kind::max_len)
    throw ScriptError(place, fmt::format("these options are {} bytes; a TCP header holds 40", w.out.size()));
  if (w.out.size() % 4 != 0)
    throw ScriptError(place, fmt::format("these options are {} bytes, which is no multiple of 4: add nop or eol", w.out.size()));
  return w.out;
}

std::vector<TcpOptionSpec> decode_options(Bytes options, const Flow& flow, Place place) {
  std::vector<TcpOptionSpec> out;
  while (!options.empty()) {
    const u8 k = load_u8(options.data());
    if (k == kind::end || k == kind::nop) {
      out.push_back({.kind = k == kind::end ? TcpOptionKind::end : TcpOptionKind::nop});
      options = options.subspan(1);
      continue;
    }
    const usize length = options.size() < 2 ? 0 : load_u8(options.data() + 1);
    if (length < 2 || length > options.size())
      throw RunFailure(place, fmt::format("the packet that was sent has an option {} of length {}", k, length));
    out.push_back(decode_one(k, options.subspan(2, length - 2), flow));
    options = options.subspan(length);
  }
  return out;
}

TcpOptionSpec resolved(const TcpOptionSpec& option, const Settings& settings) {
  TcpOptionSpec out = option;
  out.bytes = contents_of(option, settings);
  out.symbol.clear();
  return out;
}

std::string to_text(const TcpOptionSpec& o) {
  const std::string bytes = o.symbol.empty() ? hex(o.bytes) : o.symbol;
  const auto with = [](std::string_view name, const std::string& rest) {
    return rest.empty() ? std::string(name) : fmt::format("{} {}", name, rest);
  };
  switch (o.kind) {
    case TcpOptionKind::end: return "eol";
    case TcpOptionKind::nop: return "nop";
    case TcpOptionKind::mss: return fmt::format("mss {}", o.number);
    case TcpOptionKind::wscale: return fmt::format("wscale {}", o.number);
    case TcpOptionKind::sack_permitted: return "sackOK";
    case TcpOptionKind::sack: {
      std::string out = "sack";
      for (const auto& [left, right] : o.blocks) out += fmt::format(" {}:{}", left, right);
      return out;
    }
    case TcpOptionKind::timestamps: return fmt::format("TS val {} ecr {}", o.ts_val, o.ts_ecr);
    case TcpOptionKind::fast_open: return with("FO", bytes);
    case TcpOptionKind::fast_open_exp: return with("FOEXP", bytes);
    case TcpOptionKind::md5: return with("md5", bytes);
    case TcpOptionKind::user_timeout: return fmt::format("uto {}", o.number);
    case TcpOptionKind::accecn: {
      std::string out = o.accecn_kind == kind::accecn0 ? "AccECN" : "ECN";
      for (const auto& [name, value] : o.fields) out += fmt::format(" {} {}", name, value);
      return out;
    }
    case TcpOptionKind::experiment: return with("exp", fmt::format("0x{:04x} {}", o.number, bytes));
    case TcpOptionKind::generic: return with("kind", fmt::format("{} {}", o.number, bytes));
  }
  return {};
}

std::string to_text(const std::vector<TcpOptionSpec>& options) {
  std::string out;
  for (const TcpOptionSpec& o : options) out += (out.empty() ? "" : ",") + to_text(o);
  return fmt::format("<{}>", out);
}

}  // namespace weir::drill

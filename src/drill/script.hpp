// A script of the packetdrill language, parsed: options, and events with their times. Plain data; nothing here runs.
// docs/verbs/drill.md describes the language as weir understands it.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "drill/code.hpp"
#include "drill/place.hpp"

namespace weir::drill {

// When an event is due.
struct EventTime {
  enum class Kind : u8 { absolute, relative, any, absolute_range, relative_range };
  Kind kind = Kind::relative;
  Duration from{}, to{};  // `to` of ranges only
};

// A value in a call: one tree for every form that the language has; what it means is decided where it is used.
struct Value {
  enum class Kind : u8 {
    ellipsis,  // ...
    integer,   // 12, -1, 0xff
    word,      // SOL_SOCKET
    string,    // "text"; with `open` followed by ...
    either,    // A|B|C: items
    array,     // [a, b]: items
    record,    // {name=value, ...}: items, of which the fields are assigned
    call,      // word(items)
    assigned,  // items[0]=items[1]
  };
  Kind kind = Kind::ellipsis;
  bool open = false;
  bool hex = false;
  i64 integer = 0;
  std::string text{};
  std::vector<Value> items{};
  Place place{};
};

struct SystemCall {
  std::string name;
  std::vector<Value> arguments;
  Value result;
  std::string error;            // the name of an errno, or empty
  std::optional<Duration> end;  // of a call that blocks: when it returns, counted as its start is
};

struct Command {
  std::string text;
  Place place;  // of its first character
};

enum class TcpOptionKind : u8 {
  end,
  nop,
  mss,
  wscale,
  sack_permitted,
  sack,
  timestamps,
  fast_open,
  fast_open_exp,
  md5,
  user_timeout,
  accecn,
  experiment,
  generic,  // kind and bytes given
};

struct TcpOptionSpec {
  TcpOptionKind kind = TcpOptionKind::nop;
  Place place{};
  u32 number = 0;    // mss, shift, user timeout, the number of a generic kind
  u32 ts_val = 0, ts_ecr = 0;
  std::vector<std::pair<u32, u32>> blocks{};  // sack
  std::vector<u8> bytes{};                    // cookie, digest, contents
  std::string symbol{};                       // a name that stands for the bytes: --define=NAME=HEX
  u8 accecn_kind = 0;                         // AccECN: 172 or 174, and its fields as (name, value)
  std::vector<std::pair<std::string, u32>> fields{};
};

// What brackets before the flags say of the IP header.
struct IpInfo {
  std::optional<u8> ecn{};  // 0 to 3
  bool ect01 = false;       // either ECT
  std::optional<u8> tos{};
  std::optional<u8> ttl{};
  std::optional<u32> flow_label{};
};

struct SeqRange {
  u32 first = 0, end = 0, length = 0;
};

struct TcpSpec {
  u16 flags = 0;  // wire::TcpFlags
  SeqRange seq{};
  std::optional<u32> ack{};
  std::optional<u16> window{};
  std::optional<u16> urgent{};
  bool any_options = false;  // <...>
  std::vector<TcpOptionSpec> options{};
};

struct UdpSpec {
  u32 length = 0;
};

struct IcmpSpec {
  std::string type{}, code{};
  Place type_place{}, code_place{};
  std::optional<u32> mtu{};
  std::optional<u16> id{};
  enum class Quote : u8 { none, tcp, udp, raw } quote = Quote::none;
  SeqRange quoted{};
};

struct PacketSpec {
  bool inbound = false;
  IpInfo ip{};
  struct Ports {
    u16 src = 0, dst = 0;
  };
  std::optional<Ports> ports{};
  std::variant<TcpSpec, UdpSpec, IcmpSpec> body{};
};

struct Event {
  Place place;
  EventTime time;
  std::variant<PacketSpec, SystemCall, Command, CodeBlock> action;
  std::string text;  // as it was written, on one line
};

struct ScriptOption {
  std::string name{}, value{};
  Place place;
};

struct Script {
  std::string path;
  std::vector<ScriptOption> options;
  std::optional<Command> init, cleanup;
  std::vector<Event> events;
};

// The whole text. Throws ScriptError.
[[nodiscard]] Script parse_script(std::string_view text, std::string path);

}  // namespace weir::drill

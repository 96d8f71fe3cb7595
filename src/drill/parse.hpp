// The parts of the parser. Each takes the cursor where its construct begins, and leaves it behind its end.
#pragma once

#include "drill/cursor.hpp"
#include "drill/script.hpp"

namespace weir::drill {

// Whole numbers: 12, -1, 0x1f. The limits are inclusive; `what` names the thing in messages.
[[nodiscard]] i64 parse_integer(Cursor& in, std::string_view what, i64 least, i64 most);
[[nodiscard]] u32 parse_u32(Cursor& in, std::string_view what);
// Seconds: 1, .5, 0.000001; to the nanosecond.
[[nodiscard]] Duration parse_seconds(Cursor& in);
// Hexadecimal digits, an even number of them.
[[nodiscard]] std::vector<u8> parse_hex(std::string_view digits, Place at, std::string_view what);

[[nodiscard]] Value parse_value(Cursor& in);
[[nodiscard]] SystemCall parse_call(Cursor& in);
[[nodiscard]] PacketSpec parse_packet(Cursor& in);  // from < or >
[[nodiscard]] SeqRange parse_seq(Cursor& in);
[[nodiscard]] std::vector<TcpOptionSpec> parse_tcp_options(Cursor& in, bool& any);  // from <

}  // namespace weir::drill

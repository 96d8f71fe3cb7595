// Numbers of the pcap and pcapng formats, for their writer and reader.
#pragma once

#include "base/types.hpp"

namespace weir::wire::pcap {

inline constexpr u32 magic_us = 0xa1b2'c3d4, magic_ns = 0xa1b2'3c4d;
inline constexpr usize file_header_len = 24, record_header_len = 16;

}  // namespace weir::wire::pcap

namespace weir::wire::pcapng {

inline constexpr u32 section_header = 0x0a0d'0d0a, interface_description = 1, simple_packet = 3, enhanced_packet = 6;
inline constexpr u32 byte_order_magic = 0x1a2b'3c4d;
// Options. Every block's list ends with code 0; 1 is a comment everywhere.
inline constexpr u16 end_of_options = 0, comment = 1;
inline constexpr u16 section_application = 4;
inline constexpr u16 if_name = 2, if_description = 3, if_tsresol = 9, if_tsoffset = 14;
inline constexpr u16 packet_flags = 2;
inline constexpr u32 direction_mask = 3;
// A block is: type, total length, body, total length again.
inline constexpr usize block_overhead = 12;

}  // namespace weir::wire::pcapng

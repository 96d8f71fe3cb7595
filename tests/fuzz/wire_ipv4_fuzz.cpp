// IPv4 header and options.
#include <array>

#include "tests/fuzz/fuzz.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"

using namespace weir;
using namespace weir::wire;

namespace {

void check_options(Bytes options) {
  const auto o = parse_ip4_options(options);
  if (!o) {
    FUZZ_CHECK(o.error().pointer >= 20 && o.error().pointer < 20 + options.size());
    return;
  }
  for (const auto at : {o->record_route, o->timestamp, o->source_route, o->security}) FUZZ_CHECK(usize{at.at} + at.len <= options.size());
  std::array<std::byte, 40> copy{}, kept{};
  copy_bytes(copy, options);
  FUZZ_CHECK(copied_ip4_options(options, kept) <= options.size());
  if (o->record_route) record_route(MutBytes(copy).subspan(o->record_route.at, o->record_route.len), Ip4Addr{1});
  if (o->timestamp) record_timestamp(MutBytes(copy).subspan(o->timestamp.at, o->timestamp.len), Ip4Addr{1}, 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const Bytes in = fuzz::input(data, size);
  if (size <= 40) check_options(in);
  const auto v = Ipv4View::parse(in);
  if (!v) return 0;
  FUZZ_CHECK(fuzz::inside(v->payload(), in) && v->packet().size() == v->total_length());
  std::array<std::byte, Ipv4View::max_len> out{};
  const usize n = emit(v->fields(), out);
  FUZZ_CHECK(n == v->header_len());
  const auto again = Ipv4View::parse(Bytes(out).first(n), v->total_length());
  FUZZ_CHECK(again && again->fields() == v->fields() && again->checksum_ok());
  // A header with a right checksum is reproduced to the bit, but for the reserved flag; 0 and 0xffff are the same sum.
  const bool is_exact = v->checksum_ok() && !v->reserved_flag() && v->checksum_raw() != 0xffff;
  FUZZ_CHECK(!is_exact || same_bytes(Bytes(out).first(n), v->header()));
  check_options(v->options());
  return 0;
}

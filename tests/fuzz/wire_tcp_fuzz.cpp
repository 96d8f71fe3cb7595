// TCP header and options, and UDP.
#include <array>

#include "tests/fuzz/fuzz.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"
#include "wire/udp.hpp"

using namespace weir;
using namespace weir::wire;

namespace {

// What can be sent of what was received comes back the same.
void check_emitted(Bytes options, const TcpOptions& o, OptionProfile profile) {
  TcpOptionsOut out;
  out.mss = o.mss;
  out.wscale = o.wscale;
  out.sack_permitted = o.sack_permitted;
  out.has_ts = o.has_ts;
  out.ts_val = o.ts_val;
  out.ts_ecr = o.ts_ecr;
  out.sack = o.sack_blocks();
  std::optional<Bytes> cookie;
  if (o.fast_open) cookie = o.fast_open.of(options);
  out.fast_open = cookie;
  out.fast_open_experimental = o.fast_open_experimental;
  std::array<std::byte, 40> area;
  const usize n = emit_options(area, out, profile);
  FUZZ_CHECK(n % 4 == 0 && n <= 40);
  const auto again = parse_options(Bytes(area).first(n));
  FUZZ_CHECK(again && again->mss == o.mss && again->wscale == o.wscale && again->sack_permitted == o.sack_permitted);
  FUZZ_CHECK(again->has_ts == o.has_ts && again->ts_val == o.ts_val && again->ts_ecr == o.ts_ecr);
  FUZZ_CHECK(again->sack_n <= o.sack_n);
  for (usize i = 0; i < again->sack_n; ++i) FUZZ_CHECK(again->sack[i] == o.sack[i]);
  if (again->fast_open) FUZZ_CHECK(cookie && same_bytes(again->fast_open.of(area), *cookie));
}

void check_options(Bytes options) {
  const auto o = parse_options(options);
  FUZZ_CHECK(o == parse_options_slow(options));
  if (!o) {
    FUZZ_CHECK(o.error() == Drop::tcp_bad_option);
    return;
  }
  for (const auto at : {o->fast_open, o->md5, o->ao}) FUZZ_CHECK(usize{at.at} + at.len <= options.size());
  check_emitted(options, *o, OptionProfile::linux_);
  check_emitted(options, *o, OptionProfile::freebsd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const Bytes in = fuzz::input(data, size);
  if (size <= tcp_option::max_len) check_options(in);
  if (const auto u = UdpView::parse(in)) {
    std::array<std::byte, UdpView::header_len> out{};
    emit(u->fields(), out);
    FUZZ_CHECK(same_bytes(Bytes(out).first(6), in.first(6)) && fuzz::inside(u->payload(), in));
  }
  const auto t = TcpView::parse(in);
  if (!t) return 0;
  FUZZ_CHECK(fuzz::inside(t->payload(), in) && t->header_len() + t->payload().size() == size);
  std::array<std::byte, TcpView::max_len> out{};
  const usize n = emit(t->fields(), out);
  const auto again = TcpView::parse(Bytes(out).first(n));
  FUZZ_CHECK(again && again->fields() == t->fields());
  check_options(t->options());
  return 0;
}

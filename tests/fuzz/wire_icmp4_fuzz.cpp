// ICMPv4, its quoted packets, and IGMP.
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "wire/icmp4.hpp"
#include "wire/igmp.hpp"
#include "wire/quoted.hpp"

using namespace weir;
using namespace weir::wire;

namespace {

void check_igmp(Bytes in) {
  const auto m = IgmpView::parse(in);
  if (!m) return;
  if (const auto q = IgmpQuery::parse(*m)) {
    FUZZ_CHECK(fuzz::inside(q->sources, in));
    std::vector<std::byte> out(12 + q->sources.size());
    const usize n = emit(*q, out);
    const auto again = IgmpQuery::parse(*IgmpView::parse(Bytes(out).first(n)));
    FUZZ_CHECK(again && again->max_response_ms == q->max_response_ms && again->version == q->version);
    FUZZ_CHECK(again->interval_s == q->interval_s && again->group == q->group);
  }
  if (const auto r = IgmpReport::parse(*m)) r->records.for_each([&](const auto& record) { FUZZ_CHECK(fuzz::inside(record.sources, in)); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const Bytes in = fuzz::input(data, size);
  check_igmp(in);
  if (const auto q = parse_quoted4(in)) FUZZ_CHECK(q->transport.size() >= 8 && fuzz::inside(q->transport, in));
  const auto m = Icmp4View::parse(in);
  if (!m) return 0;
  FUZZ_CHECK(fuzz::inside(m->quote(), in));
  std::vector<std::byte> out(size);
  emit(m->fields(), m->body(), out);
  const auto again = Icmp4View::parse(out);
  FUZZ_CHECK(again && again->fields() == m->fields() && again->checksum_ok() && same_bytes(again->body(), m->body()));
  return 0;
}

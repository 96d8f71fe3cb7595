// ICMPv6 with neighbour discovery and its options, MLD, and quoted packets.
#include <array>
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "wire/mld.hpp"
#include "wire/nd.hpp"
#include "wire/quoted.hpp"

using namespace weir;
using namespace weir::wire;

namespace {

void check_options(const NdOptions& options, Bytes in) {
  usize total = 0;
  std::array<char, 255> name;
  for (const NdOption o : options) {
    FUZZ_CHECK(o.whole.size() >= 8 && fuzz::inside(o.whole, in));
    total += o.whole.size();
    std::array<std::byte, 32> out;
    if (const auto p = NdPrefixInfo::parse(o)) {
      FUZZ_CHECK(NdPrefixInfo::parse(*NdOptions::parse(Bytes(out).first(emit(*p, out)))->begin()) == p);
    }
    if (const auto d = NdDnsServers::parse(o))
      for (usize i = 0; i < d->count(); ++i) (void)(*d)[i];
    (void)NdRouteInfo::parse(o);
    if (auto s = NdSearchList::parse(o))
      while (const auto n = NdSearchList::next(s->domains, name)) FUZZ_CHECK(*n > 0 && *n <= name.size());
  }
  FUZZ_CHECK(total == options.area().size());
  (void)options.nonce();
  (void)options.mtu();
  if (const auto p = options.redirected_packet()) FUZZ_CHECK(fuzz::inside(*p, in));
}

template <class Message>
void check_nd(const Icmp6View& m) {
  const auto message = Message::parse(m);
  if (!message) return;
  check_options(message->options, m.message());
  std::array<std::byte, 40> out;
  const usize n = emit(*message, out);
  FUZZ_CHECK(n == Message::fixed_len && Message::parse(*Icmp6View::parse(Bytes(out).first(n))));
}

void check_mld(const Icmp6View& m) {
  if (const auto q = MldQuery::parse(m)) {
    FUZZ_CHECK(fuzz::inside(q->sources, m.message()));
    std::vector<std::byte> out(28 + q->sources.size());
    const usize n = emit(*q, out);
    const auto again = MldQuery::parse(*Icmp6View::parse(Bytes(out).first(n)));
    FUZZ_CHECK(again && again->max_response_ms == q->max_response_ms && again->group == q->group);
  }
  if (const auto r = MldReport::parse(m))
    r->records.for_each([&](const auto& record) { FUZZ_CHECK(fuzz::inside(record.sources, m.message())); });
  (void)Mld1Message::parse(m);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const Bytes in = fuzz::input(data, size);
  if (const auto q = parse_quoted6(in)) FUZZ_CHECK(q->transport.size() >= 8 && fuzz::inside(q->transport, in));
  if (const auto options = NdOptions::parse(in)) check_options(*options, in);
  const auto m = Icmp6View::parse(in);
  if (!m) return 0;
  FUZZ_CHECK(fuzz::inside(m->quote(), in));
  check_nd<RouterSolicit>(*m);
  check_nd<RouterAdvert>(*m);
  check_nd<NeighborSolicit>(*m);
  check_nd<NeighborAdvert>(*m);
  check_nd<NdRedirect>(*m);
  check_mld(*m);
  const Ip6Addr src = Ip6Addr::loopback(), dst = Ip6Addr::all_nodes();
  std::vector<std::byte> out(size);
  emit(m->fields(), m->body(), src, dst, out);
  const auto again = Icmp6View::parse(out);
  FUZZ_CHECK(again && again->fields() == m->fields() && again->checksum_ok(src, dst));
  return 0;
}

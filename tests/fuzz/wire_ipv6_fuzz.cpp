// IPv6 header and the chain of extension headers.
#include <array>

#include "tests/fuzz/fuzz.hpp"
#include "wire/ipv6_ext.hpp"

using namespace weir;
using namespace weir::wire;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const Bytes in = fuzz::input(data, size);
  const auto v = Ipv6View::parse(in);
  if (!v) return 0;
  FUZZ_CHECK(fuzz::inside(v->payload(), in));
  std::array<std::byte, Ipv6View::header_len> out{};
  emit(v->fields(), out);
  FUZZ_CHECK(same_bytes(out, in.first(Ipv6View::header_len)));
  const usize len = v->packet().size();
  const Ip6Limits wide{.max_headers = 255, .max_options = 255, .max_padding = 255};
  for (const Ip6Limits& limits : {Ip6Limits{}, wide})
    for (const auto how : {Ip6Walk::host, Ip6Walk::router}) {
      const auto c = walk_extensions(*v, limits, how);
      if (!c) {
        FUZZ_CHECK(c.error().pointer < len && c.error().drop != Drop::none);
        continue;
      }
      FUZZ_CHECK(c->offset <= len && c->protocol_at < len && c->headers <= limits.max_headers);
      FUZZ_CHECK(load_u8(in.data() + c->protocol_at) == c->protocol);
      if (!c->has_fragment) continue;
      FUZZ_CHECK(c->fragment_at + Ip6FragmentFields::header_len <= len);
      FUZZ_CHECK(load_u8(in.data() + c->fragment_named_at) == proto::fragment);
    }
  FUZZ_CHECK(find_transport(*v).offset <= len);
  return 0;
}

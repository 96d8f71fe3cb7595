// What parses is printed in its one canonical form, which parses to the same.
#include "tests/fuzz/fuzz.hpp"
#include "wire/address.hpp"

namespace {
template <class T>
void check(std::string_view text) {
  const auto a = T::parse(text);
  if (!a) return;
  FUZZ_CHECK(T::parse(to_string(*a)) == a);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const weir::u8* data, weir::usize size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check<weir::MacAddr>(text);
  check<weir::Ip4Addr>(text);
  check<weir::Ip6Addr>(text);
  check<weir::IpAddr>(text);
  check<weir::Endpoint>(text);
  check<weir::Prefix>(text);
  if (const auto p = weir::Prefix::parse(text)) {
    FUZZ_CHECK(p->length <= p->address.bits());
    FUZZ_CHECK(p->contains(p->address) && p->masked().masked() == p->masked());
  }
  return 0;
}

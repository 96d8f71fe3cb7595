// Ethernet, 802.3, VLAN tags and ARP.
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "wire/arp.hpp"
#include "wire/vlan.hpp"

using namespace weir;
using namespace weir::wire;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const Bytes in = fuzz::input(data, size);
  const auto e = EthernetView::parse(in);
  if (!e) return 0;
  FUZZ_CHECK(fuzz::inside(e->payload(), in) && e->payload_offset() + e->payload().size() <= size);
  if (e->has_ethertype() && e->payload_offset() == EthernetView::header_len) {
    std::byte out[EthernetView::header_len];
    emit(e->fields(), out);
    FUZZ_CHECK(same_bytes(out, in.first(EthernetView::header_len)));
  }
  u16 type = e->type();
  Bytes payload = e->payload();
  while (is_vlan_type(type)) {
    const auto v = VlanView::parse(type, payload);
    if (!v) return 0;
    FUZZ_CHECK(v->payload().size() + VlanView::tag_len <= payload.size());
    FUZZ_CHECK(VlanTag::make(v->vlan_id(), v->priority(), v->dei(), type) == v->tag());
    type = v->type();
    payload = v->payload();
  }
  if (const auto a = ArpView::parse(payload)) {
    std::byte out[ArpView::len];
    emit(a->fields(), out);
    FUZZ_CHECK(same_bytes(out, payload.first(ArpView::len)));
  }
  return 0;
}

// Network files: a mistake is told with its line, and what is taken hangs together.
#include "api/network_file.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace weir;

namespace {

void check(const NetworkFile& file) {
  FUZZ_CHECK(!file.netns.empty());
  for (const FileLink& l : file.links)
    for (u32 i = 0; i < 2; ++i) FUZZ_CHECK(l.netns[i] < file.netns.size() && l.interface[i] < file.netns[l.netns[i]].interfaces.size());
  for (const FileNetns& ns : file.netns) {
    FUZZ_CHECK(ns.sysctl.port_first <= ns.sysctl.port_last);
    for (const FileInterface& i : ns.interfaces)
      FUZZ_CHECK(!i.name.empty() && i.name.size() <= 15 && (i.mtu == 0 || i.mtu >= 68) && !i.mac.is_multicast());
    for (const FileRoute& r : ns.routes)
      FUZZ_CHECK(r.to.length <= r.to.address.bits() && r.via.family() == r.to.address.family() && r.to.masked() == r.to);
    for (const FileService& s : ns.services) FUZZ_CHECK(s.port != 0 && s.rate != 0 && s.connections != 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const auto file = NetworkFile::parse({reinterpret_cast<const char*>(data), size}, "f");
  if (file) check(*file);
  else FUZZ_CHECK(file.error().starts_with("f:"));
  return 0;
}

// Capture files: whatever the reader makes of them can be written and read again.
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "wire/pcap.hpp"

using namespace weir;
using namespace weir::wire;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const Bytes in = fuzz::input(data, size);
  std::vector<std::byte> out;
  PcapngWriter writer([&](Bytes b) {
    out.insert(out.end(), b.begin(), b.end());
    return true;
  });
  writer.add_interface("any", LinkType::ethernet);
  usize records = 0;
  CaptureReader reader(memory_source(in));
  for (;;) {
    const auto r = reader.next();
    if (!r || !*r) break;
    FUZZ_CHECK((*r)->data.size() <= size && (*r)->interface < reader.interfaces().size());
    CaptureRecord copy = **r;
    copy.interface = 0;
    FUZZ_CHECK(writer.write(copy));
    ++records;
  }
  CaptureReader again(memory_source(out));
  for (;;) {
    const auto r = again.next();
    FUZZ_CHECK(r);
    if (!*r) break;
    --records;
  }
  FUZZ_CHECK(records == 0);
  return 0;
}

// checksum: the Internet checksum of a hot buffer.
#include <vector>

#include "base/checksum.hpp"
#include "bench/case.hpp"
#include "bench/cpu.hpp"

namespace weir::bench {
namespace {

u16 reference(Bytes b) {
  u32 sum = 0;
  for (usize i = 0; i + 1 < b.size(); i += 2) sum += load_raw<u16>(b.data() + i);
  for (; sum >> 16 != 0; sum = (sum & 0xffff) + (sum >> 16)) {
  }
  return static_cast<u16>(sum);
}

Sample checksum(const Env& env, usize bytes) {
  std::vector<std::byte> memory(bytes + 64);
  for (usize i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(i * 7 + i / 251);
  const Bytes data{memory.data() + 2, bytes};  // as behind an Ethernet header: not at the start of a line
  const u16 want = reference(data);
  u64 n = 0;
  const u64 step = env.count((u64{1} << 28) / bytes, 10);
  const CpuMeter cpu;
  do {
    for (u64 i = 0; i < step; ++i) {
      u64 sum = csum_add(data);
      asm volatile("" : "+r"(sum));
      if (csum_fold(sum) != want) throw Failed("a wrong sum");
    }
    n += step;
  } while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds();
  return {static_cast<double>(n * bytes) / s * 1e-9, s};
}

}  // namespace

Case checksum_case() {
  return {"checksum",
          "the Internet checksum, hot",
          {{"1460", "GB/s", Better::higher, [](const Env& e) { return checksum(e, 1'460); }},
           {"65536", "GB/s", Better::higher, [](const Env& e) { return checksum(e, 65'536); }}}};
}

}  // namespace weir::bench

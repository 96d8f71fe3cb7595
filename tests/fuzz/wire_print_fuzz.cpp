// Any bytes give one line of text.
#include "tests/fuzz/fuzz.hpp"
#include "wire/print.hpp"

extern "C" int LLVMFuzzerTestOneInput(const weir::u8* data, weir::usize size) {
  const weir::Bytes in = weir::fuzz::input(data, size);
  for (const std::string& line : {weir::wire::print_frame(in), weir::wire::print_packet(in)})
    FUZZ_CHECK(!line.empty() && line.find('\n') == std::string::npos);
  return 0;
}

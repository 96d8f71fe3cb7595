// Runs every fuzz target over a corpus that is the same in every run: its seeds, the golden frames from each of their
// layers, mutations of both, and random bytes. Each input lies in a block of its own size, so that ASan sees an
// overread.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "tests/wire/support.hpp"

#define FUZZ_TARGET(name) extern "C" int fuzz_##name(const weir::u8* data, weir::usize size);
#include "fuzz_targets.inc"
#undef FUZZ_TARGET

namespace weir {
namespace {

using wire::test::Buffer;
using wire::test::Random;

struct Target {
  const char* name;
  int (*run)(const u8*, usize);
};

constexpr Target targets[] = {
#define FUZZ_TARGET(name) {#name, fuzz_##name},
#include "fuzz_targets.inc"
#undef FUZZ_TARGET
};

void feed(const Target& t, const Buffer& in) {
  const auto block = std::make_unique<u8[]>(in.size());
  if (!in.empty()) std::memcpy(block.get(), in.data(), in.size());
  EXPECT_EQ(t.run(block.get(), in.size()), 0);
}

Buffer read_seed(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (path.extension() == ".hex") return wire::test::hex(text);
  const Bytes b = std::as_bytes(std::span(text));
  return {b.begin(), b.end()};
}

std::vector<Buffer> seeds_of(const char* name) {
  std::vector<std::filesystem::path> files;
  const auto folder = std::filesystem::path(WEIR_FUZZ_SEEDS) / name;
  if (std::filesystem::exists(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);  // the order of a directory is no constant
  std::vector<Buffer> seeds;
  for (const auto& f : files) seeds.push_back(read_seed(f));
  if (std::string_view(name).starts_with("ap") || std::string_view(name).starts_with("plot"))
    return seeds;  // they read text: frames are noise to them
  for (const auto& g : wire::test::golden_frames) {
    const Buffer frame = wire::test::hex(g.hex);
    for (const usize layer : {0, 14, 34, 54, 62})
      if (layer < frame.size()) seeds.emplace_back(frame.begin() + static_cast<long>(layer), frame.end());
  }
  return seeds;
}

// A few of: a byte set, a bit flipped, a byte that likes to be a length, a cut, a piece doubled or put in from another.
Buffer mutate(Buffer b, const std::vector<Buffer>& seeds, Random& r) {
  constexpr u8 edges[] = {0, 1, 2, 3, 4, 7, 8, 0x0f, 0x10, 0x3a, 0x3c, 0x7f, 0x80, 0xfe, 0xff};
  for (u64 n = 1 + r.below(5); n > 0; --n) {
    if (b.empty()) b = r.bytes(1 + r.below(80));
    const usize at = r.below(b.size());
    switch (r.below(7)) {
      case 0: b[at] = static_cast<std::byte>(r.next()); break;
      case 1: b[at] ^= static_cast<std::byte>(1 << r.below(8)); break;
      case 2:
      case 3: b[at] = static_cast<std::byte>(edges[r.below(std::size(edges))]); break;
      case 4: b.resize(at); break;
      case 5: {
        const Buffer piece(b.begin() + static_cast<long>(at),
                           b.begin() + static_cast<long>(at + r.below(std::min<usize>(b.size() - at, 24))));
        b.insert(b.begin() + static_cast<long>(r.below(b.size())), piece.begin(), piece.end());
        break;
      }
      default: {
        const Buffer& other = seeds[r.below(seeds.size())];
        for (usize i = at; i < b.size() && i < other.size(); ++i) b[i] = other[i];
      }
    }
  }
  return b;
}

class fuzz_replay : public testing::TestWithParam<Target> {};

TEST_P(fuzz_replay, corpus) {
  const Target& t = GetParam();
  const auto seeds = seeds_of(t.name);
  Random r(26);
  feed(t, {});
  for (const Buffer& s : seeds) {
    feed(t, s);
    for (usize n = 0; n < s.size(); ++n) feed(t, {s.begin(), s.begin() + static_cast<long>(n)});
  }
  for (int i = 0; i < 20'000; ++i) feed(t, mutate(seeds[r.below(seeds.size())], seeds, r));
  for (int i = 0; i < 5'000; ++i) feed(t, r.bytes(r.below(128)));
}

INSTANTIATE_TEST_SUITE_P(all, fuzz_replay, testing::ValuesIn(targets), [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace weir

// Bodies of HTTP messages: the pieces they come in make no difference. The first byte says how the body ends.
#include <string>

#include "apps/http_body.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace weir;
using namespace weir::apps;

namespace {

struct Outcome {
  std::string body;
  usize taken = 0;
  bool good = true, done = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(HttpBody body, Bytes in, usize piece) {
  Outcome o;
  while (o.taken < in.size() && o.good && !body.is_done()) {
    Bytes data = in.subspan(o.taken, std::min(piece, in.size() - o.taken));
    const usize before = data.size();
    const auto part = body.next(data);
    o.good = part.has_value();
    if (!part) break;  // how far it had looked is of no use to anyone
    FUZZ_CHECK(fuzz::inside(*part, in) && data.size() <= before && (data.size() < before || body.is_done()));
    o.body.append(reinterpret_cast<const char*>(part->data()), part->size());
    o.taken += before - data.size();
  }
  if (!o.good) o.taken = 0;
  o.done = body.is_done();
  FUZZ_CHECK(o.body.size() <= in.size());
  return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  if (size == 0) return 0;
  const Bytes in = fuzz::input(data, size).subspan(1);
  const auto make = [&] {
    if (data[0] == 'e') return HttpBody::to_the_end();
    return data[0] >= '0' && data[0] <= '9' ? HttpBody::of_length((data[0] - u64{'0'}) * 7) : HttpBody::in_chunks();
  };
  const Outcome whole = read(make(), in, in.size());
  for (const usize piece : {usize{1}, usize{2}, usize{7}}) FUZZ_CHECK(read(make(), in, piece) == whole);
  return 0;
}

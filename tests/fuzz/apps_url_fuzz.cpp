// URLs, by themselves and as what a Location header means.
#include "apps/http_client.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace weir;
using namespace weir::apps;

namespace {

// What was understood can be written as a URL that means the same.
void check(const Result<Url, std::string>& url) {
  if (!url) {
    FUZZ_CHECK(!url.error().empty());
    return;
  }
  FUZZ_CHECK(url->at.port != 0 && url->path.starts_with('/') && url->path.find_first_of(" \r\n#") == std::string::npos);
  const auto again = Url::parse("http://" + url->host_header() + url->path);
  FUZZ_CHECK(again && again->at == url->at && again->path == url->path && again->host == url->host);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(Url::parse(text));
  for (const char* base : {"http://10.0.0.1", "http://[fd00::1]:8080/a/b/c?q=/x"}) check(Url::parse(base)->resolve(text));
  return 0;
}

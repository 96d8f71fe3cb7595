// Any bytes parse to a script, or to an error whose place lies in the text.
#include "drill/script.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const weir::u8* data, weir::usize size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const weir::drill::Script script = weir::drill::parse_script(text, "input");
    FUZZ_CHECK(!script.events.empty());
    for (const weir::drill::Event& e : script.events) FUZZ_CHECK(!e.text.empty() && e.place.line >= 1);
  } catch (const weir::drill::ScriptError& e) {
    weir::u32 lines = 1;
    for (const char c : text) lines += c == '\n' ? 1 : 0;
    FUZZ_CHECK(e.place.line >= 1 && e.place.line <= lines && e.place.column >= 1 && e.place.column <= size + 1);
    FUZZ_CHECK(*e.what() != '\0');
  }
  return 0;
}

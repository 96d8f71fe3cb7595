// A bug is an assertion: never a packet, never a call. WEIR_ASSERT stays on in release where it is cheap;
// WEIR_DASSERT is for checks that cost and vanishes with NDEBUG.
#pragma once

namespace weir {
[[noreturn]] void assertion_failed(const char* what, const char* file, int line) noexcept;
}

#define WEIR_ASSERT(cond) (__builtin_expect(!!(cond), 1) ? static_cast<void>(0) : ::weir::assertion_failed(#cond, __FILE__, __LINE__))

#ifdef NDEBUG
#define WEIR_DASSERT(cond) static_cast<void>(0)
#else
#define WEIR_DASSERT(cond) WEIR_ASSERT(cond)
#endif

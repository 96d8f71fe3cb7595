// A row of a table test: a canonical connection, a segment, and what the RFC says must come of it, as print(Outcome)
// writes it.
#pragma once

#include <gtest/gtest.h>

#include <span>

#include "tests/model/space.hpp"

namespace weir::model {

struct Row {
  const char* rule;
  State state;
  const char* flags;  // of F S R P A U
  u32 seq, ack, len;
  const char* expected;
};

inline Seg seg_of(const char* flags, u32 seq, u32 ack, u32 len) {
  Seg s{.seq = {seq}, .ack = {ack}, .len = len, .wnd = 12'000, .up = 10};
  for (const char* f = flags; *f != 0; ++f) {
    switch (*f) {
      case 'F': s.fin = true; break;
      case 'S': s.syn = true; break;
      case 'R': s.rst = true; break;
      case 'P': s.psh = true; break;
      case 'A': s.ack_flag = true; break;
      case 'U': s.urg = true; break;
      default: ADD_FAILURE() << "no flag " << *f;
    }
  }
  return s;
}

inline void check(std::span<const Row> rows, const Situation& in = {}, const Config& cfg = {}) {
  for (const Row& r : rows) {
    const Outcome o = arrives(canonical(r.state, in), seg_of(r.flags, r.seq, r.ack, r.len), Instant{}, cfg);
    EXPECT_EQ(print(o), r.expected) << name(r.state) << ": " << r.rule;
  }
}

}  // namespace weir::model

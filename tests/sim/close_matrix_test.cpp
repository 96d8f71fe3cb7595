// The close matrix: every way to close a connection at both ends, with each of the last six packets lost, has the
// outcome that was recorded from the Linux kernel (tests/golden/close_matrix.tsv, docs/close-matrix.md).
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/close_scenario.hpp"

namespace weir::sim {
namespace {

using namespace test;

// Rows whose lost packet weir does not send at all, on purpose. Without it everything else must be as in the row. One
// that weir does send must not be listed.
struct NotSent {
  std::string_view row, reason;
};
constexpr std::string_view one_ack_for_both =
    "RFC 1122 4.2.3.2: the ACK of B's 1,000 bytes is delayed, and the FIN or RST right behind them comes before it is "
    "due";
constexpr std::array not_sent{
    NotSent{"first/both/shutdown/close lost 2 (A:ACK/1)", one_ack_for_both},
    NotSent{"first/both/shutdown/shutdown lost 2 (A:ACK/1)", one_ack_for_both},
    NotSent{"first/both/shutdown/linger0 lost 2 (A:ACK/1)", one_ack_for_both},
    NotSent{"first/both/shutdown/linger5 lost 2 (A:ACK/1)", one_ack_for_both},
    NotSent{"simultaneous/both/shutdown/close lost 4 (A:ACK/1)", one_ack_for_both},
    NotSent{"simultaneous/both/shutdown/linger0 lost 2 (A:ACK/1)", one_ack_for_both},
    NotSent{"simultaneous/both/shutdown/linger5 lost 4 (A:ACK/1)", one_ack_for_both},
};

bool may_be_missing(const CloseRow& row) {
  return std::ranges::any_of(not_sent, [&](const NotSent& n) { return n.row == row.name(); });
}

// Number of the packet that has the row's role, from 0: the n-th from the end of its kind or, where weir sends fewer of
// them, the first. Nothing: weir sends none.
std::optional<usize> packet_of(const std::string& role, const std::vector<std::string>& roles) {
  const usize slash = role.find('/');
  usize left = std::stoul(role.substr(slash + 1));
  std::optional<usize> found;
  for (usize i = roles.size(); i-- != 0 && left != 0;) {
    if (roles[i] != role.substr(0, slash)) continue;
    found = i;
    --left;
  }
  return found;
}

std::string difference(const CloseOutcome& want, const CloseOutcome& got) {
  std::string out;
  const auto field = [&](const char* name, const std::string& w, const std::string& g) {
    if (w != g) out += std::string("\n  ") + name + ": kernel " + w + " | weir " + g;
  };
  field("A_calls", want.a_calls, got.a_calls);
  field("B_calls", want.b_calls, got.b_calls);
  field("A_bytes", want.a_bytes, got.a_bytes);
  field("B_bytes", want.b_bytes, got.b_bytes);
  field("A_states", want.a_states, got.a_states);
  field("B_states", want.b_states, got.b_states);
  field("A_final", want.a_final, got.a_final);
  field("B_final", want.b_final, got.b_final);
  return out;
}

// All rows of one case: the exchange without loss tells which packet is which.
class Case {
 public:
  explicit Case(const CloseCase& key) : key_(key), base_(key, std::nullopt), trouble_(base_.play()), roles_(base_.roles()) {}

  void check(const CloseRow& row) {
    if (row.absent()) return;
    std::optional<usize> packet;
    if (row.role != "-") {
      packet = packet_of(row.role, roles_);
      EXPECT_NE(packet.has_value(), may_be_missing(row))
          << row.name() << (packet ? ": listed as not sent, but weir sends it: " : ": weir sends no such packet: ") << base_.wire();
    }
    if (!packet) return compare(row, base_, trouble_);
    CloseScenario play(key_, packet);
    const std::string trouble = play.play();
    compare(row, play, trouble);
  }

 private:
  static void compare(const CloseRow& row, const CloseScenario& play, const std::string& trouble) {
    EXPECT_EQ(trouble, "") << row.name();
    const std::string d = difference(row.outcome, play.outcome());
    EXPECT_EQ(d, "") << row.name() << "\n  kernel " << row.wire << "\n  weir   " << play.wire();
  }

  CloseCase key_;
  CloseScenario base_;
  std::string trouble_;
  std::vector<std::string> roles_;
};

struct Part {
  std::string_view order, queue;
};

class close_matrix : public testing::TestWithParam<Part> {};

TEST_P(close_matrix, as_recorded_from_the_kernel) {
  const auto rows = read_close_matrix(WEIR_GOLDEN "/close_matrix.tsv");
  const char* only = std::getenv("WEIR_CLOSE_CASE");  // one case alone: first/zero/close/linger5
  std::optional<Case> now;
  CloseCase key;
  u32 cases = 0;
  for (const CloseRow& row : rows) {
    if (row.key.order != GetParam().order || row.key.queue != GetParam().queue) continue;
    if (only != nullptr && row.key.name() != only) continue;
    if (!now || !(row.key == key)) {
      now.emplace(key = row.key);
      ++cases;
    }
    now->check(row);
  }
  if (only == nullptr) {
    EXPECT_EQ(cases, 25u);  // five ways to close at either end
  }
}

INSTANTIATE_TEST_SUITE_P(kernel, close_matrix,
                         testing::Values(Part{"first", "nothing"}, Part{"first", "some"}, Part{"first", "zero"}, Part{"first", "both"},
                                         Part{"simultaneous", "nothing"}, Part{"simultaneous", "some"}, Part{"simultaneous", "zero"},
                                         Part{"simultaneous", "both"}),
                         [](const auto& p) { return std::string(p.param.order) + "_" + std::string(p.param.queue); });

}  // namespace
}  // namespace weir::sim

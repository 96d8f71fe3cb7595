// tests/golden/close_matrix.tsv in memory: docs/close-matrix.md defines its columns.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace weir::sim::test {

struct CloseCase {
  std::string order, queue, a_action, b_action;
  [[nodiscard]] std::string name() const { return order + "/" + queue + "/" + a_action + "/" + b_action; }
  friend bool operator==(const CloseCase&, const CloseCase&) = default;
};

// The compared columns.
struct CloseOutcome {
  std::string a_calls, b_calls, a_bytes, b_bytes, a_states, b_states, a_final, b_final;
  friend bool operator==(const CloseOutcome&, const CloseOutcome&) = default;
};

struct CloseRow {
  CloseCase key;
  std::string lost, role, runs;  // role: which packet is lost, "-": none
  CloseOutcome outcome;
  std::string wire;
  [[nodiscard]] bool absent() const { return runs == "absent"; }
  [[nodiscard]] std::string name() const { return key.name() + " lost " + lost + " (" + role + ")"; }
};

inline std::vector<std::string> split(const std::string& line, char at) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

// The rows of a golden file without comments and heading.
inline std::vector<std::vector<std::string>> read_golden(const std::string& path, std::size_t columns) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::vector<std::vector<std::string>> rows;
  bool heading = true;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) continue;
    if (std::exchange(heading, false)) continue;
    rows.push_back(split(line, '\t'));
    if (rows.back().size() != columns) throw std::runtime_error(path + ": wrong number of columns in: " + line);
  }
  return rows;
}

inline std::vector<CloseRow> read_close_matrix(const std::string& path) {
  std::vector<CloseRow> rows;
  for (const auto& c : read_golden(path, 17))
    rows.push_back({{c[0], c[1], c[2], c[3]}, c[4], c[5], c[6], {c[7], c[8], c[9], c[10], c[11], c[12], c[13], c[14]}, c[16]});
  return rows;
}

}  // namespace weir::sim::test

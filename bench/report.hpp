// From samples to figures, and figures to lines: JSON for programs, a table for people.
#pragma once

#include <string>
#include <vector>

#include "bench/case.hpp"

namespace weir::bench {

// Median, least and greatest of the runs of one variant.
struct Figure {
  std::string case_name, variant, peer, unit;
  double value = 0, min = 0, max = 0, cpu_s = 0;
  u32 runs = 0;
  Better better = Better::higher;
  std::vector<std::string> against{};
  bool extra = false;  // beside the main one
};

// The main figure first, then the extras.
[[nodiscard]] std::vector<Figure> figures_of(const Case& c, const Variant& v, const std::string& peer, const std::vector<Sample>& samples);

[[nodiscard]] std::string json_line(const Figure& f);
// One line for each figure, with ratios to those of a peer that it is to be compared with.
[[nodiscard]] std::string table(const std::vector<Figure>& figures);

}  // namespace weir::bench

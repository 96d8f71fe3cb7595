// bench/report.hpp
#include "bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::bench {
namespace {

Figure figure_of(std::vector<double> values) {
  std::ranges::sort(values);
  const usize n = values.size();
  Figure f;
  f.value = n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  f.min = values.front();
  f.max = values.back();
  f.runs = static_cast<u32>(n);
  return f;
}

std::string ratio_text(const Figure& f, const std::vector<Figure>& all) {
  std::string text;
  for (const std::string& other : f.against) {
    const auto peer =
        std::ranges::find_if(all, [&](const Figure& p) { return p.peer != "weir" && p.case_name == f.case_name && p.variant == other; });
    if (peer == all.end() || peer->value <= 0 || f.value <= 0) continue;
    const double ratio = f.better == Better::higher ? f.value / peer->value : peer->value / f.value;
    text += fmt::format("{}{:.2f} x {} {}", text.empty() ? "" : "; ", ratio, peer->peer, peer->variant);
  }
  return text;
}

}  // namespace

std::vector<Figure> figures_of(const Case& c, const Variant& v, const std::string& peer, const std::vector<Sample>& samples) {
  std::vector<Figure> out;
  double cpu_s = 0;
  for (const Sample& s : samples) cpu_s += s.cpu_s;
  const auto add = [&](std::vector<double> values, const std::string& variant, const std::string& unit) {
    Figure f = figure_of(std::move(values));
    f.case_name = c.name;
    f.variant = variant;
    f.peer = peer;
    f.unit = unit;
    f.cpu_s = cpu_s;
    f.better = v.better;
    out.push_back(std::move(f));
  };
  std::vector<double> values;
  for (const Sample& s : samples) values.push_back(s.value);
  add(values, v.name, v.unit);
  out.front().against = v.against;
  for (const Extra& e : samples.front().extras) {
    values.clear();
    for (const Sample& s : samples)
      for (const Extra& x : s.extras)
        if (x.suffix == e.suffix) values.push_back(x.value);
    add(values, v.name + "," + e.suffix, e.unit);
    out.back().extra = true;
  }
  return out;
}

std::string json_line(const Figure& f) {
  return fmt::format(
      R"({{"case":"{}","variant":"{}","peer":"{}","value":{:.6g},"unit":"{}","runs":{},"min":{:.6g},"max":{:.6g},"cpu_s":{:.4g}}})",
      f.case_name, f.variant, f.peer, f.value, f.unit, f.runs, f.min, f.max, f.cpu_s);
}

std::string table(const std::vector<Figure>& figures) {
  std::string text;
  for (const Figure& f : figures) {
    const std::string name = f.extra ? "  " + f.variant : f.variant;
    text += fmt::format("{:<9} {:<34} {:<6} {:>11.5g} {:<13} ({:.5g} .. {:.5g}, {} runs)", f.case_name, name, f.peer, f.value, f.unit,
                        f.min, f.max, f.runs);
    if (const std::string ratio = ratio_text(f, figures); !ratio.empty()) text += "  " + ratio;
    text += '\n';
  }
  return text;
}

}  // namespace weir::bench

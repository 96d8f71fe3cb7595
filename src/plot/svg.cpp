// plot/svg.hpp
#include "plot/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weir::plot {
namespace {

constexpr std::string_view style_sheet =
    "text{font:11px sans-serif;fill:#333}.title{font-size:14px;font-weight:bold}.note{fill:#777}.end{text-anchor:end}"
    ".mid{text-anchor:middle}.frame{fill:none;stroke:#999}.grid{stroke:#e5e5e5;fill:none}path{fill:none;stroke-width:1.2}"
    ".sent{stroke:#2b6cb0}.again{stroke:#e53e3e;stroke-width:2}.received{stroke:#2b6cb0}.ack{stroke:#2f855a}.window{stroke:#b7791f}"
    ".sack{stroke:#805ad5;stroke-width:2}.lost{stroke:#e53e3e}.timer{stroke:#e53e3e;stroke-dasharray:3 3}.undone{stroke:#319795}"
    ".cwnd{stroke:#2b6cb0}.ssthresh{stroke:#e53e3e;stroke-dasharray:5 3}.flight{stroke:#a0aec0}.rtt{stroke:#d69e2e;stroke-width:2.5;"
    "stroke-linecap:round}.srtt{stroke:#975a16}.queue{stroke:#2b6cb0}.bytes{stroke:#a0aec0}.drop{stroke:#e53e3e;stroke-width:1.5}"
    ".loss{stroke:#805ad5;stroke-width:1.5}";

// A tenth of a pixel is fine enough for any line.
double rounded(double v) noexcept { return std::round(v * 10) / 10; }

std::string number(double v) {
  std::string s = fmt::format("{:.1f}", v == 0 ? 0.0 : v);  // no -0.0
  if (s.ends_with(".0")) s.resize(s.size() - 2);
  return s;
}

std::string time_text(double s, double step) {
  if (step >= 1) return fmt::format("{:.0f} s", s);
  if (step >= 0.1) return fmt::format("{:.1f} s", s);
  if (step >= 1e-3) return fmt::format("{:.0f} ms", s * 1e3);
  return fmt::format("{:.0f} us", s * 1e6);
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;  // XML knows no control characters
    }
  return out;
}

std::vector<double> ticks(const Range& range, u32 most) {
  const double span = range.high - range.low;
  if (!(span > 0) || most == 0) return {range.low};
  const double raw = span / most, power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double s : {1.0, 2.0, 5.0})
    if (s * power >= raw * (1 - 1e-9)) {
      step = s * power;
      break;
    }
  std::vector<double> all;
  const double first = std::ceil(range.low / step - 1e-9);
  // Counted, since far from 0 adding 1 may change nothing.
  for (u32 i = 0; i <= 2 * most && (first + i) * step <= range.high + step * 1e-9; ++i) all.push_back((first + i) * step);
  return all;
}

std::string short_number(double v) {
  const double size = std::abs(v);
  if (size >= 1e9) return fmt::format("{:.4g}G", v / 1e9);
  if (size >= 1e6) return fmt::format("{:.4g}M", v / 1e6);
  if (size >= 1e3) return fmt::format("{:.4g}k", v / 1e3);
  return fmt::format("{:.4g}", v == 0 ? 0.0 : v);
}

// -- Marks

void Marks::step(double t, double v) {
  ++points_;
  steps_.push_back({rounded(panel_.px(t)), rounded(panel_.py(v)), broken_});
  broken_ = false;
}

// A line goes on level until the value changes: only its corners are written.
void Marks::put_step(const Point& p) {
  if (p.starts) {
    end_level();
    data_ += "M" + number(p.x) + " " + number(p.y);
    corner_x_ = p.x;
  } else if (p.y != level_y_) {
    if (p.x != corner_x_) data_ += "H" + number(p.x);
    data_ += "V" + number(p.y);
    corner_x_ = p.x;
  }
  level_x_ = p.x, level_y_ = p.y;
}

void Marks::end_level() {
  if (level_x_ > corner_x_) data_ += "H" + number(level_x_);
  corner_x_ = level_x_;
}

// Of what lies in one column of half a pixel the first, the lowest, the highest and the last show all there is to see.
void Marks::flush_column(usize first, usize last) {
  usize low = first, high = first;
  for (usize i = first; i < last; ++i) {
    if (steps_[i].y < steps_[low].y) low = i;
    if (steps_[i].y > steps_[high].y) high = i;
  }
  usize keep[] = {first, std::min(low, high), std::max(low, high), last - 1};
  for (usize i = 0; i < 4; ++i)
    if (i == 0 || keep[i] != keep[i - 1]) put_step(steps_[keep[i]]);
}

bool Marks::again(double x, double y) noexcept {
  const bool same = x == last_x_ && y == last_y_;
  last_x_ = x, last_y_ = y;
  return same;
}

void Marks::flush_bar() {
  if (!has_bar_) return;
  has_bar_ = false;
  data_ += "M" + number(bar_x_) + " " + number(bar_bottom_) + "V" + number(std::min(bar_top_, bar_bottom_ - 1));
}

void Marks::bar(double t, double low, double high) {
  ++points_;
  const double x = rounded(panel_.px(t)), bottom = rounded(panel_.py(low)), top = rounded(panel_.py(high));
  if (has_bar_ && x - bar_x_ < 0.5 && bottom <= bar_bottom_ + 1 && bottom >= bar_top_ - 1) {  // goes on where the last one ended
    bar_top_ = std::min(bar_top_, top);
    bar_bottom_ = std::max(bar_bottom_, bottom);
    return;
  }
  flush_bar();
  has_bar_ = true;
  bar_x_ = x, bar_top_ = top, bar_bottom_ = bottom;
}

void Marks::dot(double t, double v) {
  ++points_;
  const double x = rounded(panel_.px(t)), y = rounded(panel_.py(v));
  if (!again(std::round(x), std::round(y))) data_ += "M" + number(x) + " " + number(y) + "h0";
}

void Marks::cross(double t, double v) {
  ++points_;
  const double x = rounded(panel_.px(t)), y = rounded(panel_.py(v));
  if (!again(std::round(x), std::round(y))) data_ += "M" + number(x - 3) + " " + number(y - 3) + "l6 6m0 -6l-6 6";
}

void Marks::rule(double t) {
  ++points_;
  const double x = rounded(panel_.px(t));
  if (!again(std::round(x), 0)) data_ += "M" + number(x) + " " + number(panel_.y) + "v" + number(panel_.height);
}

std::string Marks::data() {
  flush_bar();
  const auto column = [&](usize i) { return std::floor(steps_[i].x * 2); };
  for (usize i = 0; i < steps_.size();) {
    usize end = i + 1;
    while (end < steps_.size() && column(end) == column(i) && !steps_[end].starts) ++end;
    flush_column(i, end);
    i = end;
  }
  steps_.clear();
  end_level();
  return std::move(data_);
}

// -- Picture

Picture::Picture(u32 width, u32 height, std::string_view title) {
  body_ = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\">\n<title>{2}</title>\n<style>{3}</style>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
      width, height, escape(title), style_sheet);
  text(60, 22, "title", title);
}

void Picture::text(double x, double y, std::string_view style, std::string_view text) {
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\">{}</text>\n", number(x), number(y), style, escape(text));
}

void Picture::axes(const Panel& p, std::string_view value_name, bool time_labels) {
  const auto times = ticks(p.time, 10), values = ticks(p.value, 8);
  std::string grid;
  for (const double t : times) grid += "M" + number(rounded(p.px(t))) + " " + number(p.y) + "v" + number(p.height);
  for (const double v : values) grid += "M" + number(p.x) + " " + number(rounded(p.py(v))) + "h" + number(p.width);
  body_ += fmt::format("<path class=\"grid\" d=\"{}\"/>\n<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", grid,
                       number(p.x), number(p.y), number(p.width), number(p.height));
  for (const double v : values) text(p.x - 5, rounded(p.py(v)) + 4, "end", short_number(v));
  const double step = times.size() > 1 ? times[1] - times[0] : 1;
  if (time_labels)
    for (const double t : times) text(rounded(p.px(t)), p.y + p.height + 15, "mid", time_text(t, step));
  text(p.x, p.y - 6, "note", value_name);
  legend_x_ = p.x + 130, legend_y_ = p.y - 6;
}

void Picture::right_axis(const Panel& p, std::string_view value_name) {
  for (const double v : ticks(p.value, 8)) text(p.x + p.width + 5, rounded(p.py(v)) + 4, "note", short_number(v));
  text(p.x + p.width, p.y - 6, "note end", value_name);
}

void Picture::add(Marks& marks, std::string_view style, std::string_view name) {
  const u64 points = marks.points();
  if (points == 0) return;
  body_ +=
      fmt::format("<path class=\"{}\" data-points=\"{}\" d=\"{}\"><title>{}</title></path>\n", style, points, marks.data(), escape(name));
  body_ += fmt::format("<path class=\"{}\" d=\"M{} {}h14\"/>\n", style, number(legend_x_), number(legend_y_ - 4));
  text(legend_x_ + 18, legend_y_, "note", name);
  legend_x_ += 34 + 6 * static_cast<double>(name.size());
}

std::string Picture::finish() { return std::move(body_) + "</svg>\n"; }

}  // namespace weir::plot

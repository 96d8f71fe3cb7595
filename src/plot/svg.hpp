// Small parts that pictures are made of, as SVG: axes, step lines, bars, dots. What would lie on the same point of the picture is drawn
// once, so that a picture of a million events is no larger than its area can show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"

namespace weir::plot {

// "&" and its like as XML wants them, in text and attributes.
[[nodiscard]] std::string escape(std::string_view text);

// Values from low to high on a line.
struct Range {
  double low = 0, high = 1;
  void include(double v) noexcept {
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
};
// Round steps (1, 2, 5 times a power of ten), at most about `most` of them within the range.
[[nodiscard]] std::vector<double> ticks(const Range& range, u32 most);
// "1.5M", "20k", "0": a number of bytes or packets on an axis.
[[nodiscard]] std::string short_number(double v);

// A rectangle of the picture with a time axis (seconds) and a value axis.
struct Panel {
  double x = 0, y = 0, width = 0, height = 0;
  Range time, value;

  [[nodiscard]] double px(double t) const noexcept { return x + (t - time.low) / (time.high - time.low) * width; }
  [[nodiscard]] double py(double v) const noexcept { return y + height - (v - value.low) / (value.high - value.low) * height; }
  [[nodiscard]] Panel with(const Range& other) const noexcept {
    Panel p = *this;
    p.value = other;
    return p;
  }
};

// Marks of one kind in one panel: a path of the picture.
class Marks {
 public:
  explicit Marks(const Panel& panel) : panel_(panel) {}

  void step(double t, double v);           // a line that keeps its value until the next one
  void gap() noexcept { broken_ = true; }  // it has none for a while
  void bar(double t, double low, double high);
  void dot(double t, double v);
  void cross(double t, double v);
  void rule(double t);                     // over the whole height
  // How many were given, drawn or not.
  [[nodiscard]] u64 points() const noexcept { return points_; }
  // The "d" of the path.
  [[nodiscard]] std::string data();

 private:
  struct Point {
    double x, y;
    bool starts;
  };
  void flush_column(usize first, usize last);
  void put_step(const Point& p);
  void end_level();
  [[nodiscard]] bool again(double x, double y) noexcept;

  Panel panel_;
  std::string data_;
  std::vector<Point> steps_;
  u64 points_ = 0;
  double bar_x_ = -1, bar_top_ = 0, bar_bottom_ = 0, last_x_ = -1, last_y_ = -1;
  double corner_x_ = -1, level_x_ = -1, level_y_ = -1;  // the last corner written; as far as the line goes level from there
  bool broken_ = true, has_bar_ = false;
  void flush_bar();
};

class Picture {
 public:
  Picture(u32 width, u32 height, std::string_view title);
  // Frame, grid, both axes with their ticks and the name of the value.
  void axes(const Panel& panel, std::string_view value_name, bool time_labels);
  // Ticks of another value at the right edge.
  void right_axis(const Panel& panel, std::string_view value_name);
  void text(double x, double y, std::string_view style, std::string_view text);
  // style: a class of the picture's style sheet (svg.cpp). The name goes into the legend of the panel whose axes came last. Nothing
  // where there are no marks. data-points tells how many there are.
  void add(Marks& marks, std::string_view style, std::string_view name);
  [[nodiscard]] std::string finish();

 private:
  std::string body_;
  double legend_x_ = 0, legend_y_ = 0;
};

}  // namespace weir::plot

// plot/link_queue.hpp
#include "plot/link_queue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plot/svg.hpp"

namespace weir::plot {
namespace {

using What = QueueSample::What;

void draw(Picture& picture, const LinkQueues& link, const LinkDirection& d, const Panel& panel) {
  Marks queue(panel), drops(panel), losses(panel);
  u32 waiting = 0;
  for (const QueueSample& s : d.samples) {
    const double t = (s.at - link.reference).s();
    switch (s.what) {
      case What::length:
        queue.step(t, s.packets);
        waiting = s.packets;
        break;
      case What::dropped: drops.cross(t, s.packets); break;
      case What::lost: losses.cross(t, s.packets); break;
    }
  }
  if (queue.points() != 0) queue.step((link.end - link.reference).s(), waiting);
  picture.add(queue, "queue", "waiting");
  picture.add(drops, "drop", "dropped: queue full");
  picture.add(losses, "loss", "lost on the wire");
}

}  // namespace

std::string link_svg(const LinkQueues& link) {
  Picture picture(1000, 560, link.name);
  const Range time{0, std::max((link.end - link.reference).s(), 1e-6)};
  for (u32 i = 0; i < 2; ++i) {
    const LinkDirection& d = link.directions[i];
    Range packets{0, 1};
    for (const QueueSample& s : d.samples) packets.include(s.packets);
    packets.high *= 1.1;
    const Panel panel{.x = 60, .y = 70 + 245.0 * i, .width = 900, .height = 200, .time = time, .value = packets};
    picture.axes(panel, "frames", true);
    const std::string left_out = d.left_out != 0 ? fmt::format(" ({} changes left out)", d.left_out) : "";
    picture.text(panel.x + panel.width, panel.y - 6, "end", d.from + " > " + d.to + left_out);
    draw(picture, link, d, panel);
  }
  return picture.finish();
}

}  // namespace weir::plot

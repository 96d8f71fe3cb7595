// A simulated world is watched without being changed, and each connection is drawn once.
#include "plot/recorder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/sim/tcp_world.hpp"

namespace weir::plot {
namespace {

using sim::test::TcpWorld;
using tcp::Happened;

const sim::LinkConfig slow{.bits_per_second = 10'000'000, .delay = 5_ms, .queue_packets = 20};

struct Directory {
  Directory() : path(std::filesystem::temp_directory_path() / ("weir-plot-" + std::to_string(::getpid()))) {}
  ~Directory() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream in(path / name, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return std::move(out).str();
  }
  std::filesystem::path path;
};

u64 digest(bool watched) {
  TcpWorld w{5, slow};
  std::optional<Recorder> recorder;
  if (watched) recorder.emplace(w.world);
  w.transfer({.bytes = 200'000});
  EXPECT_EQ(w.finish(), "");
  return w.world.digest();
}

TEST(plot_recorder, watching_changes_nothing) { EXPECT_EQ(digest(true), digest(false)); }

TEST(plot_recorder, a_connection_is_seen_by_who_sends) {
  for (const bool upload : {true, false}) {
    TcpWorld w{5, slow};
    Recorder recorder(w.world);
    w.transfer({.bytes = upload ? 300'000u : 1'000u, .reply_bytes = upload ? 1'000u : 300'000u});
    EXPECT_EQ(w.finish(), "");
    const auto flows = recorder.take_flows();
    ASSERT_EQ(flows.size(), 1u);
    EXPECT_EQ(flows[0].netns, upload ? "client" : "server");
    EXPECT_EQ(flows[0].lost_events, 0u);
    const Payload p = payload_of(flows[0]);
    EXPECT_GE(p.sent, 300'000u);
    EXPECT_EQ(p.received, 1'000u);
    const auto& events = flows[0].events;
    EXPECT_TRUE(std::ranges::is_sorted(events, {}, [](const auto& e) { return e.at; }));
    const auto states = std::ranges::count_if(events, [](const auto& e) { return e.what == Happened::state; });
    EXPECT_GE(states, 3);
  }
}

TEST(plot_recorder, what_the_queue_dropped_is_what_the_link_counts) {
  TcpWorld w{5, {.bits_per_second = 2'000'000, .delay = 20_ms, .loss = 0.02, .queue_packets = 5}};
  Recorder recorder(w.world);
  w.transfer({.bytes = 300'000});
  EXPECT_EQ(w.finish(), "");
  const auto links = recorder.links();
  ASSERT_EQ(links.size(), 1u);
  for (u32 d = 0; d < 2; ++d) {
    const sim::PipeStats& s = w.link.pipe(d).stats();
    const auto count = [&](QueueSample::What what) {
      return static_cast<u64>(std::ranges::count_if(links[0].directions[d].samples, [&](const QueueSample& q) { return q.what == what; }));
    };
    EXPECT_EQ(count(QueueSample::What::dropped), s.queue_drops);
    EXPECT_EQ(count(QueueSample::What::lost), s.lost);
    u32 most = 0;
    for (const QueueSample& q : links[0].directions[d].samples) most = std::max(most, q.packets);
    EXPECT_EQ(most, s.queue_max_packets);
  }
  EXPECT_LT((links[0].end - Instant{}).s(), 60) << "the picture ends with the transfer, not with the world's last timer";
  EXPECT_GT(w.link.a_to_b().stats().queue_drops + w.link.a_to_b().stats().lost, 0u);
}

TEST(plot_recorder, files_for_every_connection_and_link_and_a_page_that_shows_them) {
  Directory d;
  TcpWorld w{5, slow};
  Recorder recorder(w.world);
  w.transfer({.bytes = 50'000});
  EXPECT_EQ(w.finish(), "");
  const auto wrote = recorder.write(d.path.string());
  ASSERT_TRUE(wrote) << wrote.error();
  const std::string index = d.text("index.html");
  u32 pictures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(d.path)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".svg")) continue;
    ++pictures;
    EXPECT_NE(index.find("src=\"" + name + "\""), std::string::npos) << name;
    EXPECT_TRUE(d.text(name).ends_with("</svg>\n")) << name;
  }
  EXPECT_EQ(pictures, 2u);
  EXPECT_FALSE(recorder.write("/dev/null/plots"));
}

TEST(plot_recorder, bounds_are_kept_and_told) {
  TcpWorld w{5, slow};
  Recorder recorder(w.world, {.events = 0, .samples = 10});
  w.transfer({.bytes = 1'000'000});
  EXPECT_EQ(w.finish(), "");
  const auto flows = recorder.take_flows();
  ASSERT_FALSE(flows.empty());
  EXPECT_GT(flows[0].lost_events, 0u);
  EXPECT_LE(flows[0].events.size(), 1'024u);
  const auto links = recorder.links();
  EXPECT_EQ(links[0].directions[0].samples.size(), 10u);
  EXPECT_GT(links[0].directions[0].left_out, 0u);
}

}  // namespace
}  // namespace weir::plot

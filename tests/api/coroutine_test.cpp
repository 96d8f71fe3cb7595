// Tasks, sleeping, time limits, both() and the life of frames.
#include "two_hosts.hpp"

namespace weir {
namespace {

using CoroutineTest = TwoHosts;

struct Mark {  // counts those that are alive
  explicit Mark(int& n) : n_(&n) { ++*n_; }
  Mark(Mark&& o) noexcept : n_(std::exchange(o.n_, nullptr)) {}
  Mark& operator=(Mark&&) = delete;
  ~Mark() {
    if (n_ != nullptr) --*n_;
  }
  int* n_;
};

Task<int> number(Host host, int n) {
  co_await host.sleep_for(1_s);
  co_return n;
}

Task<void> add(Host host, int& sum) {
  sum += co_await number(host, 3);
  sum += co_await number(host, 4);
}

TEST_F(CoroutineTest, a_task_awaits_another_and_time_is_virtual) {
  int sum = 0;
  a.spawn(add(a, sum));
  run(1500_ms);
  EXPECT_EQ(sum, 3);
  run(1_s);
  EXPECT_EQ(sum, 7);
}

Task<void> sleep_long(Host host, Mark) { co_await host.sleep_for(3600_s); }

TEST_F(CoroutineTest, what_has_not_ended_is_destroyed_with_the_executor) {
  int alive = 0;
  a.spawn(sleep_long(a, Mark(alive)));
  run(1_s);
  EXPECT_EQ(alive, 1);
  ea->end();
  EXPECT_EQ(alive, 0);
}

TEST_F(CoroutineTest, a_task_that_is_never_started_is_destroyed_too) {
  int alive = 0;
  {
    const Task<void> never = sleep_long(a, Mark(alive));
  }
  EXPECT_EQ(alive, 0);
}

Task<Result<int>> slow(Host host, Duration d, Mark) {
  co_await host.sleep_for(d);
  co_return 5;
}
Task<void> with_limit(Host host, Duration work, Duration limit, Mark mark, std::optional<Result<int>>& out) {
  out = co_await host.timeout(limit, slow(host, work, std::move(mark)));
}

TEST_F(CoroutineTest, timeout_lets_a_task_finish_that_is_fast_enough) {
  int alive = 0;
  std::optional<Result<int>> r;
  a.spawn(with_limit(a, 1_s, 2_s, Mark(alive), r));
  run(10_s);
  ASSERT_TRUE(r && *r);
  EXPECT_EQ(**r, 5);
  EXPECT_EQ(alive, 0);
}

TEST_F(CoroutineTest, timeout_destroys_a_task_that_is_not) {
  int alive = 0;
  std::optional<Result<int>> r;
  a.spawn(with_limit(a, 3_s, 2_s, Mark(alive), r));
  run(1_s);
  EXPECT_EQ(alive, 1);
  run(1_s);
  EXPECT_EQ(alive, 0);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->error(), Errc::timed_out);
}

Task<void> note(Host host, Duration d, std::string& log, char c) {
  co_await host.sleep_for(d);
  log.push_back(c);
}
Task<void> two_at_once(Host host, std::string& log) {
  co_await both(note(host, 2_s, log, 'b'), note(host, 1_s, log, 'a'));
  log.push_back('c');
}

TEST_F(CoroutineTest, both_runs_two_at_once_and_waits_for_both) {
  std::string log;
  a.spawn(two_at_once(a, log));
  run(1500_ms);
  EXPECT_EQ(log, "a");
  run(1_s);
  EXPECT_EQ(log, "abc");
}

Task<void> both_at_an_end(Host host, std::string& log) {
  co_await both(note(host, 0_s, log, 'a'), note(host, 0_s, log, 'b'));
  log.push_back('c');
}

TEST_F(CoroutineTest, both_of_two_that_need_not_wait) {
  std::string log;
  a.spawn(both_at_an_end(a, log));
  run(1_ms);
  EXPECT_EQ(log, "abc");
}

Task<int> throws(Host host) {
  co_await host.sleep_for(1_s);
  throw std::runtime_error("as planned");
}
Task<void> catches(Host host, std::string& what) {
  try {
    (void)co_await throws(host);
  } catch (const std::exception& e) {
    what = e.what();
  }
}

TEST_F(CoroutineTest, an_exception_goes_to_who_awaits) {
  std::string what;
  a.spawn(catches(a, what));
  run(2_s);
  EXPECT_EQ(what, "as planned");
}

}  // namespace
}  // namespace weir

// epoll(7): level and edge triggered, one-shot. An edge is what the socket table counts: data, room, a connection that came.
#include <fcntl.h>
#include <climits>

#include <algorithm>

#include "posix/file.hpp"

namespace weir::posix {
namespace {

constexpr u32 always = EPOLLERR | EPOLLHUP;
constexpr u32 outward = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
constexpr int deepest = 5;  // instances that watch instances

bool has_edges(const File& f) noexcept { return f.kind != FileKind::epoll; }

// Has something happened since it was told that this item wants to hear of?
bool new_edge(const EpollItem& item, const File& f, Edges edges) noexcept {
  if (item.fresh) return true;
  if (!has_edges(f)) return !item.was_ready;
  // Errors and hang-ups are edges inwards.
  return edges.in != item.seen.in || (edges.out != item.seen.out && (item.events & outward) != 0);
}

// What is to be told of this item now; 0: nothing.
u32 look(Shard& shard, EpollItem& item, File& f, bool take) {
  if (item.disarmed) return 0;
  const u32 events = events_of(shard, f) & (item.events | always);
  const Edges edges = edges_of(shard, f);
  if (events == 0) {
    if (take) item.fresh = item.was_ready = false, item.seen = edges;
    return 0;
  }
  if ((item.events & EPOLLET) != 0 && !new_edge(item, f, edges)) return 0;
  if (take) {
    item.fresh = false;
    item.was_ready = true;
    item.seen = edges;
    item.disarmed = (item.events & EPOLLONESHOT) != 0;
  }
  return events;
}

// Does `in`, through instances that it watches, watch `what`, or are there too many under one another?
bool loops(const File& in, const File& what, int depth) {
  if (&in == &what || depth > deepest) return true;
  return std::ranges::any_of(in.items, [&](const EpollItem& i) {
    const auto f = i.file.lock();
    return f && f->kind == FileKind::epoll && loops(*f, what, depth + 1);
  });
}

int add(File& epoll, int fd, const std::shared_ptr<File>& file, const epoll_event& event, bool exists) {
  if (exists) return EEXIST;
  if ((event.events & EPOLLEXCLUSIVE) != 0 && (file->kind == FileKind::epoll || (event.events & EPOLLONESHOT) != 0)) return EINVAL;
  if (file->kind == FileKind::epoll && loops(*file, epoll, 1)) return ELOOP;
  epoll.items.push_back({.fd = fd, .file = file, .events = event.events, .data = event.data.u64});
  return 0;
}

}  // namespace

Edges edges_of(Shard& shard, const File& f) {
  if (f.kind == FileKind::socket) {
    Edges e = shard.edges(f.sock);
    e.in += f.zero_copy.edges;
    return e;
  }
  return f.pipe ? f.pipe->edges : Edges{};
}

// Fills `out` and turns what was told behind the rest; with no room at all it only looks whether anything is ready.
i64 epoll_ready(Shard& shard, File& epoll, std::span<epoll_event> out) {
  std::erase_if(epoll.items, [](const EpollItem& i) { return i.file.expired(); });
  const bool take = !out.empty();
  usize n = 0;
  std::vector<EpollItem> told;
  for (usize i = 0; i < epoll.items.size();) {
    EpollItem& item = epoll.items[i];
    const u32 events = look(shard, item, *item.file.lock(), take);
    if (events != 0 && !take) return 1;
    if (events == 0) {
      ++i;
      continue;
    }
    out[n].events = events;
    out[n].data.u64 = item.data;
    told.push_back(item);
    epoll.items.erase(epoll.items.begin() + static_cast<std::ptrdiff_t>(i));
    if (++n == out.size()) break;
  }
  epoll.items.insert(epoll.items.end(), told.begin(), told.end());
  return static_cast<i64>(n);
}

Outcome Process::epoll_create(int flags, Instant now) {
  last_ = now;
  if ((flags & ~EPOLL_CLOEXEC) != 0) return failed(EINVAL);
  auto file = std::make_shared<File>();
  file->kind = FileKind::epoll;
  file->status = O_RDWR;
  return install(std::move(file), (flags & EPOLL_CLOEXEC) != 0);
}

Outcome Process::epoll_ctl(int epoll_fd, int operation, int fd, epoll_event* event, Instant now) {
  last_ = now;
  if (operation != EPOLL_CTL_DEL && is_bad(event)) return failed(EFAULT);
  File* epoll = find(epoll_fd);
  File* f = find(fd);
  if (epoll == nullptr || f == nullptr) return failed(EBADF);
  if (epoll == f || epoll->kind != FileKind::epoll) return failed(EINVAL);
  auto& items = epoll->items;
  const auto same = [&](const EpollItem& i) { return i.fd == fd && i.file.lock().get() == f; };
  const auto item = std::ranges::find_if(items, same);
  switch (operation) {
    case EPOLL_CTL_ADD: {
      const int error = add(*epoll, fd, slots_[static_cast<usize>(fd) - first_fd].file, *event, item != items.end());
      return error != 0 ? failed(error) : Outcome{};
    }
    case EPOLL_CTL_DEL:
      if (item == items.end()) return failed(ENOENT);
      items.erase(item);
      return {};
    case EPOLL_CTL_MOD:
      if (item == items.end()) return failed(ENOENT);
      if (((item->events | event->events) & EPOLLEXCLUSIVE) != 0) return failed(EINVAL);
      item->events = event->events;
      item->data = event->data.u64;
      item->fresh = true;
      item->disarmed = false;
      return {};
    default: return failed(EINVAL);
  }
}

Outcome Process::epoll_wait(int epoll_fd, epoll_event* events, int most, Instant now) {
  last_ = now;
  if (most <= 0 || most > INT_MAX / static_cast<int>(sizeof(epoll_event))) return failed(EINVAL);
  if (is_bad(events)) return failed(EFAULT);
  File* epoll = find(epoll_fd);
  if (epoll == nullptr) return failed(EBADF);
  if (epoll->kind != FileKind::epoll) return failed(EINVAL);
  return {epoll_ready(shard_, *epoll, {events, static_cast<usize>(most)}), 0, false};
}

}  // namespace weir::posix

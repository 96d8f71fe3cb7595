// apps/file_root.hpp
#include "apps/file_root.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace weir::apps {
namespace {

constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;  // a FIFO must not hold us up

Errc last_error() noexcept {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG: return Errc::not_found;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EXDEV:
    case ENXIO: return Errc::permission_denied;
    default: return from_errno(errno);
  }
}

// The kernel resolves the path and refuses what leads outside, links included (Linux 5.6).
int open_beneath(int root, const char* path) noexcept {
  open_how how{};
  how.flags = flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

// Without openat2: part by part, and no links at all.
int walk_beneath(int root, std::string_view path) noexcept {
  io::Fd at(::fcntl(root, F_DUPFD_CLOEXEC, 0));
  while (at && !path.empty()) {
    const usize slash = std::min(path.find('/'), path.size());
    const std::string part(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      errno = EXDEV;
      return -1;
    }
    at.reset(::openat(at.get(), part.c_str(), flags | O_NOFOLLOW));
  }
  return at.take();
}

}  // namespace

Result<FileRoot> FileRoot::open(const std::string& directory) {
  io::Fd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail(errno == ENOTDIR ? Errc::not_supported : last_error());
  return FileRoot(std::move(root));
}

Result<File> FileRoot::open_file(std::string_view path) const {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const std::string relative = path.empty() ? "." : std::string(path);
  File f;
  f.fd.reset(open_beneath(root_.get(), relative.c_str()));
  if (!f.fd && (errno == ENOSYS || errno == EPERM)) f.fd.reset(walk_beneath(root_.get(), relative));
  struct stat s{};
  if (!f.fd || ::fstat(f.fd.get(), &s) != 0) return fail(last_error());
  if (!S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode)) return fail(Errc::permission_denied);
  f.is_directory = S_ISDIR(s.st_mode);
  f.size = static_cast<u64>(s.st_size);
  f.modified_s = s.st_mtim.tv_sec;
  return f;
}

Result<std::vector<FileRoot::Entry>> FileRoot::list(const File& directory) {
  io::Fd opened(::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int fd = opened.get();
  const auto close = [](DIR* d) { ::closedir(d); };
  const std::unique_ptr<DIR, decltype(close)> dir(fd >= 0 ? ::fdopendir(fd) : nullptr);
  if (dir == nullptr) return fail(last_error());
  (void)opened.take();  // the stream's now
  std::vector<Entry> entries;
  while (const dirent* e = ::readdir(dir.get())) {
    Entry entry{e->d_name};
    struct stat s{};
    if (entry.name == "." || entry.name == ".." || ::fstatat(fd, e->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0) continue;
    entry.is_directory = S_ISDIR(s.st_mode);
    entry.size = static_cast<u64>(s.st_size);
    entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

}  // namespace weir::apps

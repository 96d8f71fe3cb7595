// A directory that files are served from, and nothing outside it: not by "..", not by links.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "io/fd.hpp"

namespace weir::apps {

struct File {
  io::Fd fd;
  bool is_directory = false;
  u64 size = 0;
  i64 modified_s = 0;  // since 1970
};

class FileRoot {
 public:
  // not_found, permission_denied, not_supported (not a directory), ...
  [[nodiscard]] static Result<FileRoot> open(const std::string& directory);
  // `path` is relative or begins with '/', which means the root. Regular files and directories only: permission_denied
  // otherwise, and for all that would lead outside.
  [[nodiscard]] Result<File> open_file(std::string_view path) const;
  struct Entry {
    std::string name;
    bool is_directory = false;
    u64 size = 0;
  };
  [[nodiscard]] static Result<std::vector<Entry>> list(const File& directory);  // sorted, without "." and ".."

 private:
  explicit FileRoot(io::Fd root) noexcept : root_(std::move(root)) {}
  io::Fd root_;
};

}  // namespace weir::apps

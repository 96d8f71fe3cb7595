#!/usr/bin/env bash
# ./dev lint: formatting, clang-tidy, layer rules, generated pages, shell scripts. All are run; any finding gives exit status 1.
# usage: tools/lint.sh [FILE...]    only these C++ files; without any, all of them
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
export PATH=$PATH:/usr/sbin
status=0
step() { # step WHAT COMMAND...
  printf '== %s\n' "$1" >&2
  "${@:2}" || { status=1; printf '== FAILED: %s\n' "$1" >&2; }
}

if [ $# -gt 0 ]; then
  files=("$@")
else
  dirs=()
  for d in src include tests bench examples; do [ -d "$d" ] && dirs+=("$d"); done
  mapfile -t files < <(find "${dirs[@]}" -name '*.cpp' -o -name '*.hpp' -o -name '*.h' | sort)
fi
patterns=() # what run-clang-tidy takes: one for each source file of the compilation database
for f in "${files[@]}"; do [[ $f == src/*.cpp ]] && patterns+=("^$PWD/$f\$"); done

tidy() {
  cmake --preset lint >/dev/null || return 1
  [ ${#patterns[@]} -eq 0 ] || run-clang-tidy-19 -quiet -p build/lint "${patterns[@]}" 2>/dev/null
}

step 'clang-format' clang-format-19 --dry-run -Werror "${files[@]}"
step 'layers and sizes' python3 tools/check_layers.py
step 'docs/rfc is up to date' python3 tools/rfc_matrix.py --check
step 'docs/mission.md is up to date' python3 tools/mission.py --check
step 'shell scripts' shellcheck -S warning dev .ci/run tools/*.sh tools/completion/weir.bash
step 'clang-tidy' tidy
exit $status

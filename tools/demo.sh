#!/usr/bin/env bash
# ./dev demo: weir's main job on real input. In a network namespace of its own, weir serves a file over a TAP device;
# the kernel's ping and curl are its clients; `weir capture` records the beginning and tshark judges it.
# usage: tools/demo.sh [WEIR_BINARY]     exit status 0: all held; 1: something did not
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
weir=$(readlink -f "${1:-build/release/weir}")
[ -x "$weir" ] || { echo "demo: no weir binary at ${1:-build/release/weir}: run ./dev build" >&2; exit 2; }
mib=${WEIR_DEMO_MIB:-1024}
ns=weir-demo-$$
server=
tmp=
failures=0

say() { printf '\n== %s\n' "$*"; }
held() { printf 'ok    %s\n' "$*"; }
broke() { failures=$((failures + 1)); printf 'FAIL  %s\n' "$*"; }
in_ns() { ip netns exec "$ns" "$@"; }

cleanup() {
  local signal
  for signal in TERM KILL; do
    # shellcheck disable=SC2046  # process ids
    kill -s $signal $(jobs -p) $(ip netns pids "$ns" 2>/dev/null) 2>/dev/null && sleep 0.3
  done
  wait 2>/dev/null
  ip netns del "$ns" 2>/dev/null
  [ -z "$tmp" ] || rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- without root -----------------------------------------------------------------------------------------------

rootless() { # rootless WHY
  say "not shown: weir serving the kernel's curl over a TAP device. $1"
  say "instead, two hosts and a link in virtual time: weir sim examples/two-hosts.toml"
  "$weir" sim examples/two-hosts.toml || exit 1
  exit 0
}

[ "$(id -u)" = 0 ] || rootless "It needs root (a network namespace and a TAP device): run ./dev demo as root."
[ -w /dev/net/tun ] || rootless "There is no usable /dev/net/tun: mkdir -p /dev/net && mknod /dev/net/tun c 10 200, or start the container with --device /dev/net/tun."
ip netns add "$ns" 2>/dev/null || rootless "This root may not create network namespaces (a container without CAP_SYS_ADMIN?)."
ip -n "$ns" link set lo up

# --- the file ---------------------------------------------------------------------------------------------------

free_mib() { df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
for dir in "${TMPDIR:-/tmp}" /var/tmp "$PWD/build"; do
  if [ "$(free_mib "$dir")" -gt $((mib + 256)) ] 2>/dev/null; then tmp=$(mktemp -d "$dir/weir-demo.XXXXXX"); break; fi
done
[ -n "$tmp" ] || { echo "demo: no room for a file of $mib MiB in ${TMPDIR:-/tmp}, /var/tmp or build: WEIR_DEMO_MIB=64 ./dev demo takes less" >&2; exit 1; }
mkdir "$tmp/root"
say "a file of $mib MiB of random bytes"
want=$(head -c $((mib << 20)) /dev/urandom | tee "$tmp/root/big.bin" | sha256sum | cut -d' ' -f1)
echo "sha256 $want"

# --- the server -------------------------------------------------------------------------------------------------

url=http://10.77.0.2/big.bin
set -- serve http --device tap:weir0,host=10.77.0.1/24 --address 10.77.0.2/24 --port 80 --root "$tmp/root"
say "weir $*"
ip netns exec "$ns" "$weir" "$@" >"$tmp/server.out" 2>"$tmp/server.err" &
server=$!

server_ready() {
  for _ in $(seq 100); do
    grep -qx ready "$tmp/server.err" && return 0
    kill -0 "$server" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}
if server_ready; then held "it is ready, process $server"; else
  broke "the server did not get ready:"
  cat "$tmp/server.err"
  exit 1
fi
control=/run/weir/$server.sock
[ -S "$control" ] || control=${XDG_RUNTIME_DIR:-/run}/weir/$server.sock

say "the kernel's end"
in_ns ip -br addr show weir0
if in_ns ping -c 3 -i 0.2 10.77.0.2; then held "ping"; else broke "ping"; fi

# --- the download -----------------------------------------------------------------------------------------------

say "weir capture --at $control -w demo.pcapng --count 2000 --duration 20"
"$weir" capture --at "$control" -w "$tmp/demo.pcapng" --count 2000 --duration 20 2>"$tmp/capture.err" &
capture=$!
for _ in $(seq 20); do [ -s "$tmp/demo.pcapng" ] && break; sleep 0.1; done

rate() { # of the speed that curl wrote into the file named: bytes/s
  awk '{ printf "%.2f Gbit/s, %.2f s", $1 * 8 / 1e9, $2 }' "$1"
}
fetch() { # fetch TIMES_FILE: the body to stdout
  in_ns curl -sS --fail --max-time 600 -w '%{stderr}%{speed_download} %{time_total}\n' "$url" 2>"$1"
}
say "curl $url | sha256sum"
fetch "$tmp/first" | sha256sum >"$tmp/got" &
download=$!
sleep 0.3
"$weir" ss --at "$control" >"$tmp/ss" 2>&1 || broke "weir ss"
wait "$download"
if [ "$(cut -d' ' -f1 "$tmp/got")" = "$want" ]; then held "$mib MiB arrived intact: $(rate "$tmp/first") with sha256sum and the capture beside it"; else
  broke "what arrived is not what was served: sha256 $(cut -d' ' -f1 "$tmp/got")"
  cat "$tmp/first"
fi
if fetch "$tmp/second" >/dev/null; then held "once more, to /dev/null: $(rate "$tmp/second")"; else
  broke "the second download"
  cat "$tmp/second"
fi
wait "$capture" || { broke "weir capture"; cat "$tmp/capture.err"; }

say "weir ss, while the first download ran"
cat "$tmp/ss"
say "weir stat"
"$weir" stat --at "$control" || broke "weir stat"

# --- the capture ------------------------------------------------------------------------------------------------

read_capture() { # tshark with every checksum looked at, and bodies left alone
  tshark -r "$tmp/demo.pcapng" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
    -o tcp.desegment_tcp_streams:FALSE --disable-protocol http "$@" 2>"$tmp/tshark.err" ||
    { broke "tshark $*"; cat "$tmp/tshark.err"; }
}
say "the capture, as tshark sees it: the handshake and the first data"
read_capture -Y tcp -c 200 >"$tmp/packets"
head -n 8 "$tmp/packets"
say "conversations"
read_capture -q -z conv,tcp
frames=$(read_capture -T fields -e frame.number | wc -l)
ours=$(read_capture -Y 'ip.src == 10.77.0.2' -T fields -e frame.number | wc -l)
malformed=$(read_capture -Y '_ws.malformed' | tee "$tmp/malformed" | wc -l)
bad=$(read_capture -Y 'ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0' |
  tee "$tmp/bad" | wc -l)
if [ "$frames" -gt 100 ] && [ "$ours" -gt 50 ]; then held "$frames packets captured, $ours of them weir's"; else
  broke "too few packets captured: $frames, $ours of them weir's"
fi
if [ "$malformed" = 0 ]; then held "none malformed"; else broke "$malformed malformed:"; head -n 5 "$tmp/malformed"; fi
if [ "$bad" = 0 ]; then held "no bad checksum"; else broke "$bad bad checksums:"; head -n 5 "$tmp/bad"; fi

# --- the end ----------------------------------------------------------------------------------------------------

say "SIGTERM to the server"
kill -TERM "$server"
for _ in $(seq 30); do kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
if kill -0 "$server" 2>/dev/null; then broke "it still runs after 3 s"; elif wait "$server"; then held "it ended with status 0"; else
  broke "it ended with status $?:"
  tail -n 5 "$tmp/server.err"
fi
if ip -n "$ns" link show weir0 >/dev/null 2>&1; then broke "its TAP device is still there"; else held "its TAP device is gone"; fi

if [ "$failures" = 0 ]; then
  say "$mib MiB served to curl intact at $(rate "$tmp/second"); tshark found no malformed packet and no bad checksum in $frames"
else
  say "$failures of the checks above failed"
  exit 1
fi

# bash completion for weir: verbs, their options, and the values that can be known.
# shellcheck shell=bash disable=SC2207

_weir_verbs='serve get ping nc up sim drill capture trace-tcp stat ss bench demo'
_weir_net='--device --address --gateway --dns --mac --mtu --vlan --net'

_weir_options() { # _weir_options VERB: what may follow it
  case $1 in
    serve) echo "$_weir_net --port --root" ;;
    get) echo "$_weir_net --output" ;;
    ping) echo "$_weir_net --count --interval --size --timeout --json" ;;
    nc) echo "$_weir_net --udp" ;;
    sim) echo "--for --seed --pcap --plot --json" ;;
    drill) echo "--jobs --verbose --json --profile --family --mtu --local --remote --gateway --tolerance-usecs --define --strict-end --ignore-missing --seed" ;;
    capture) echo "--at --count --duration --snap --netns --interface -w" ;;
    trace-tcp) echo "--at --connection --port --netns --for --json --svg" ;;
    stat) echo "--at --all --json" ;;
    ss) echo "--at --json" ;;
    bench) echo "--list --vs --json --runs --ms --variant --quick" ;;
  esac
  echo --help
}

_weir_bench_cases() { "$1" bench --list 2>/dev/null | awk 'NF { print $1 }' | sort -u; }

_weir() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
  local words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$_weir_verbs --help --version --completion" -- "$word"))
    return
  fi
  case $before in
    --root | --pcap | --plot)
      COMPREPLY=($(compgen -d -- "$word"))
      return ;;
    --net | --output | --svg | -w)
      COMPREPLY=($(compgen -f -- "$word"))
      return ;;
    --at)
      COMPREPLY=($(compgen -W "$(echo /run/weir/*.sock "${XDG_RUNTIME_DIR:-/run}"/weir/*.sock)" -X '*\*.sock' -- "$word"))
      return ;;
    --vs)
      COMPREPLY=($(compgen -W 'linux' -- "$word"))
      return ;;
    --profile)
      COMPREPLY=($(compgen -W 'linux rfc' -- "$word"))
      return ;;
    --family)
      COMPREPLY=($(compgen -W 'ipv4 ipv6 ipv4-mapped' -- "$word"))
      return ;;
    --device)
      COMPREPLY=($(compgen -W 'tap: tun: packet: pcap: loopback' -- "$word"))
      return ;;
    --address | --port | --count | --interval | --size | --timeout | --snap | --netns | --interface | --connection | --duration | --for | --seed | --runs | --ms | --variant | --gateway | --dns | --mac | --mtu | --vlan | --jobs | --local | --remote | --tolerance-usecs | --define) return ;;
  esac
  case $word in
    -*) words=$(_weir_options "$verb") ;;
    *)
      case $verb in
        serve) words='http echo discard chargen' ;;
        bench) words=$(_weir_bench_cases "${COMP_WORDS[0]}") ;;
        demo) words='handshake states routes buffers timers' ;;
        drill)
          COMPREPLY=($(compgen -f -X '!*.pkt' -- "$word") $(compgen -d -- "$word"))
          return ;;
        up | sim)
          COMPREPLY=($(compgen -f -X '!*.toml' -- "$word") $(compgen -d -- "$word"))
          return ;;
      esac
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _weir weir

# Background processes: one pid file and one log each.
# shellcheck shell=sh

run_dir=$state/run

# Sockets' paths may have 107 bytes, so they live in a short directory of our own, not in the
# checkout. Its name is kept, because XDG_RUNTIME_DIR comes and goes with log-ins.
make_socket_dir() {
  if [ ! -s "$state/socket-dir" ]; then
    short=qm-$(id -u)-$(printf '%s' "$root" | cksum | cut -d' ' -f1)
    if [ -n "${XDG_RUNTIME_DIR:-}" ] && [ -w "$XDG_RUNTIME_DIR" ] && [ "${#XDG_RUNTIME_DIR}" -le 60 ]; then
      echo "$XDG_RUNTIME_DIR/$short" >"$state/socket-dir"
    else
      echo "/tmp/$short" >"$state/socket-dir"
    fi
  fi
  sockets=$(cat "$state/socket-dir")
  mkdir -m 700 "$sockets" 2>/dev/null || true
  # In /tmp somebody else may have made it before us.
  [ ! -L "$sockets" ] && [ "$(stat -c '%u %a' "$sockets" 2>/dev/null)" = "$(id -u) 700" ] ||
    fail "$sockets is not ours alone. Remove it, or delete $state/socket-dir and set XDG_RUNTIME_DIR."
}

# When the process began, in clock ticks since boot: with the id it names a process for good. One
# that has ended counts as gone even where nobody collects it, as in a container without an init.
process_began() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# running_pid NAME: prints the process id if the process that we started still runs.
running_pid() {
  [ -s "$run_dir/$1.pid" ] || return 1
  read -r pid began _ <"$run_dir/$1.pid"
  [ -n "$began" ] && [ "$(process_began "$pid")" = "$began" ] && echo "$pid"
}

# What a process was started from: its program and its settings.
stamp_of() { # PROGRAM [FILE]
  { stat -L -c '%s %Y' "$1" && { [ $# -lt 2 ] || cat "$2"; }; } | cksum | tr ' ' '-'
}

# stamp_running NAME: what the running process was started from.
stamp_running() { cut -d' ' -f3 "$run_dir/$1.pid" 2>/dev/null; }

# start_process NAME STAMP COMMAND…: starts it in a session of its own, so that it outlives us.
start_process() {
  name=$1
  stamp=$2
  shift 2
  mkdir -p "$run_dir"
  printf -- '-- started %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$logs/$name.log"
  setsid "$@" >>"$logs/$name.log" 2>&1 </dev/null &
  echo "$! $(process_began $!) $stamp" >"$run_dir/$name.pid"
}

# stop_process NAME SECONDS: asks it to end; after that time ends it and says so.
stop_process() {
  pid=$(running_pid "$1") || {
    rm -f "$run_dir/$1.pid"
    return 0
  }
  began_stop=$(now_ms)
  kill -TERM "$pid" 2>/dev/null || true
  while running_pid "$1" >/dev/null; do
    if [ $(($(now_ms) - began_stop)) -gt $(($2 * 1000)) ]; then
      complain "$1 (process $pid) did not end within $2 s of being asked; killed."
      kill -KILL "$pid" 2>/dev/null || true
      sleep 0.2
      break
    fi
    sleep 0.05
  done
  rm -f "$run_dir/$1.pid"
  printf '  %-14s stopped in %s\n' "$1" "$(duration $(($(now_ms) - began_stop)))"
}

# wait_until SECONDS NAME COMMAND…: repeats the command until it succeeds; gives up when the time
# is over or the named process has ended, and shows the end of its log.
wait_until() {
  seconds=$1
  waited_for=$2
  shift 2
  wait_began=$(now_ms)
  until "$@" >/dev/null 2>&1; do
    if ! running_pid "$waited_for" >/dev/null; then
      printf '%s ended while starting; its last lines:\n' "$waited_for"
      tail -n 15 "$logs/$waited_for.log"
      return 1
    fi
    if [ $(($(now_ms) - wait_began)) -gt $((seconds * 1000)) ]; then
      printf '%s is not ready after %s s; its last lines:\n' "$waited_for" "$seconds"
      tail -n 15 "$logs/$waited_for.log"
      return 1
    fi
    sleep 0.1
  done
}

# True if something listens on the port, on any address.
is_port_taken() {
  hex=$(printf '%04X' "$1")
  awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# check_port PORT VARIABLE NAME: the port must be free, or be held by our own process.
check_port() {
  running_pid "$3" >/dev/null && return 0
  ! is_port_taken "$1" ||
    fail "Port $1 is taken by another program. Stop it, or choose another port: $2=NUMBER ./quartermaster up"
}

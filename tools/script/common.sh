# What every verb needs: where things are, how to say things, steps with their time.
# shellcheck shell=sh

state=$root/.quartermaster
logs=$state/log
build_dir=$root/build/dev

# Least free disk space for a build with its tests, in MiB.
disk_free_mib_min=3072

say() { printf '%s\n' "$*"; }
complain() { printf 'quartermaster: %s\n' "$*" >&2; }

# Ends the run with a plain word on what to do.
fail() {
  complain "$@"
  exit 1
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# Milliseconds as people read them: 0.4 s, 41 s, 3 min 12 s.
duration() {
  if [ "$1" -lt 10000 ]; then
    printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100))
  elif [ "$1" -lt 120000 ]; then
    printf '%d s' $(($1 / 1000))
  else
    printf '%d min %d s' $(($1 / 60000)) $(($1 / 1000 % 60))
  fi
}

make_state() {
  mkdir -p "$state" "$logs" 2>/dev/null ||
    fail "Cannot write to $root. Run the script as the owner of the checkout."
  chmod 700 "$state"
}

check_disk() {
  free_mib=$(df -Pm "$root" | awk 'NR == 2 { print $4 }')
  [ "$free_mib" -ge "$disk_free_mib_min" ] ||
    fail "The disk is full: $free_mib MiB free at $root, $disk_free_mib_min MiB needed. Make room and run it again."
}

# Says every ten seconds, after a minute every thirty, how far the log has come, for as long as the
# script lives.
tick() {
  tick_pause=10
  tick_count=0
  while sleep "$tick_pause" >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    tick_line=$(tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | sed -n '/[^ ]/h;${g;p;}' | cut -c1-100)
    printf '    … %s  %s\n' "$(duration $(($(now_ms) - $2)))" "$tick_line"
    tick_count=$((tick_count + 1))
    [ "$tick_count" -lt 6 ] || tick_pause=30
  done
}

# step TITLE COMMAND…
#
# Runs the command with its output in a log, shows progress and at the end the time it took. When
# it fails, shows the end of the log and returns the command's status. Callers may test that
# status, and then the shell ignores `set -e` inside: a function given here joins its commands
# with && or returns by itself.
step() {
  step_title=$1
  shift
  step_log=$logs/$(printf '%s' "$step_title" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-').log
  step_began=$(now_ms)
  printf '  %s\n' "$step_title"
  : >"$step_log"
  tick "$step_log" "$step_began" </dev/null 2>/dev/null &
  ticker=$!
  step_status=0
  ("$@") >"$step_log" 2>&1 </dev/null || step_status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if [ "$step_status" -eq 0 ]; then
    printf '    done in %s\n' "$(duration $(($(now_ms) - step_began)))"
    return 0
  fi
  printf '    FAILED after %s; the end of %s:\n' "$(duration $(($(now_ms) - step_began)))" "$step_log"
  tail -n 25 "$step_log" | sed 's/^/    | /'
  explain_failure "$step_log"
  return "$step_status"
}

# Adds a plain word where the log shows a cause that a person can mend.
explain_failure() {
  if grep -qiE 'no space left on device|errno: 28|disk full' "$1"; then
    complain "The disk is full. Make room and run it again."
  elif grep -qiE 'killed signal|virtual memory exhausted|cc1plus.*killed' "$1"; then
    complain "The compiler was killed, most likely for lack of memory: 2 GiB per core are needed."
  elif grep -qiE 'temporary failure resolving|could not resolve|unable to fetch|failed to fetch' "$1"; then
    complain "The Debian mirror cannot be reached. Check the network and run it again."
  elif grep -qiE 'unable to locate package' "$1"; then
    complain "A package is unknown here. Debian 12 (bookworm) is needed; see /etc/os-release."
  fi
}

. tools/script/install.sh
. tools/script/build.sh

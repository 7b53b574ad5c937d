# Drills: proofs that take too long for `test`. Each is a file tools/script/drill-<name>.sh.
# shellcheck shell=sh

drill=${1:-}
[ $# -eq 0 ] || shift
if [ "$drill" = --list ] || [ -z "$drill" ]; then
  for file in tools/script/drill-*.sh; do
    drill_name=${file##*/drill-}
    printf '%-16s %s\n' "${drill_name%.sh}" "$(sed -n '1s/^# //p' "$file")"
  done
  exit 0
fi
[ -f "tools/script/drill-$drill.sh" ] || fail "There is no drill '$drill'; ./quartermaster drill --list names them."

# Who interrupts a drill may tell this process alone, and a shell hears of it only when the program it
# waits for has ended. So the drill runs in a session of its own, and this process, which only waits
# for it, passes the word on to all that is in it. What ends with its parent instead says so.
if [ -z "${QM_DRILL_IN_SESSION:-}" ]; then
  drill_session=''
  end_drill() { # EXIT_CODE
    trap '' HUP INT TERM
    kill -s TERM -- "-$drill_session" || true
    wait "$drill_session" || true
    complain "The drill was interrupted; what it had started was told to end."
    exit "$1"
  }
  trap 'end_drill 129' HUP
  trap 'end_drill 130' INT
  trap 'end_drill 143' TERM
  # What a shell starts in the background ignores SIGINT, and so would all beneath it.
  QM_DRILL_IN_SESSION=1 setsid env --default-signal=INT,QUIT "$root/quartermaster" drill "$drill" "$@" &
  drill_session=$!
  drill_status=0
  wait "$drill_session" || drill_status=$?
  exit "$drill_status"
fi
. "tools/script/drill-$drill.sh"

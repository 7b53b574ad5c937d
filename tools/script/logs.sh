# Shows logs.
# shellcheck shell=sh
if [ $# -eq 0 ]; then
  for log in "$logs"/*.log; do
    [ -s "$log" ] || continue
    say "== ${log##*/}"
    tail -n 10 "$log"
  done
  exit 0
fi
case $1 in
  -f | --follow)
    for log in "$logs"/*.log; do
      [ -f "$log" ] || fail "There are no logs yet."
    done
    exec tail -n 10 -f "$logs"/*.log
    ;;
esac
log=$logs/$1.log
if [ ! -f "$log" ]; then
  complain "There is no log '$1'. There are:"
  for log in "$logs"/*.log; do
    [ ! -f "$log" ] || basename "$log" .log
  done
  exit 1
fi
case ${2:-} in
  -f | --follow) exec tail -n 50 -f "$log" ;;
  *) exec cat "$log" ;;
esac

# Stops everything, last started first.
# shellcheck shell=sh
. tools/script/processes.sh
. tools/script/services.sh

wipe=no
case ${1:-} in
  '') ;;
  --wipe) wipe=yes ;;
  *)
    complain "down takes --wipe or nothing."
    exit 2
    ;;
esac

last_first=
for name in $services; do last_first="$name $last_first"; done
# Longer than the drain time of the programs, which end by themselves.
for name in $last_first; do stop_process "$name" 50; done
stop_process mariadb 60
if [ -s "$state/socket-dir" ]; then
  sockets=$(cat "$state/socket-dir")
  rm -f "$sockets/db.sock" "$sockets/db.pid" "$state/socket-dir"
  rmdir "$sockets" 2>/dev/null || true
fi
if [ "$wipe" = yes ]; then
  rm -rf --one-file-system "$state"
  say "  The data is deleted."
fi

# Stops everything, last started first.
# shellcheck shell=sh
. tools/script/processes.sh

wipe=no
case ${1:-} in
  '') ;;
  --wipe) wipe=yes ;;
  *)
    complain "down takes --wipe or nothing."
    exit 2
    ;;
esac

# Longer than the drain time of the programs, which end by themselves.
stop_process gateway 50
stop_process inventory-svc 30
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

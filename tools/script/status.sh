# Says what runs, where, and which schema it serves.
# shellcheck shell=sh
. tools/script/processes.sh
. tools/script/database.sh
. tools/script/services.sh

sockets=$(cat "$state/socket-dir" 2>/dev/null || true)

# The address that a running program was given.
address_of() {
  case $1 in
    gateway-http) settings_of gateway QM_GATEWAY_HTTP_ADDRESS ;;
    gateway) settings_of gateway QM_GATEWAY_RPC_ADDRESS ;;
    inventory-svc) settings_of inventory-svc QM_INVENTORY_RPC_ADDRESS ;;
    mariadb) [ -z "$sockets" ] || echo "$sockets/db.sock" ;;
  esac
}

settings_of() { sed -n "s/^$2='\(.*\)'\$/\1/p" "$settings_dir/$1" 2>/dev/null | tail -n 1; }

health_of() {
  if ! running_pid "$1" >/dev/null; then
    echo stopped
  elif [ "$1" = mariadb ] || is_ready "$1" 2>/dev/null; then
    echo ready
  else
    echo 'not ready'
  fi
}

# Where the board is; nowhere while the gateway does not run.
board_address() { if running_pid gateway >/dev/null; then address_of gateway-http; fi; }

# The number of the newest migration that the schema has.
schema_version() {
  running_pid mariadb >/dev/null || return 0
  sql -e "SELECT MAX(migration) FROM $1.schema_steps WHERE applied_time IS NOT NULL" 2>/dev/null | grep -E '^[0-9]+$' || true
}

json_string() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }
json_or_null() { if [ -n "$1" ]; then printf '%s' "$1"; else printf null; fi; }

print_json() {
  printf '{\n  "programs": {'
  comma=''
  for name in mariadb $services; do
    pid=$(running_pid "$name") || pid=''
    printf '%s\n    "%s": {"state": %s, "processId": %s, "address": %s}' "$comma" "$name" \
      "$(json_string "$(health_of "$name")")" "$(json_or_null "$pid")" "$(json_string "$(address_of "$name")")"
    comma=,
  done
  board=$(board_address)
  printf '\n  },\n  "board": %s,\n' "$(if [ -n "$board" ]; then json_string "http://$board/"; else printf null; fi)"
  printf '  "schemaVersions": {"inventory": %s}' "$(json_or_null "$(schema_version "$inventory_schema")")"
  if [ -s "$demo/persons.json" ] && [ -x "$(program qm-demo-issuer)" ]; then
    # Only the demo has keys of its own to sign with.
    printf ',\n  "demoTokens": {'
    "$(program qm-demo-issuer)" persons --dir "$demo" 2>/dev/null |
      awk -F'\t' '{ printf "%s\n    \"%s\": \"%s\"", (NR > 1 ? "," : ""), $1, $NF }'
    printf '\n  }'
  fi
  printf '\n}\n'
}

print_table() {
  printf '%-14s %-10s %-9s %s\n' program state process address
  for name in mariadb $services; do
    pid=$(running_pid "$name") || pid=-
    printf '%-14s %-10s %-9s %s\n' "$name" "$(health_of "$name")" "$pid" "$(address_of "$name")"
  done
  board=$(board_address)
  [ -z "$board" ] || printf '%-14s %s\n' board "http://$board/"
  version=$(schema_version "$inventory_schema")
  [ -z "$version" ] || printf '%-14s %s\n' schema "inventory $version"
}

case ${1:-} in
  --json) print_json ;;
  '') print_table ;;
  *)
    complain "status takes --json or nothing."
    exit 2
    ;;
esac

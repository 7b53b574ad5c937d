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
. "tools/script/drill-$drill.sh"

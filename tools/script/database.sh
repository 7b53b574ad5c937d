# A private MariaDB: its data in .quartermaster/, no network, its socket in our own directory.
# shellcheck shell=sh

database_dir=$state/database
secrets=$state/secrets
inventory_schema=quartermaster_inventory

# A password in a file that only we can read, made once.
make_secret() {
  mkdir -p "$secrets" && chmod 700 "$secrets" && {
    [ -s "$secrets/$1" ] || (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$secrets/$1")
  }
}

# The database's own administrator is who runs the script; nobody else reaches the socket.
sql() { mariadb --no-defaults --socket="$sockets/db.sock" --user="$(id -un)" --batch --skip-column-names "$@"; }

# Makes the data folder; under another name first, so that a run that was killed leaves nothing half done.
create_database() {
  [ ! -d "$database_dir/data" ] || return 0
  rm -rf "$database_dir/new" && mkdir -p "$database_dir/tmp" && chmod 700 "$database_dir" &&
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$database_dir/new" \
      --tmpdir="$database_dir/tmp" --skip-test-db \
      --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" &&
    mv "$database_dir/new" "$database_dir/data"
}

# The settings that our promise rests on are not defaults of MariaDB; docs/operations.md says why.
# A server that starts removes every temporary table of the folder that it keeps them in, so none
# shares its folder with another server.
start_database() {
  create_database && mkdir -p "$database_dir/tmp" || return 1
  if ! running_pid mariadb >/dev/null; then
    start_process mariadb - "$(command -v mariadbd || echo /usr/sbin/mariadbd)" --no-defaults \
      --user="$(id -un)" --datadir="$database_dir/data" --tmpdir="$database_dir/tmp" --socket="$sockets/db.sock" \
      --pid-file="$sockets/db.pid" --skip-networking --skip-name-resolve --local-infile=0 \
      --log-bin=binlog --binlog-format=ROW --sync-binlog=1 --expire-logs-days=7 --server-id=1 \
      --innodb-flush-log-at-trx-commit=1 --innodb-buffer-pool-size=256M --innodb-log-file-size=256M \
      --sql-mode=STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION \
      --transaction-isolation=READ-COMMITTED --character-set-server=utf8mb4 \
      --collation-server=utf8mb4_bin --performance-schema=OFF --max-connections=200
  fi
  wait_until 60 mariadb sql -e 'SELECT 1'
}

# Two users a service: one that may change the schema, one that serves. What the second may do is
# said table by table, after the migrations have made the tables.
create_schemas() {
  make_secret inventory-migrate && make_secret inventory && sql <<SQL
CREATE DATABASE IF NOT EXISTS $inventory_schema CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS 'inventory_migrate'@'localhost';
ALTER USER 'inventory_migrate'@'localhost' IDENTIFIED BY '$(cat "$secrets/inventory-migrate")';
GRANT ALL PRIVILEGES ON $inventory_schema.* TO 'inventory_migrate'@'localhost';
CREATE USER IF NOT EXISTS 'inventory'@'localhost';
ALTER USER 'inventory'@'localhost' IDENTIFIED BY '$(cat "$secrets/inventory")';
SQL
}

# grant_runtime FILE SCHEMA USER: gives the serving user what the file lists, and takes away all else.
# Left alone while the list and the tables are what they were: calls under way need their rights.
grant_runtime() {
  tables=$(sql -e "SELECT table_name FROM information_schema.tables WHERE table_schema = '$2' ORDER BY 1") || return 1
  granted=$({ cat "$1" && echo "$tables"; } | cksum)
  [ "$(cat "$database_dir/$3.granted" 2>/dev/null)" != "$granted" ] || return 0
  {
    echo "REVOKE ALL PRIVILEGES, GRANT OPTION FROM '$3'@'localhost';"
    sed -n "/^#/d; s/^\(.*\) ON \([a-z_]*\)\$/GRANT \1 ON $2.\2 TO '$3'@'localhost';/p" "$1"
  } | sql && echo "$granted" >"$database_dir/$3.granted"
}

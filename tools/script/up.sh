# From a clean checkout to serving programs with the demo loaded. Safe to run again: what runs from
# the same program and settings is left alone.
# shellcheck shell=sh
. tools/script/processes.sh
. tools/script/database.sh
. tools/script/services.sh

if [ $# -gt 0 ]; then
  complain "up takes no arguments; ./quartermaster help names its settings."
  exit 2
fi

migrate_inventory() {
  with_settings "$settings_dir/inventory-migrate" "$(program inventory-svc)" migrate &&
    grant_runtime inventory-svc/migrations/runtime.grants "$inventory_schema" inventory
}

# Keys and certificates last; tokens are made anew each time.
make_demo_identities() {
  mkdir -p "$demo" && chmod 700 "$demo" &&
    "$(program qm-demo-issuer)" keys --dir "$demo" &&
    "$(program qm-demo-issuer)" pki --dir "$demo" &&
    (umask 077 && "$(program qm-demo-issuer)" persons --dir "$demo" --json >"$demo/persons.new") &&
    mv "$demo/persons.new" "$demo/persons.json"
}

# Whoever loads the demo writes and sends every transfer; nobody signs for what they sent, so one of
# the demo's persons does.
load_demo() {
  (umask 077 && demo_role_token demo-importer administrator issuing-clerk >"$demo/importer.token") &&
    qmctl --token-file "$demo/importer.token" import "$demo_data" --receiver-as quartermaster-lu || {
    echo "If the demo's data has changed since it was loaded: ./quartermaster down --wipe, and up again."
    return 1
  }
}

qmctl() { "$(program qmctl)" --server "127.0.0.1:$gateway_grpc_port" "$@"; }

make_state
check_disk
began_up=$(now_ms)

say "Packages"
install_packages build run
make_socket_dir
check_port "$gateway_http_port" QM_GATEWAY_HTTP_PORT gateway
check_port "$gateway_grpc_port" QM_GATEWAY_GRPC_PORT gateway
check_port "$inventory_rpc_port" QM_INVENTORY_RPC_PORT inventory-svc

say "Programs"
step "Configure" configure dev
# shellcheck disable=SC2086 # A list of names.
step "Build" build dev $services qmctl qm-demo-issuer

say "Database"
step "Start MariaDB" start_database
step "Make schemas and users" create_schemas

say "Services"
step "Make the demo's keys, certificates and tokens" make_demo_identities
mkdir -p "$settings_dir" && chmod 700 "$settings_dir"
(umask 077 && migration_settings >"$settings_dir/inventory-migrate")
step "Migrate inventory" migrate_inventory
for name in $services; do step "Start $name" start_service "$name"; done

say "Demo"
step "Load the first spring" load_demo
say
qmctl --as dispatcher-lin board

# qmctl as a person would type it.
try=build/dev/qmctl/qmctl
[ "$gateway_grpc_port" = 9090 ] || try="$try --server 127.0.0.1:$gateway_grpc_port"
cat <<TEXT

Everything serves; this took $(duration $(($(now_ms) - began_up))).
  the board      http://127.0.0.1:$gateway_http_port/
  JSON           http://127.0.0.1:$gateway_http_port/v1/…
  gRPC           127.0.0.1:$gateway_grpc_port
  inventory-svc  127.0.0.1:$inventory_rpc_port, for systems with a certificate of their own

Three things to try:
  use 50 masks at the SWAT detachment, then 5 million
    $try --as quartermaster-qiao post CONSUME --at swat/store mask/supplier-2=50
    $try --as quartermaster-qiao post CONSUME --at swat/store mask/supplier-2=5000000
  write a transfer from the city depot; clerk-shen dispatches it then, quartermaster-qiao receives it: "transfer --help"
    $try --as clerk-shen transfer create --from jiangcheng/main-depot --to swat/store mask/peer-6=100
  follow a lot from its source to its use, and have it proven that nothing was lost
    $try --as auditor-tan trace mask/supplier-2
    $try --as auditor-tan prove --from-lines
TEXT

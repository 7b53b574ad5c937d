# The programs: their settings, their start, whether they are ready.
# shellcheck shell=sh

# In the order in which they start; each has its settings in NAME_settings, without -svc.
services='inventory-svc gateway'
demo=$state/demo
settings_dir=$state/settings
gateway_http_port=${QM_GATEWAY_HTTP_PORT:-8080}
gateway_grpc_port=${QM_GATEWAY_GRPC_PORT:-9090}
inventory_rpc_port=${QM_INVENTORY_RPC_PORT:-9101}
# The variables above are the script's own; every other one with a program's prefix is handed to it.
script_variables='QM_GATEWAY_HTTP_PORT|QM_GATEWAY_GRPC_PORT|QM_INVENTORY_RPC_PORT'
demo_data=tests/data/first-spring
demo_unit=units/jiangcheng

program() {
  case $1 in
    qm-demo-issuer) echo "$build_dir/tools/demo_issuer/$1" ;;
    *) echo "$build_dir/$1/$1" ;;
  esac
}

# setting NAME VALUE: a line that the shell reads back as it was.
setting() { printf "%s='%s'\n" "$1" "$(printf '%s' "$2" | sed "s/'/'\\\\''/g")"; }

# Those of our environment's variables that begin with PREFIX, as settings: they win over ours.
settings_from_environment() {
  env | sed -n "s/^\\($1[A-Z0-9_]*\\)=.*/\\1/p" | grep -vxE "$script_variables" | while read -r variable; do
    setting "$variable" "$(printenv "$variable")"
  done
}

inventory_settings() {
  setting QM_INVENTORY_RPC_ADDRESS "127.0.0.1:$inventory_rpc_port"
  setting QM_INVENTORY_ADMIN_ADDRESS 127.0.0.1:0
  setting QM_INVENTORY_ADMIN_ADDRESS_FILE "$run_dir/inventory-svc.admin"
  setting QM_INVENTORY_TLS_CERTIFICATE_FILE "$demo/inventory.pem"
  setting QM_INVENTORY_TLS_KEY_FILE "$demo/inventory-key.pem"
  setting QM_INVENTORY_TLS_CLIENT_CA_FILE "$demo/ca.pem"
  setting QM_INVENTORY_AUTH_GATEWAY_JWKS_FILE "$demo/gateway-jwks.json"
  setting QM_INVENTORY_AUTH_SYSTEMS_FILE "$demo/systems.json"
  setting QM_INVENTORY_DATABASE_SOCKET "$sockets/db.sock"
  setting QM_INVENTORY_DATABASE_NAME "$inventory_schema"
  setting QM_INVENTORY_DATABASE_USER inventory
  setting QM_INVENTORY_DATABASE_PASSWORD_FILE "$secrets/inventory"
  settings_from_environment QM_INVENTORY_
}

# The same database by the user who may change the schema.
migration_settings() {
  inventory_settings
  setting QM_INVENTORY_DATABASE_USER inventory_migrate
  setting QM_INVENTORY_DATABASE_PASSWORD_FILE "$secrets/inventory-migrate"
}

gateway_settings() {
  setting QM_GATEWAY_HTTP_ADDRESS "127.0.0.1:$gateway_http_port"
  setting QM_GATEWAY_RPC_ADDRESS "127.0.0.1:$gateway_grpc_port"
  setting QM_GATEWAY_ADMIN_ADDRESS 127.0.0.1:0
  setting QM_GATEWAY_ADMIN_ADDRESS_FILE "$run_dir/gateway.admin"
  setting QM_GATEWAY_RPC_PLAINTEXT true
  setting QM_GATEWAY_AUTH_DEMO true
  setting QM_GATEWAY_AUTH_JWKS_FILE "$demo/issuer-jwks.json"
  setting QM_GATEWAY_AUTH_IDENTITY_KEY_FILE "$demo/gateway-identity-key.pem"
  setting QM_GATEWAY_DEMO_PERSONS_FILE "$demo/persons.json"
  setting QM_GATEWAY_INVENTORY_ADDRESS "127.0.0.1:$inventory_rpc_port"
  setting QM_GATEWAY_INVENTORY_CERTIFICATE_FILE "$demo/gateway.pem"
  setting QM_GATEWAY_INVENTORY_KEY_FILE "$demo/gateway-key.pem"
  setting QM_GATEWAY_INVENTORY_CA_FILE "$demo/ca.pem"
  settings_from_environment QM_GATEWAY_
}

# with_settings FILE COMMAND…: runs it with those settings and nothing else of our environment.
with_settings() {
  settings_file=$1
  shift
  env -i PATH="$PATH" HOME="${HOME:-/}" sh -c 'set -a; . "$1"; set +a; shift; exec "$@"' \
    with_settings "$settings_file" "$@"
}

# Asks the operators' port of a service whether it is ready. Debian's smallest system has Perl.
is_ready() {
  [ -s "$run_dir/$1.admin" ] && perl -MIO::Socket::INET -e '
    my $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 2) or exit 1;
    print $socket "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    my $answer = join "", <$socket>;
    exit($answer =~ m{^HTTP/1.1 200} ? 0 : 1);
  ' "$(cat "$run_dir/$1.admin")"
}

# start_service NAME: leaves it alone if it runs from this very program and its settings, else
# starts it anew and waits until it is ready.
start_service() {
  service=$1
  mkdir -p "$settings_dir" "$run_dir" && (umask 077 && "${service%-svc}_settings" >"$settings_dir/$service")
  wanted_stamp=$(stamp_of "$(program "$service")" "$settings_dir/$service")
  if running_pid "$service" >/dev/null && [ "$(stamp_running "$service")" = "$wanted_stamp" ]; then
    is_ready "$service" && return 0
  fi
  stop_process "$service" 30
  rm -f "$run_dir/$service.admin"
  start_process "$service" "$wanted_stamp" env -i PATH="$PATH" HOME="${HOME:-/}" \
    sh -c 'set -a; . "$1"; set +a; exec "$2"' "$service" "$settings_dir/$service" "$(program "$service")"
  wait_until 30 "$service" is_ready "$service"
}

demo_token() { "$(program qm-demo-issuer)" token --dir "$demo" --person "$1" 2>/dev/null; }
# A token for somebody with these roles in the whole demo: demo_role_token SUBJECT ROLE...
demo_role_token() {
  demo_subject=$1
  shift
  for demo_role; do
    set -- "$@" --grant "$demo_role@$demo_unit"
    shift
  done
  "$(program qm-demo-issuer)" token --dir "$demo" --subject "$demo_subject" "$@" 2>/dev/null
}

# Measures the real programs on this machine: ./quartermaster bench [REPETITIONS]
# shellcheck shell=sh

# Looked at before anything is built, as qm-bench would.
bench_usage() {
  cat <<'TEXT'
Usage: ./quartermaster bench [--only=lanes|paths|situation|long] [--long] [REPETITIONS]
  --only=PART  measures that alone
  --long       also measures a ledger of ten million lines: many minutes
  REPETITIONS  1 to 100; default 3
TEXT
}
for argument in "$@"; do
  case $argument in
    -h | --help)
      bench_usage
      exit 0
      ;;
    --long | --only=lanes | --only=paths | --only=situation | --only=long | [1-9] | [1-9][0-9] | 100) ;;
    *)
      complain "bench does not know '$argument'."
      bench_usage >&2
      exit 2
      ;;
  esac
done

make_state
check_disk
install_packages build run bench
step "Configure" configure dev
step "Build" build dev inventory-svc gateway qm-demo-issuer qm-bench mariadb_fixture
# A private nginx, to compare the gateway with: installing the package would start a server.
for package in $(packages_for unpack); do
  step "Unpack $package" unpack_package "$package"
done
PATH=$state/unpacked/usr/sbin:$PATH QM_TEST_BUILD_DIR=$build_dir exec "$build_dir/tests/load/qm-bench" "$@"

# Measures the real programs on this machine: ./quartermaster bench [REPETITIONS]
# shellcheck shell=sh

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

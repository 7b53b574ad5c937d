# From a clean checkout to serving programs with the demo loaded. Safe to run again.
# shellcheck shell=sh
. tools/script/processes.sh
. tools/script/database.sh

make_state
check_disk
make_socket_dir
began_up=$(now_ms)
say "Packages"
install_packages build run
say "Programs"
step "Configure" configure dev
step "Build" build dev all
say "Database"
step "Start MariaDB" start_database
step "Schemas and users" create_schemas
say "Done in $(duration $(($(now_ms) - began_up)))."

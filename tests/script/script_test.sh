#!/bin/sh
# Goal: ./quartermaster keeps its word where things go wrong: a missing tool, a full disk, a taken
# port, a process that will not end, a failed test.
# Method: a copy of the script in a folder of its own (with a space in its name), and programs of our
# own first in PATH in place of the system's. Usage: script_test.sh CHECKOUT
set -u

checkout=$1
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
failed=0

# A fresh copy with stubs that say nothing is missing and all is well.
arrange() {
  copy="$here/a copy"
  stubs=$here/stubs
  rm -rf "$copy" "$stubs"
  mkdir -p "$copy/tools" "$stubs"
  cp "$checkout/quartermaster" "$copy/"
  cp -r "$checkout/tools/script" "$copy/tools/"
  stub dpkg-query 'printf installed'
  stub apt-get 'echo "$@" >>"$0.called"'
  stub df 'echo "Filesystem M Used Avail"; echo "disk 9 9 99999 9% /"'
}

stub() { # NAME BODY
  printf '#!/bin/sh\n%s\n' "$2" >"$stubs/$1"
  chmod +x "$stubs/$1"
}

# Runs the copy; leaves what it said in $said and its exit code in $code.
run() {
  code=0
  said=$(PATH="$stubs:$PATH" "$copy/quartermaster" "$@" </dev/null 2>&1) || code=$?
}

# Runs shell code that knows the script's own functions.
inside() {
  code=0
  said=$(cd "$copy" && PATH="$stubs:$PATH" root="$copy" sh -c '
    set -eu
    . tools/script/common.sh
    . tools/script/processes.sh
    . tools/script/database.sh
    . tools/script/services.sh
    make_state
    '"$1" </dev/null 2>&1) || code=$?
}

expect() { # WHAT CONDITION…
  what=$1
  shift
  if ! "$@"; then
    failed=$((failed + 1))
    printf 'FAILED: %s: %s\n  exit code %s, said:\n%s\n' "$current" "$what" "$code" "$(printf '%s\n' "$said" | sed 's/^/  | /')"
  fi
}

says() { printf '%s\n' "$said" | grep -qF -- "$1"; }
last_line_is() { [ "$(printf '%s\n' "$said" | tail -n 1)" = "$1" ]; }
code_is() { [ "$code" -eq "$1" ]; }
not() { ! "$@"; }

test_help_names_every_verb() {
  run help
  expect "exit code" code_is 0
  for verb in up down status logs test bench drill fmt; do
    expect "names $verb" says "  $verb"
    expect "$verb has its file" test -f "$copy/tools/script/$verb.sh"
  done
}

test_unknown_verb_is_named() {
  run lift-off
  expect "exit code" code_is 2
  expect "names the verb" says "no verb 'lift-off'"
}

test_without_root_and_sudo_one_command_is_printed() {
  stub dpkg-query 'for last; do :; done; [ "$last" = cmake ] || [ "$last" = git ] || printf installed'
  stub id 'case "$1" in -u) echo 1000 ;; *) echo clerk ;; esac'
  stub sudo 'exit 1'
  run up
  expect "exit code" code_is 1
  expect "prints the command" says "  apt-get update && apt-get install -y --no-install-recommends cmake"
  expect "runs no apt-get" not test -e "$stubs/apt-get.called"
}

test_root_installs_what_is_missing_and_says_so() {
  stub dpkg-query 'for last; do :; done; [ "$last" = cmake ] || printf installed'
  stub id 'case "$1" in -u) echo 0 ;; *) echo root ;; esac'
  inside 'install_packages build'
  expect "exit code" code_is 0
  expect "says what" says "To install: cmake"
  expect "installs it" grep -q -- 'install -y --no-install-recommends cmake$' "$stubs/apt-get.called"
}

test_full_disk_is_said_before_anything_is_done() {
  stub df 'echo "Filesystem M Used Avail"; echo "disk 9 9 100 9% /"'
  run up
  expect "exit code" code_is 1
  expect "says so" says "The disk is full: 100 MiB free"
}

test_failed_step_shows_its_log_and_the_cause() {
  inside 'step "Build it" sh -c "echo one; echo write: No space left on device; exit 3"'
  expect "exit code" code_is 3
  expect "shows the log" says "| one"
  expect "says the cause" says "The disk is full."
}

test_taken_port_is_named_with_its_setting() {
  python3 -c '
import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(30)' >"$here/port" &
  listener=$!
  until [ -s "$here/port" ]; do sleep 0.05; done
  inside "check_port $(cat "$here/port") QM_GATEWAY_HTTP_PORT gateway"
  kill "$listener"
  expect "exit code" code_is 1
  expect "names port and setting" says "Port $(cat "$here/port") is taken by another program. Stop it, or choose another port: QM_GATEWAY_HTTP_PORT="
  rm -f "$here/port"
}

test_reused_process_id_is_not_ours() {
  inside 'mkdir -p "$run_dir"; echo "$$ 1 -" >"$run_dir/gateway.pid"; if running_pid gateway; then echo ours; fi'
  expect "not ours" not says ours
}

test_process_that_ends_by_itself_is_waited_for() {
  inside 'start_process gateway - sleep 60; running_pid gateway >/dev/null && echo runs; stop_process gateway 10
    running_pid gateway || echo gone'
  expect "ran" says runs
  expect "is gone" says gone
  expect "was not killed" not says killed
}

test_process_that_will_not_end_is_killed_and_named() {
  inside 'start_process gateway - sh -c "trap : TERM; echo deaf; while :; do sleep 0.1; done"
    until grep -q deaf "$logs/gateway.log"; do sleep 0.05; done
    stop_process gateway 1; running_pid gateway || echo gone'
  expect "says so" says "did not end within 1 s of being asked; killed"
  expect "is gone" says gone
}

test_program_that_ends_while_starting_shows_its_last_words() {
  inside 'start_process gateway - sh -c "echo the key is missing; exit 1"; wait_until 5 gateway false'
  expect "exit code" code_is 1
  expect "last words" says "the key is missing"
}

test_settings_survive_quotes_and_the_environment_wins() {
  QM_GATEWAY_LOG_FILE="/a b/it's" QM_GATEWAY_HTTP_PORT=8181
  export QM_GATEWAY_LOG_FILE QM_GATEWAY_HTTP_PORT
  inside 'sockets=/s; { setting QM_GATEWAY_LOG_FILE ours; gateway_settings; } >"$state/x"; with_settings "$state/x" env'
  unset QM_GATEWAY_LOG_FILE QM_GATEWAY_HTTP_PORT
  expect "keeps the text" says "QM_GATEWAY_LOG_FILE=/a b/it's"
  expect "uses the port" says "QM_GATEWAY_HTTP_ADDRESS=127.0.0.1:8181"
  expect "keeps the script's own variable to itself" not says "QM_GATEWAY_HTTP_PORT"
}

test_socket_folder_of_somebody_else_is_refused() {
  inside 'mkdir -m 755 "$state/theirs"; echo "$state/theirs" >"$state/socket-dir"; make_socket_dir'
  expect "exit code" code_is 1
  expect "says so" says "is not ours alone"
}

test_status_of_nothing_is_still_status() {
  run status
  expect "exit code" code_is 0
  expect "says stopped" says "gateway        stopped"
  run status --json
  expect "exit code" code_is 0
  expect "is JSON" sh -c 'printf "%s" "$1" | python3 -m json.tool >/dev/null' json "$said"
}

test_status_names_the_board_while_the_gateway_runs_alone() {
  inside 'mkdir -p "$settings_dir"; setting QM_GATEWAY_HTTP_ADDRESS 127.0.0.1:8181 >"$settings_dir/gateway"'
  run status
  expect "no board" not says "http://127.0.0.1:8181/"
  run status --json
  expect "no board in JSON" says '"board": null'
  inside 'start_process gateway - sleep 60'
  run status
  expect "the board" says "http://127.0.0.1:8181/"
  inside 'stop_process gateway 10'
}

test_logs_are_followed_together() {
  stub tail 'echo "tail $*"'
  inside 'echo one >"$logs/gateway.log"; echo two >"$logs/mariadb.log"'
  run logs -f
  expect "exit code" code_is 0
  expect "follows" says "tail -n 10 -f"
  expect "the one" says "gateway.log"
  expect "and the other" says "mariadb.log"
}

test_bench_looks_at_its_arguments_first() {
  stub cmake 'touch "$0.called"'
  run bench --help
  expect "exit code" code_is 0
  expect "says how" says "Usage: ./quartermaster bench"
  run bench --only=lunch
  expect "exit code" code_is 2
  expect "names it" says "does not know '--only=lunch'"
  expect "built nothing" not test -e "$stubs/cmake.called"
}

arrange_ctest() { # CLOSING_LINE EXIT_CODE
  stub cmake ':'
  stub ninja ':'
  stub ctest "while [ \$# -gt 1 ]; do [ \"\$1\" != --output-log ] || echo '$1' >\"\$2\"; shift; done; exit $2"
}

test_closing_line_counts_what_passed() {
  arrange_ctest '100% tests passed, 0 tests failed out of 31' 0
  run test lint unit
  expect "exit code" code_is 0
  expect "closing line" last_line_is "62 passed, 0 failed"
}

test_closing_line_counts_what_failed() {
  arrange_ctest '97% tests passed, 1 tests failed out of 31' 8
  run test unit
  expect "exit code" code_is 1
  expect "closing line" last_line_is "30 passed, 1 failed"
}

test_stage_that_ran_nothing_fails() {
  arrange_ctest 'No tests were found!!!' 8
  run test unit
  expect "exit code" code_is 1
  expect "closing line" last_line_is "0 passed, 1 failed"
}

test_build_that_fails_counts_as_a_failure() {
  arrange_ctest '100% tests passed, 0 tests failed out of 31' 0
  stub ninja 'exit 1'
  run test build
  expect "exit code" code_is 1
  expect "closing line" last_line_is "0 passed, 1 failed"
}

test_unknown_stage_is_named() {
  run test unit parade
  expect "exit code" code_is 2
  expect "names it" says "no stage 'parade'"
}

test_drill_passes_its_exit_code_on() {
  run drill fresh-machine --faster
  expect "exit code" code_is 2
  expect "says why" says "fresh-machine takes --up-only and --ccache."
}

is_alive() { grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }

# Deaf to SIGTERM as the real one, within the step of the drill's own that takes longest.
test_interrupted_drill_leaves_nothing_running() {
  stub id 'echo 0'
  stub apt-get '[ "$1" != indextargets ] || echo "Packages Debian mirror bookworm main"'
  stub unshare 'trap "" INT TERM; echo $$ >"$0.pid"; while :; do sleep 0.1; done'
  PATH="$stubs:$PATH" "$copy/quartermaster" drill fresh-machine </dev/null >"$here/drill" 2>&1 &
  script=$!
  until [ -s "$stubs/unshare.pid" ] || ! is_alive "$script"; do sleep 0.05; done
  machine=$(cat "$stubs/unshare.pid")
  expect "runs" is_alive "$machine"
  kill -TERM "$script"
  for _ in $(seq 100); do ! is_alive "$script" && ! is_alive "$machine" || sleep 0.1; done
  said=$(cat "$here/drill")
  expect "the machine is gone" not is_alive "$machine"
  expect "the script is gone" not is_alive "$script"
  kill -KILL "$machine" "$script" 2>/dev/null
  code=0
  wait "$script" || code=$?
  expect "exit code" code_is 143
  expect "says so" says "The drill was interrupted"
}

count=0
for current in $(sed -n 's/^\(test_[a-z_]*\)() {$/\1/p' "$0"); do
  arrange
  "$current"
  count=$((count + 1))
done
echo "$count tests, $failed failed expectations"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]

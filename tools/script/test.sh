# Runs the tests, stage by stage, and ends on the line "N passed, M failed".
# shellcheck shell=sh

# The stages in their order. Each name from lint on is a CTest label; a stage without a test is a
# failure, so a label enters this list together with its first test.
stages='lint script unit storage service compat suite chaos model planted'
sanitizer_stages='asan tsan fuzz'
# What runs under AddressSanitizer, of the stages above. ThreadSanitizer watches what threads share:
# the tests marked by qm_thread_test. The system's gRPC is not built for it, so nothing that makes
# calls is among them.
asan_labels='unit storage service'

all_stages="install build $stages $sanitizer_stages"
wanted=''
for argument in "$@"; do
  case " $all_stages all --list " in
    *" $argument "*) ;;
    *)
      complain "There is no stage '$argument'. The stages are: $all_stages"
      exit 2
      ;;
  esac
  case $argument in
    --list)
      for stage in $all_stages; do say "$stage"; done
      exit 0
      ;;
    all) wanted=$all_stages ;;
    *) wanted="$wanted $argument" ;;
  esac
done
[ -n "$wanted" ] || wanted=$all_stages

is_wanted() { case " $wanted " in *" $1 "*) true ;; *) false ;; esac; }

passed=0
failed=0
table=''

# A line of the closing table: stage, milliseconds, passed, failed.
note() {
  table="$table$(printf '  %-8s %6d.%02d min %6s passed %4s failed' \
    "$1" $(($2 / 60000)) $(($2 % 60000 * 100 / 60000)) "$3" "$4")
"
}

# run_stage NAME COMMAND…: a stage that is no CTest run; counts only when it fails.
run_stage() {
  stage=$1
  shift
  began=$(now_ms)
  say
  say "Stage $stage"
  stage_failed=0
  "$@" || stage_failed=1
  failed=$((failed + stage_failed))
  note "$stage" $(($(now_ms) - began)) - "$stage_failed"
  return "$stage_failed"
}

# run_tests STAGE PRESET LABEL…: builds the labels' tests, runs them and counts.
run_tests() {
  stage=$1
  preset=$2
  shift 2
  began=$(now_ms)
  say
  say "Stage $stage"
  stage_passed=0
  stage_failed=0
  if prepare_tests "$stage" "$preset" "$@"; then
    labels=$(printf '%s|' "$@")
    ctest_log=$logs/test-$stage.ctest
    step "Test $stage" ctest --test-dir "$root/build/$preset" -L "^(${labels%|})\$" -j "$(nproc)" \
      --schedule-random --output-on-failure --no-tests=error --output-log "$ctest_log" ||
      { show_failures "$ctest_log"; stage_failed=1; }
    # "97% tests passed, 1 tests failed out of 31"
    counts=$(sed -n 's/^.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$ctest_log")
    if [ -n "$counts" ]; then
      failed_here=${counts% *}
      stage_passed=$((${counts#* } - failed_here))
      [ "$failed_here" -eq 0 ] || stage_failed=$failed_here
    fi
  else
    stage_failed=1
  fi
  passed=$((passed + stage_passed))
  failed=$((failed + stage_failed))
  note "$stage" $(($(now_ms) - began)) "$stage_passed" "$stage_failed"
}

# Builds the tests of the labels, if they are made of anything that is built.
prepare_tests() {
  prepared_stage=$1
  prepared_preset=$2
  shift 2
  targets=''
  for label in "$@"; do
    case $label in lint | script) ;; *) targets="$targets qm_tests_$label" ;; esac
  done
  step "Configure for $prepared_stage" configure "$prepared_preset" || return 1
  # shellcheck disable=SC2086 # one word per target
  [ -z "$targets" ] || step "Build the tests of $prepared_stage" build "$prepared_preset" $targets
}

# Prints what failed and what it said.
show_failures() {
  [ -f "$1" ] || return 0
  say "    What failed said:"
  grep -vE ' (Passed|Start) |^ *Start +[0-9]+:| +Passed +[0-9.]+ sec$' "$1" | tail -n 300 | sed 's/^/    | /'
}

# Those of the first list's words that the second list has too.
common_words() {
  for word in $1; do
    case " $2 " in *" $word "*) printf '%s ' "$word" ;; esac
  done
}

finish() {
  say
  say "Minutes per stage"
  printf '%s' "$table"
  say
  say "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] || exit 1
  exit 0
}

# Read by what is built with AddressSanitizer, and by nothing else.
export LSAN_OPTIONS="suppressions=$root/tests/lsan.supp:print_suppressions=0"

make_state
check_disk
began_all=$(now_ms)
# Every stage needs the packages, so this one always runs.
run_stage install install_packages build run test || finish
if is_wanted build; then
  build_all() { step "Configure" configure dev && step "Build everything" build dev all; }
  run_stage build build_all || finish
fi
for stage_name in $stages; do
  ! is_wanted "$stage_name" || run_tests "$stage_name" dev "$stage_name"
done
for stage_name in $sanitizer_stages; do
  is_wanted "$stage_name" || continue
  case $stage_name in
    asan) labels_here=$(common_words "$asan_labels" "$stages") ;;
    tsan) labels_here=threads ;;
    fuzz) labels_here=fuzz ;;
  esac
  # shellcheck disable=SC2086 # one word per label
  run_tests "$stage_name" "$stage_name" $labels_here
done
note all $(($(now_ms) - began_all)) "$passed" "$failed"
finish

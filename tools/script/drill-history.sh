# Kills and pauses programs at random under load and checks each item's history [--minutes N].
# shellcheck shell=sh
#
# The last test of tests/chaos/item_histories_test.cc, for N minutes in place of one round: which
# faults come is drawn by a seed that it prints. Everything it starts is its own and ends with it.

history_minutes=5
while [ $# -gt 0 ]; do
  case $1 in
    --minutes)
      case ${2:-} in
        '' | *[!0-9]* | ?????*)
          complain "--minutes takes a number of minutes."
          exit 2
          ;;
      esac
      history_minutes=$2
      shift 2
      ;;
    *)
      complain "history takes --minutes N."
      exit 2
      ;;
  esac
done

make_state
check_disk
install_packages build run test
step "Configure" configure dev
step "Build" build dev item_histories_test
QM_TEST_BUILD_DIR=$build_dir QM_HISTORY_MINUTES=$history_minutes \
  exec "$build_dir/tests/chaos/item_histories_test" \
  --gtest_filter=ItemHistoriesTest.AreLinearizableWhateverComes

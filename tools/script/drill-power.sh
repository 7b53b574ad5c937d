# Cuts the power under the database at random under load and checks the books [--cuts N] [--seed N].
# shellcheck shell=sh
#
# The database lies on a file system of tests/power that loses what was not synced. First the file
# system is held to that, then twenty cuts, or N, must lose nothing that was acknowledged, and then
# cuts must find out servers that sync too little. The seed is printed. Everything it starts and
# mounts is its own and ends with it.

power_cuts=20
power_seed=''
while [ $# -gt 0 ]; do
  case $1 in
    --cuts | --seed)
      case ${2:-} in
        '' | *[!0-9]* | ??????????*)
          complain "$1 takes a number."
          exit 2
          ;;
      esac
      if [ "$1" = --cuts ]; then power_cuts=$2; else power_seed=$2; fi
      shift 2
      ;;
    *)
      complain "power takes --cuts N and --seed N."
      exit 2
      ;;
  esac
done
[ -r /dev/fuse ] && [ -w /dev/fuse ] ||
  fail "This drill mounts a file system of its own, and there is no /dev/fuse here that you may open. Load the kernel's module fuse, or give the container that device and CAP_SYS_ADMIN."

make_state
check_disk
install_packages build run test power
configure_power() { cmake --preset dev -DQM_POWER=ON; }
step "Configure" configure_power
step "Build" build dev power_disk_test power_cut_test
export QM_TEST_BUILD_DIR="$build_dir" QM_POWER_CUTS="$power_cuts"
[ -z "$power_seed" ] || export QM_POWER_SEED="$power_seed"
step "Hold the file system to what it says" "$build_dir/tests/power/power_disk_test"
exec "$build_dir/tests/power/power_cut_test"

#!/bin/sh
# Runs one fuzzer from its saved inputs: run_fuzzer.sh PROGRAM CORPUS
#
# What it finds on the way stays in the build folder. An input that fails is named there too. A run
# begins like the one before it; QM_FUZZ_SEED=0 draws anew, for a long hunt.
set -eu
program=$1
corpus=$2
found=$program.found
mkdir -p "$found"
exec "$program" -seed="${QM_FUZZ_SEED:-1}" -max_total_time="${QM_FUZZ_SECONDS:-60}" -timeout=60 -rss_limit_mb=4096 \
  -print_final_stats=1 -verbosity=0 -artifact_prefix="$program.failed-" "$found" "$corpus"

# Formats the C++ sources that git knows, and writes anew what the docs take from elsewhere: the page
# of the API from the protos, the settings tables from the programs that are built, the list of
# decisions from their titles.
# shellcheck shell=sh
make_state
install_packages test
git ls-files -z --cached --others --exclude-standard -- '*.cc' '*.h' | xargs -0 -r clang-format -i
PYTHONDONTWRITEBYTECODE=1 python3 tools/lint/lint.py "$root" --build "$build_dir" --write
git diff --stat

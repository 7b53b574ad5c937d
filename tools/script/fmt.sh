# Formats the C++ sources that git knows.
# shellcheck shell=sh
command -v clang-format >/dev/null 2>&1 || { make_state; install_packages fmt; }
git ls-files -z -- '*.cc' '*.h' | xargs -0 -r clang-format -i
git diff --stat -- '*.cc' '*.h'

# Installs Debian packages. The list is tools/script/packages.
# shellcheck shell=sh

# Prints the packages listed for the given needs, one a line.
packages_for() {
  for need in "$@"; do
    awk -v need="$need" '$1 == need { print $2 }' tools/script/packages
  done
}

# Prints those of the given needs' packages that are not installed.
missing_packages() {
  for package in $(packages_for "$@"); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# Makes sure that the packages of the given needs are installed.
install_packages() {
  command -v apt-get >/dev/null 2>&1 ||
    fail "There is no apt-get here. Debian 12 is needed; the packages are listed in tools/script/packages."
  missing=$(missing_packages "$@" | tr '\n' ' ')
  missing=${missing% }
  if [ -z "$missing" ]; then
    say "  Packages: nothing to install"
    return 0
  fi
  if [ "$(id -u)" -eq 0 ]; then
    as_root=''
  elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
    as_root=sudo
  else
    complain "Some packages are missing, and only root may install them. As root, run"
    say
    say "  apt-get update && apt-get install -y --no-install-recommends $missing"
    say
    complain "and then this script again, as yourself."
    exit 1
  fi
  say "  To install: $missing"
  step "Read the package lists" apt_get update || return 1
  # shellcheck disable=SC2086 # one word per package
  step "Install the packages" apt_get install -y --no-install-recommends $missing
}

# apt-get as root, asking nothing and waiting for another apt-get to finish.
apt_get() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

# Lays the files of a package into .quartermaster/unpacked without installing it.
unpack_package() {
  unpacked=$state/unpacked
  [ ! -e "$unpacked/.$1" ] || return 0
  mkdir -p "$unpacked"
  (
    cd "$unpacked" && apt-get -q download "$1" && dpkg-deb -x "$1"_*.deb . && rm -f "$1"_*.deb && : >".$1"
  )
}

# Runs the README's commands on a bare Debian, as root, with sudo and without [--up-only] [--ccache].
# shellcheck shell=sh
#
# The machine is a folder made by debootstrap, entered with its own mounts and process ids, so that
# nothing that was started or mounted in it outlives the drill. It shares the network, because apt
# needs it; where our ports are taken, other ports are used and named. The mirror is the one that
# this machine's apt uses. With --ccache the machine has ccache besides git and takes what was
# compiled before from this machine's cache: the drill proves the same, but its minutes say nothing.

readme_commands='up test'
cache=''
cache_here=/var/cache/ccache
cache_settings=''
for argument in "$@"; do
  case $argument in
    --up-only) readme_commands=up ;;
    --ccache)
      cache=$(ccache --get-config cache_dir) || fail "There is no ccache on this machine."
      cache_settings="CCACHE_DIR=$cache_here CCACHE_TEMPDIR=/tmp/ccache CCACHE_UMASK=022"
      ;;
    *)
      complain "fresh-machine takes --up-only and --ccache."
      exit 2
      ;;
  esac
done
[ "$(id -u)" -eq 0 ] || fail "This drill makes a Debian in a folder, which takes root."
[ -z "$(git status --porcelain)" ] ||
  say "There are uncommitted changes; the drill takes the last commit."

make_state
. tools/script/processes.sh
install_packages drill
machines=$state/drill
checkout=/srv/quartermaster
results=''

# Debian's own sources of this machine: address, suite, component.
debian_sources() {
  apt-get indextargets --format '$(CREATED_BY) $(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    awk '$1 == "Packages" && $2 == "Debian" { print $3, $4, $5 }' | sort -u
}

make_bare_debian() {
  mirror=$(debian_sources | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
  if [ -z "$mirror" ]; then
    echo "apt here knows no mirror of bookworm; run apt-get update first"
    return 1
  fi
  # With its own mounts, so that a run that was killed leaves none behind.
  remove_machine new && mkdir -p "$machines" &&
    apart debootstrap --variant=minbase --include=git bookworm "$machines/new" "$mirror" &&
    debian_sources | sed 's/^/deb /' >"$machines/new/etc/apt/sources.list" &&
    mv "$machines/new" "$machines/bare"
}

# Runs a command with its own mounts and process ids. It ends when the shell that waits for it does,
# and all that it runs with it: unshare itself is deaf to SIGTERM and SIGINT meanwhile.
apart() { setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$@"; }

# Never follows a mount into the machine that we run on.
remove_machine() { rm -rf --one-file-system "${machines:?}/$1"; }

# make_machine NAME: a copy of the bare Debian with a clone of this checkout.
make_machine() {
  remove_machine "$1" && cp -a --reflink=auto "$machines/bare" "$machines/$1" &&
    cp -L /etc/resolv.conf "$machines/$1/etc/resolv.conf" && cp /etc/hosts "$machines/$1/etc/hosts" &&
    { ! ls /etc/apt/apt.conf.d/*proxy* >/dev/null 2>&1 ||
      cp /etc/apt/apt.conf.d/*proxy* "$machines/$1/etc/apt/apt.conf.d/"; } &&
    git clone -q --no-hardlinks "$root" "$machines/$1$checkout" &&
    { [ -z "$cache" ] || give_cache "$1"; }
}

# The cache itself is mounted by in_machine. Root adds to it, others read it.
give_cache() {
  mkdir -p "$machines/$1$cache_here" &&
    in_machine "$1" root \
      "apt-get -q -q update && apt-get -q -q install --yes --no-install-recommends ccache >/dev/null"
}

# in_machine NAME USER COMMAND: runs a shell command in the checkout's copy.
in_machine() {
  settings="$ports $cache_settings"
  [ "$2" = root ] || settings="$settings CCACHE_READONLY=1"
  apart sh -c '
    mount --make-rprivate / && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
      mount -t sysfs -o ro sysfs "$1/sys" && mount -t tmpfs tmpfs "$1/tmp" && chmod 1777 "$1/tmp" &&
      { [ -z "$6" ] || mount --bind "$6" "$1$7"; } &&
      exec chroot "$1" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        TERM=dumb LANG=C.UTF-8 $4 su -s /bin/sh "$2" -c "cd $5 && $3"
  ' in_machine "$machines/$1" "$2" "$3" "$settings" "$checkout" "$cache" "$cache_here"
}

# A free port for each of ours that is taken here.
choose_ports() {
  ports=''
  for pair in QM_GATEWAY_HTTP_PORT:8080 QM_GATEWAY_GRPC_PORT:9090 QM_INVENTORY_RPC_PORT:9101; do
    port=${pair#*:}
    while is_port_taken "$port"; do port=$((port + 1000)); done
    [ "$port" = "${pair#*:}" ] || ports="$ports ${pair%:*}=$port"
  done
  [ -z "$ports" ] || say "  Ports of ours are taken on this machine; the drill uses$ports"
}

# timed MACHINE USER TITLE COMMAND: one row of the table at the end.
timed() {
  began_row=$(now_ms)
  say
  say "== $1, as $2: $3"
  row=passed
  in_machine "$1" "$2" "$4" </dev/null || row=FAILED
  results="$results$(printf '  %-6s %-10s %-34s %-7s %s' "$1" "$2" "$3" "$row" "$(duration $(($(now_ms) - began_row)))")
"
  [ "$row" = passed ]
}

run_readme_commands() { # MACHINE USER
  for readme_command in $readme_commands; do
    timed "$1" "$2" "./quartermaster $readme_command" "./quartermaster $readme_command" || return 1
  done
  timed "$1" "$2" "./quartermaster up, again" "./quartermaster up && ./quartermaster down"
}

# Who may become root by sudo is asked nothing.
run_with_sudo() {
  in_machine sudo root "apt-get -q -q install --yes --no-install-recommends sudo >/dev/null 2>&1 &&
    useradd --create-home clerk && echo 'clerk ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/clerk &&
    chown -R clerk: $checkout" && timed sudo clerk "./quartermaster up" "./quartermaster up && ./quartermaster down"
}

# A plain user without sudo is told one command; root runs exactly that; then it works.
run_as_plain_user() {
  in_machine user root "useradd --create-home clerk && chown -R clerk: $checkout" || return 1
  for readme_command in $readme_commands; do
    timed user clerk "$readme_command names what root must run" \
      "./quartermaster $readme_command >/tmp/said 2>&1 && exit 1; cat /tmp/said; sed -n 's/^  *\\(apt-get update .*\\)/\\1/p' /tmp/said >.quartermaster/as-root; test -s .quartermaster/as-root" &&
      timed user root "what it named" "sh .quartermaster/as-root >/dev/null" &&
      timed user clerk "./quartermaster $readme_command" "./quartermaster $readme_command" || return 1
  done
  timed user clerk "./quartermaster up, again" "./quartermaster up && ./quartermaster down"
}

drill_status=0
began_drill=$(now_ms)
choose_ports
[ -d "$machines/bare" ] || step "Make a bare Debian" make_bare_debian || exit 1
step "Copy it for root" make_machine root || exit 1
run_readme_commands root root || drill_status=1
remove_machine root
step "Copy it for a user with sudo" make_machine sudo || exit 1
run_with_sudo || drill_status=1
remove_machine sudo
step "Copy it for a plain user" make_machine user || exit 1
run_as_plain_user || drill_status=1
remove_machine user

say
say "Fresh machine, in $(duration $(($(now_ms) - began_drill)))"
printf '%s' "$results"
[ "$drill_status" -eq 0 ] || fail "The drill failed."

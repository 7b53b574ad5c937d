# Configures and builds.
# shellcheck shell=sh

# configure PRESET: runs CMake when the build folder is new; Ninja runs it again by itself.
configure() {
  if [ ! -f "$root/build/$1/build.ninja" ]; then
    cmake --preset "$1"
  fi
}

# build PRESET TARGET…
build() {
  build_preset=$1
  shift
  # Where ccache is present, clones in other folders share its results.
  CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1} \
    ninja -C "$root/build/$build_preset" "$@"
}

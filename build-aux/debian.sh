# Sourced by examples/demo.sh and tests/all.sh: gets a Debian machine ready and builds berth. Nothing is assumed but git, a shell and
# either root or sudo. `top` is the source folder.

build_packages='gcc make autoconf automake autoconf-archive libtool pkg-config libc6-dev libev-dev libinih-dev libjansson-dev libcap-ng-dev'

say() {
    printf '\033[1m== %s\033[0m\n' "$*"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs those of the packages named that are missing. Servers among them are not started by their packages: where a machine has no
# word on that (policy-rc.d), one is put there for the time of the installation.
install_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || {
        echo "this needs the packages$missing, and there is no apt-get to install them" >&2
        return 1
    }
    say "installing$missing"
    policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] && policy=
    [ -z "$policy" ] || printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    [ -z "$policy" ] || as_root chmod 755 "$policy"
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
    status=$?
    [ -z "$policy" ] || as_root rm -f "$policy"
    return $status
}

# Configures and builds TARGETS in the folder $1, with configure options up to "--".
build_berth() {
    folder=$1
    shift
    options=
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    shift
    [ -x "$top/configure" ] && [ "$top/configure" -nt "$top/configure.ac" ] || (cd "$top" && autoreconf -fi >/dev/null 2>&1) ||
        (cd "$top" && autoreconf -fi)
    mkdir -p "$folder" && cd "$folder" &&
        { [ -f Makefile ] || "$top/configure" -q $options; } && make -s -j"$(nproc)" "$@" >/dev/null
}

#!/bin/sh
# Sets up a Debian machine and runs every test: the suite as built for use, then again with the address and undefined-behaviour
# sanitizers. Ends with the numbers of tests. SANITIZERS=no leaves the second round out.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/build-aux/debian.sh"

# In a bare chroot the root is no mount point, and what the tests do in mount namespaces of their own would fail.
if [ "$(id -u)" -eq 0 ] && [ -z "${BERTH_ROOT_MOUNTED:-}" ] && ! unshare --mount true 2>/dev/null &&
    unshare --mount --propagation unchanged true 2>/dev/null; then
    export BERTH_ROOT_MOUNTED=yes
    exec unshare --mount --propagation unchanged sh -c 'mount --rbind / /mnt && exec chroot /mnt "$0"' "$top/tests/all.sh"
fi

install_packages $build_packages g++ libcriterion-dev libsystemd-dev systemd mandoc procps iproute2 util-linux podman runc python3 nodejs \
    nginx-light gunicorn redis-server uwsgi uwsgi-plugin-python3 s6 openssh-server openssh-client dropbear-bin \
    haproxy uvicorn puma unicorn php-fpm starman h2o lighttpd default-jdk-headless golang-go ruby ruby-webrick || exit 1
build=${BUILD:-$top/build}
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
failed=0

# One round: configure options in $2 …, build folder build-$1.
round() {
    name=$1
    shift
    say "building ($name)"
    build_berth "$build-$name" --enable-werror "$@" -- all || { failed=1; return; }
    say "testing ($name)"
    make -C "$build-$name" -s -j"$(nproc)" check VERBOSE=1 >"$logs/$name.out" 2>&1
    status=$?
    grep -hE '^(PASS|FAIL|XPASS|ERROR|# (TOTAL|PASS|SKIP|XFAIL|FAIL|XPASS|ERROR)):?' "$logs/$name.out" | grep -vE '^PASS'
    if [ "$status" -ne 0 ]; then
        failed=1
        tail -n 400 "$logs/$name.out"
    fi
    find "$build-$name/tests" -name '*.log' -exec grep -h 'Synthesis:' {} + | sed 's/\x1b\[[0-9;]*m//g'
    find "$build-$name/tests" -name '*.trs' -exec grep -h '^:test-result:' {} + >>"$logs/results"
}

round plain
# What only the two-hundredth time would lose is the plain round's to find.
[ "${SANITIZERS:-yes}" = no ] || BERTH_TEST_TIMES=4 round sanitized --enable-sanitizers

count() {
    grep -c "^:test-result: $1" "$logs/results"
}
echo "$(count PASS) passed, $(($(count FAIL) + $(count XPASS) + $(count ERROR))) failed, $(count SKIP) skipped"
[ "$failed" -eq 0 ] && [ "$(count PASS)" -gt 0 ]

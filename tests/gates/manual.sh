#!/bin/sh
# Holds that the manual pages are free of errors to mandoc.
set -u
if ! command -v mandoc >/dev/null; then
    echo "mandoc is not installed"
    test "${CI:-}" = true && exit 1
    exit 77
fi
set -- "$top_srcdir"/docs/man/*.[1-9]
test -e "$1" || { echo "there are no manual pages"; exit 1; }
mandoc -T lint -W error "$@"

#!/bin/sh
# etc/berth.ini and the tables of keys in berth.conf(5) are what the table of keys makes of them.
set -u
status=0
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
page=$top_srcdir/docs/man/berth.conf.5
"$top_builddir/etc/reference" ini >"$work/berth.ini" || exit 1
"$top_builddir/etc/reference" man "$page" >"$work/berth.conf.5" || exit 1
diff "$top_srcdir/etc/berth.ini" "$work/berth.ini" || status=1
diff "$page" "$work/berth.conf.5" || status=1
[ $status -eq 0 ] || echo "run: make -s etc-regenerate"
exit $status

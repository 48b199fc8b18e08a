#!/bin/sh
# docs/servers.md is what the run of the server matrix makes of it, the versions aside, and every folder of examples/servers is in
# the matrix.
set -u
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
without_versions() {
    sed 's/^\(| \[[^|]*|\)[^|]*|/\1|/'
}
sh "$top_srcdir/examples/servers/table.sh" "$top_builddir/tests/servers" >"$work/whole" || exit 1
without_versions <"$work/whole" >"$work/made"
without_versions <"$top_srcdir/docs/servers.md" >"$work/committed"
status=0
diff "$work/committed" "$work/made" || {
    echo "docs/servers.md is not what this run makes: sh examples/servers/table.sh $top_builddir/tests/servers >docs/servers.md"
    status=1
}
for row in "$top_srcdir"/examples/servers/*/row; do
    name=$(basename "$(dirname "$row")")
    grep -q "\"$name\"" "$top_srcdir/tests/system/test_server_matrix.c" || {
        echo "examples/servers/$name is not in tests/system/test_server_matrix.c"
        status=1
    }
done
exit $status

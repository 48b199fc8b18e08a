#!/bin/sh
# What is shipped is good: etc/*.ini, and every file that berth.conf(5) shows, pass `berth check`; a comment says so where one is to fail.
set -u
status=0
n=0
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

check() {
    n=$((n + 1))
    said=$(cd "$work" && env -i HOME=/ PORT=8080 "$BERTH" check -c "$1" 2>&1) || {
        echo "$2: $said"
        status=1
    }
}

for file in "$top_srcdir"/etc/*.ini; do
    cp "$file" "$work/berth.ini"
    check berth.ini "$file"
done
# Literal displays that are headed by the comment .\" CHECK NAME, without mdoc's escapes.
mkdir -p "$work/man/conf.d"
awk -v to="$work/man/" '
    /^\.\\" CHECK / { name = $3; next }
    /^\.Bd/ && name { out = to name; print out; printf "" >out; next }
    /^\.Ed/ { if (out) close(out); out = name = ""; next }
    out { gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print >out }' "$top_srcdir/docs/man/berth.conf.5" >"$work/names"
while read -r file; do
    check "$file" "berth.conf(5): ${file#"$work/man/"}"
done <"$work/names"
[ "$(wc -l <"$work/names")" -ge 5 ] || { echo "berth.conf(5) has too few examples"; status=1; }
echo "$n files"
exit $status

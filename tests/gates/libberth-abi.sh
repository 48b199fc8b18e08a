#!/bin/sh
# What libberth exports is what its map names, its soname is what programs ask for, it needs libc only, and its header is C89 and C++.
set -u
library=$top_builddir/.libs/libberth.so
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
status=0
sed -n 's/^ *\(berth_[a-z_]*\);$/\1/p' "$top_srcdir/supervisor/libberth/libberth.map" | sort >"$work/named"
nm -D --defined-only "$library" | sed -n 's/.* [TBDR] \([^@]*\).*/\1/p' | grep -v '^LIBBERTH_' | sort >"$work/exported"
diff "$work/named" "$work/exported" || {
    echo "the library exports other functions (>) than supervisor/libberth/libberth.map names (<)"
    status=1
}
sed -n 's/^BERTH_PUBLIC [a-z *]*\b\(berth_[a-z_]*\)(.*/\1/p' "$top_srcdir/include/berth/berth.h" | sort >"$work/declared"
diff "$work/named" "$work/declared" || {
    echo "include/berth/berth.h declares other functions (>) than the map names (<)"
    status=1
}
for function in $(cat "$work/named"); do
    grep -q "$function" "$top_srcdir/docs/man/libberth.3" || {
        echo "libberth(3) says nothing of $function()"
        status=1
    }
done
printf '#include <berth/berth.h>\n#include <berth/berth.h>\nint main(void) { return berth_ready() < 0; }\n' >"$work/use.c"
${CC:-cc} -std=c89 -pedantic -Wall -Wextra -Werror -I"$top_srcdir/include" -c -o "$work/use.o" "$work/use.c" || status=1
cp "$work/use.c" "$work/use.cc"
if command -v c++ >/dev/null; then
    c++ -pedantic -Wall -Wextra -Werror -I"$top_srcdir/include" -c -o "$work/use.o" "$work/use.cc" || status=1
elif [ "${CI:-}" = true ]; then
    echo "there is no C++ compiler to try the header with"
    status=1
fi
readelf -d "$library" >"$work/dynamic" || status=1
grep -q 'SONAME.*\[libberth\.so\.0\]' "$work/dynamic" || {
    echo "its soname is not libberth.so.0"
    status=1
}
sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$work/dynamic" | grep -Ev '^(libc\.|ld-linux|lib[a-z]*san\.|libgcov)' >"$work/foreign" && {
    echo "it needs more than libc: $(cat "$work/foreign")"
    status=1
}
exit $status

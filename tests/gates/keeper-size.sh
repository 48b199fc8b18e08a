#!/bin/sh
# The keeper may never end by itself, and is to be read in one sitting: it stays small, and it imports nothing that allocates, exits or
# blocks. _exit is for the child that could not become the supervisor.
set -eu
count() {
    cat "$@" |
        awk '{ sub(/^[ \t]+/, "") }
             in_comment { if (index($0, "*/")) in_comment = 0; next }
             /^\/\*/ { if (!index($0, "*/")) in_comment = 1; next }
             /^#/ || /^$/ { next }
             { n++ }
             END { print n + 0 }'
}
# What runs for as long as the keeper lives; and what runs once, before its loop or when it makes way for another keeper (decision 0011).
most=700
lines=$(count "$top_srcdir"/supervisor/keeper/*.c)
if [ "$lines" -gt "$most" ]; then
    echo "supervisor/keeper has $lines lines of code (comments, blank lines and directives aside); at most $most"
    exit 1
fi
most_once=300
once=$(count "$top_srcdir"/supervisor/keeper/once/*.c "$top_srcdir"/supervisor/sys/will.c)
if [ "$once" -gt "$most_once" ]; then
    echo "supervisor/keeper/once and sys/will.c have $once lines of code; at most $most_once"
    exit 1
fi

allowed=' _exit clock_gettime close close_range dup2 dup3 environ execveat fcntl fork getauxval getpid getrlimit getsid ioctl
 kill lseek memchr memcmp memcpy memfd_create memmove memset open poll prctl read recvmsg sendmsg setpgid setrlimit sigaddset sigdelset sigemptyset
 sigfillset signal signalfd signame_format sigprocmask snprintf socketpair strcmp strerror strlen strncmp syscall
 vsnprintf waitid waitpid write __errno_location __snprintf_chk __vsnprintf_chk __memcpy_chk __memset_chk __memmove_chk
 __read_chk __stack_chk_fail _GLOBAL_OFFSET_TABLE_ '
cd "$top_builddir/supervisor"
objects="keeper/libkeeper.a sys/fdpass.o sys/will.o wire/keeper_msg.o"
defined=" $(nm --defined-only --format=posix $objects | awk 'NF >= 3 { print $1 }' | tr '\n' ' ') "
bad=
for symbol in $(nm --undefined-only --format=posix $objects | awk 'NF == 2 { print $1 }' | sort -u); do
    case $symbol in
    __asan_* | __ubsan_* | __tsan_* | __sanitizer_* | __gcov_*) continue ;;
    esac
    case "$defined$allowed" in
    *[[:space:]]"${symbol%64}"[[:space:]]* | *[[:space:]]"$symbol"[[:space:]]*) ;;
    *) bad="$bad $symbol" ;;
    esac
done
if [ -n "$bad" ]; then
    echo "the keeper imports what is not known to be safe in it:$bad"
    echo "(if it neither allocates nor exits nor blocks, allow it in tests/gates/keeper-size.sh)"
    exit 1
fi
echo "$lines lines of code, and $once that run once"

#!/bin/sh
# Makes docs/servers.md from the folders beside this file and from what the tests noted in the folder $1 (tests/servers of a build):
#     sh examples/servers/table.sh build/tests/servers >docs/servers.md
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
results=$1

value() {
    sed -n "s/^$2=//p" "$here/$1/row"
}

result() {
    if [ -e "$results/$1.$2" ]; then echo yes; elif [ "$(value "$1" "$2")" = no ]; then echo no; else echo "not tested"; fi
}

cat <<'TEXT'
# Servers on held sockets

Each of these was started by the script in its folder of [examples/servers](../examples/servers), restarted and killed
with `kill -9` under load from real clients, by `tests/system/test_server_matrix.c`. No request was refused and none timed
out, in any of them. What may be lost on a restart is what the server itself drops when it is told to end; what is lost on
`kill -9` is what the dead process had accepted. This table is made by that test's run (`examples/servers/table.sh`).

| server | version | is told by | ends by | TCP | Unix | lost on a restart |
|---|---|---|---|---|---|---|
TEXT
for row in "$here"/*/row; do
    name=$(basename "$(dirname "$row")")
    version=$(dpkg-query -W -f '${Version}' "$(value "$name" package)" 2>/dev/null | sed 's/^[0-9]*://; s/[-+~].*//') || version=
    lost=$(value "$name" why)
    [ "$(value "$name" lost)" != 0 ] || lost=nothing
    [ "$(value "$name" protocol)" != ssh ] || lost="nothing: sessions go on"
    echo "| [$(value "$name" server)](../examples/servers/$name) | $version | $(value "$name" told) | $(value "$name" drain) |" \
        "$(result "$name" tcp) | $(result "$name" unix) | $lost |"
done
cat <<'TEXT'

## The commands

`LISTEN` is the address, `STATE` a folder for what is written; the files are in the folder.
TEXT
for row in "$here"/*/row; do
    name=$(basename "$(dirname "$row")")
    printf '\n### %s\n\n' "$(value "$name" server)"
    sed '1,2d; /^    LISTEN=/,$d' "$here/$name/README.md" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
    printf '\n```sh\n'
    sed -n '/^exec berth/,$p' "$here/$name/run.sh"
    echo '```'
done

#!/bin/sh
# Does what docs/reload.md says, with the files as they stand there: a release that works, one that does not, and another one, while
# clients ask. BUILD is the folder in which berth was built, PORT where to serve, STATE an empty folder.
set -eu
guide=$(cd "$(dirname "$0")/../../docs" && pwd)/reload.md
here=$(dirname "$guide")
. "$here/../examples/test-common.sh"
need /usr/bin/python3
PATH=/usr/bin:$PATH
cd "$STATE"

# The file $1 of the guide.
take() {
    awk -v name="$1" '$0 == "<!-- file: " name " -->" { found = 1; next }
        found && /^```/ { if (inside) exit; inside = 1; next }
        inside { print }' "$guide"
}
for file in berth.ini deploy.sh server.py pod.yaml; do
    take "$file" >"$file"
    [ -s "$file" ] || fail "the guide has no $file"
done
release() {
    mkdir -p "releases/$1"
    cp server.py "releases/$1"
    [ -z "$2" ] || echo "$2" >"releases/$1/greeting"
}
release 1 "hello from one"
release 2 ""
release 3 "hello from three"
ln -s releases/1 current

berth check -c berth.ini
berth up -c berth.ini >berth.log 2>&1 &
berth_pid=$!
expect / "hello from one"

begin_load /
sh deploy.sh 2 >said 2>&1 && fail "a release that does not come up was deployed"
grep -q "it wrote last: this release has no greeting" said || fail "it does not say why: $(cat said)"
[ "$(readlink current)" = releases/1 ] || fail "it did not go back"
expect / "hello from one"
sh deploy.sh 3
expect / "hello from three"
end_load 0

# The pod's command is one that berth understands.
/usr/bin/python3 - <<'PYTHON' || fail "the pod's command is wrong"
import json, re, subprocess
command = json.loads(re.search(r"^ *command: (\[.*berth.*\])$", open("pod.yaml").read(), re.M).group(1))
subprocess.run([command[0], command[1], "--explain", *command[2:]], check=True, stdout=subprocess.DEVNULL)
PYTHON

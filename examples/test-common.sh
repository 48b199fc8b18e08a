# What the tests of the numbered examples share; read by each test.sh, which has said in $here where it is.
# BUILD is the folder in which berth was built, PORT where to serve, STATE an empty folder.
BUILD=${BUILD:-$here/../../build}
STATE=${STATE:-$(mktemp -d)}
PORT=${PORT:-8080}
PATH=$BUILD:$PATH:/usr/sbin
export STATE PORT PATH BERTH_CONTROL="$STATE/control.sock"
chmod 755 "$STATE" # nginx's workers are somebody else, where it was started by root

# Ends with 77, and a line that says why, where one of these programs is not installed.
need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "$program is not installed"; exit 77; }
    done
}
fail() {
    echo "test.sh: $*" >&2
    tail -n 40 "$STATE/berth.log" >&2
    exit 1
}
# Asks at each path until an answer has the text behind it: PATH TEXT PATH TEXT …
expect() {
    /usr/bin/python3 - "$PORT" "$@" <<'PYTHON' || fail "these never answered as expected: $*"
import sys, time, urllib.request
give_up = time.monotonic() + 20
for path, text in zip(sys.argv[2::2], sys.argv[3::2]):
    while True:
        try:
            if text in urllib.request.urlopen("http://127.0.0.1:%s%s" % (sys.argv[1], path), timeout=10).read().decode():
                break
        except OSError:
            pass
        if time.monotonic() > give_up:
            sys.exit(1)
        time.sleep(0.02)
PYTHON
}

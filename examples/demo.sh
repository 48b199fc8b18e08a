#!/bin/sh
# berth at work: nginx under `berth run`, loaded by clients that open a connection for each request, while its worker is killed, the
# service restarted, and the supervisor killed. Sets up everything that it needs. Lasts about fifteen seconds after that.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/build-aux/debian.sh"

install_packages $build_packages nginx-light procps
say "building berth"
build=${BUILD:-$top/build}
build_berth "$build" -- berth tests/lib/berth-load

room=$(mktemp -d)
berth=$build/berth
export BERTH_CONTROL="$room/control.sock"
load_pid=
berth_pid=
clean_up() {
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || true
    [ -z "$berth_pid" ] || { kill "$berth_pid" 2>/dev/null && wait "$berth_pid"; } || true
    rm -rf "$room"
}
trap clean_up EXIT

mkdir "$room/www" "$room/tmp"
echo 'Hello from nginx, on a socket that it did not bind.' >"$room/www/index.html"
cat >"$room/nginx.conf" <<CONF
daemon off;
pid $room/nginx.pid;
error_log $room/error.log;
worker_processes 2;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $room/tmp; proxy_temp_path $room/tmp; fastcgi_temp_path $room/tmp;
    uwsgi_temp_path $room/tmp; scgi_temp_path $room/tmp;
    server { listen 127.0.0.1:${PORT:-8090}; root $room/www; }
}
CONF
chmod -R a+rX "$room"

state() {
    "$berth" --json status nginx
}
worker_pid() {
    state | sed -n 's/.*"pid": \([0-9]*\).*/\1/p' | head -n 1
}
supervisor_pid() {
    pgrep -P "$berth_pid" -f '^berth: supervisor' | head -n 1
}
# Until the service runs with another worker than $1.
wait_for_worker() {
    for _ in $(seq 500); do
        now=$(worker_pid 2>/dev/null) || now=
        [ -n "$now" ] && [ "$now" != "$1" ] && return 0
        sleep 0.02
    done
    echo "the worker did not come back" >&2
    return 1
}

say "berth run: nginx on a held socket, port ${PORT:-8090}"
"$berth" run --listen "web=127.0.0.1:${PORT:-8090}" --set stable_after=0 --stop-signal QUIT \
    --env 'NGINX={fd:web};' -- nginx -p "$room" -e "$room/error.log" -c "$room/nginx.conf" 2>"$room/berth.log" &
berth_pid=$!
wait_for_worker none
"$berth" status

say "8 clients, a new connection for each request"
mkfifo "$room/stop"
"$build/tests/lib/berth-load" --clients 8 --pause 500 --until-eof "127.0.0.1:${PORT:-8090}" <"$room/stop" >"$room/report" &
load_pid=$!
exec 3>"$room/stop"
sleep 1

say "kill -9 of the nginx master and its workers, 5 times"
for _ in 1 2 3 4 5; do
    old=$(worker_pid)
    kill -9 "-$old"
    wait_for_worker "$old"
    sleep 0.3
done
say "kill -9 of berth's supervisor, 5 times"
before=$(worker_pid)
for _ in 1 2 3 4 5; do
    kill -9 "$(supervisor_pid)"
    sleep 0.4
done
[ "$(worker_pid)" = "$before" ] && echo "nginx is still process $before: it has not noticed"
say "berth restart nginx, 3 times"
for _ in 1 2 3; do
    "$berth" restart nginx
    sleep 0.3
done

exec 3>&-
wait "$load_pid" || true
load_pid=
say "what the clients saw"
cat "$room/report"
say "what berth wrote (last lines of $(wc -l <"$room/berth.log"))"
tail -n 6 "$room/berth.log"
say "berth shutdown"
"$berth" shutdown
wait "$berth_pid" || true
berth_pid=
if grep -q 'refused 0,' "$room/report"; then
    echo "No connection was refused. A request that was being answered by a process at the instant of its kill -9 is the only kind that can be lost."
else
    echo "Connections were refused: this is a bug in berth." >&2
    exit 1
fi

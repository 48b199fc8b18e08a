#!/bin/sh
# Three clients talk while the server is restarted, killed, and loses its supervisor; each has one connection from the beginning to
# the end. See test-common.sh for what it may be told.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../test-common.sh"
need /usr/bin/python3

berth up -c "$here/berth.ini" 2>"$STATE/berth.log" &
berth_pid=$!

/usr/bin/python3 - "$PORT" <<'PYTHON' || fail "the clients have not met again"
import json
import os
import signal
import socket
import subprocess
import sys
import time

address = ("127.0.0.1", int(sys.argv[1]))


def status():
    """Of berth, once it answers."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        answer = subprocess.run(["berth", "--json", "status"], capture_output=True)
        if answer.returncode == 0:
            return json.loads(answer.stdout)
        time.sleep(0.02)
    sys.exit("berth does not answer")


def worker():
    return status()["services"][0]["workers"][0]


def until(what, holds):
    give_up = time.monotonic() + 20
    while not holds():
        if time.monotonic() > give_up:
            sys.exit("in vain: " + what)
        time.sleep(0.02)


class Client:
    def __init__(self, name):
        self.name = name
        self.connection = socket.create_connection(address, timeout=20)
        self.lines = self.connection.makefile("r")
        self.say(name)

    def say(self, text, end="\n"):
        self.connection.sendall((text + end).encode())

    def hear(self, expected):
        line = self.lines.readline()
        if line != expected + "\n":
            sys.exit("%s heard %r in place of %r" % (self.name, line, expected))


until("the server is up", lambda: worker()["state"] == "ready")
clients = []
for name in ("ann", "bob", "eve"):
    clients.append(Client(name))
    for client in clients:
        client.hear("* %s is here" % name)


def talk(about):
    for client in clients:
        client.say(about)
        for other in clients:
            other.hear("%s: %s" % (client.name, about))


def step(what):
    print("== " + what, flush=True)


def other_worker(but):
    until("another process", lambda: worker().get("pid", but) != but and worker()["state"] == "ready")


talk("hello")
step("berth restart, with half a line on its way")
before = worker()["pid"]
clients[0].say("I was just say", end="")
subprocess.run(["berth", "restart", "chat"], check=True, stdout=subprocess.DEVNULL)
assert worker()["pid"] != before
clients[0].say("ing")
for client in clients:
    client.hear("ann: I was just saying")

step("kill -9 of the server, five times")
for i in range(5):
    before = worker()["pid"]
    os.kill(before, signal.SIGKILL)
    talk("are you there, after %d?" % before)
    other_worker(before)

step("kill -9 of the supervisor, and of both at once")
for victims in ("supervisor", "both", "supervisor", "both"):
    before = status()["pid"]
    if victims == "both":
        os.kill(worker()["pid"], signal.SIGKILL)
    os.kill(before, signal.SIGKILL)
    talk("still here, without " + victims)
    until("another supervisor", lambda: status()["pid"] != before)

step("the server hangs: its watchdog replaces it")
until("three are stored", lambda: worker().get("stored") == 3)
os.kill(worker()["pid"], signal.SIGSTOP)
clients[0].connection.settimeout(60)
for client in clients:
    client.connection.settimeout(60)
talk("that took a while")

step("eve leaves")
clients.pop().connection.shutdown(socket.SHUT_RDWR)
for client in clients:
    client.hear("* eve has left")
until("two are stored", lambda: worker().get("stored") == 2)

step("berth stop: nobody is kept waiting for a server that is not to come back")
subprocess.run(["berth", "stop", "chat"], check=True, stdout=subprocess.DEVNULL)
for client in clients:
    assert client.lines.readline() == "", client.name
PYTHON

shut_down
echo "They talked all the while."

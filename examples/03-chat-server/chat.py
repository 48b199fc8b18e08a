"""A chat server. A line is said to everybody; the first line of a client is its name.

Whoever has a name is left with the supervisor (FDSTORE=1), by its connection, and is found again by the next process."""
import array
import os
import select
import signal
import socket

MOST = 512  # bytes of a line


def notify(text, *sockets):
    """Tells the supervisor; what SOCKETS are goes along."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        fds = array.array("i", [x.fileno() for x in sockets])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if sockets else []
        s.sendmsg([text.encode()], rights, 0, address.replace("@", "\0", 1))


def inherited():
    """The sockets that we were given, each with its name."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise SystemExit("chat.py: it is to be started by berth, or with systemd-socket-activate")
    names = os.environ["LISTEN_FDNAMES"].split(":")
    return [(name, socket.socket(fileno=3 + i)) for i, name in enumerate(names)]


class Chat:
    def __init__(self):
        self.listener = None
        self.clients = {}  # socket: name in the store, "NUMBER NAME"; "" for one that has said nothing yet
        self.last = 0
        for name, sock in inherited():
            sock.setblocking(False)
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                self.listener = sock
            else:
                self.clients[sock] = name
                self.last = max(self.last, int(name.split(" ")[0]))

    def say(self, text):
        for sock in list(self.clients):
            try:
                if self.clients[sock]:
                    sock.sendall(text.encode() + b"\n")
            except OSError:  # it is gone, or does not read
                self.leave(sock)

    def leave(self, sock):
        label = self.clients.pop(sock, "")
        if label:
            notify("FDSTOREREMOVE=1\nFDNAME=" + label)
        sock.close()
        if label:
            self.say("* %s has left" % label.split(" ", 1)[1])

    def join(self, sock, name):
        name = "".join(c for c in name if c.isascii() and c.isalnum())[:32] or "somebody"
        self.last += 1
        self.clients[sock] = "%d %s" % (self.last, name)
        notify("FDSTORE=1\nFDNAME=" + self.clients[sock], sock)
        self.say("* %s is here" % name)

    def hear(self, sock):
        """Takes a line off the socket once it is whole: half a line is left there for whoever comes after us."""
        try:
            there = sock.recv(MOST, socket.MSG_PEEK)
        except OSError:
            there = b""
        end = there.find(b"\n")
        if end < 0 and (not there or len(there) == MOST or self.is_over(sock)):
            self.leave(sock)
            return
        # With half a line there, wake us only when there is more.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if end >= 0 else len(there) + 1)
        if end < 0:
            return
        line = sock.recv(end + 1).decode(errors="replace").strip()
        label = self.clients[sock]
        if not label:
            self.join(sock, line)
        else:
            self.say("%s: %s" % (label.split(" ", 1)[1], line))

    @staticmethod
    def is_over(sock):
        """Has the client said its last word?"""
        poll = select.poll()
        poll.register(sock, select.POLLRDHUP)
        return bool(poll.poll(0))

    def serve(self):
        # What has been taken off a socket is said to all before we go: TERM is only looked at in between.
        ended, waker = socket.socketpair()
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        signal.signal(signal.SIGTERM, lambda *_: None)
        notify("READY=1")
        while True:
            notify("WATCHDOG=1\nSTATUS=%d here" % sum(1 for label in self.clients.values() if label))
            readable, _, _ = select.select([self.listener, ended, *self.clients], [], [], 3)
            if ended in readable:
                return
            for sock in readable:
                if sock is self.listener:
                    client, _ = sock.accept()
                    client.setblocking(False)
                    self.clients[client] = ""
                elif sock in self.clients:
                    self.hear(sock)


if __name__ == "__main__":
    Chat().serve()

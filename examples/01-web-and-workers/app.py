"""Two WSGI programs: pages reads a database, api counts in redis."""
import os
import socket
import sqlite3
import time


def answer(start_response, text):
    body = text.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def pages(environ, start_response):
    with sqlite3.connect("file:%s?mode=ro" % os.environ["DATABASE"], uri=True) as db:
        (title,) = db.execute("SELECT title FROM page").fetchone()
    return answer(start_response, "%s, %s\npid=%d\n" % (os.environ["GREETING"], title, os.getpid()))


def count_in_redis():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as redis:
        redis.connect(os.environ["REDIS"])
        redis.sendall(b"INCR visits\r\n")
        reply = redis.makefile("rb").readline()
    if not reply.startswith(b":"):
        raise ConnectionError(reply)
    return int(reply[1:])


def api(environ, start_response):
    # Whoever binds by itself is gone for a moment when it is restarted, and those who ask it have to wait for it.
    give_up = time.monotonic() + 8
    while True:
        try:
            return answer(start_response, "visits=%d\npid=%d\n" % (count_in_redis(), os.getpid()))
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)

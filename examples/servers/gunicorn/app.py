import os


def app(environ, start_response):
    body = b"pid=%d\n" % os.getpid()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


# A worker has come so far: with `berth run --ready fd:9 --env READY_FD=9` berth knows it.
if "READY_FD" in os.environ:
    os.write(int(os.environ["READY_FD"]), b"\n")

"""A small web server in Python: as a WSGI application for gunicorn, and by itself on the descriptor given as its argument."""
import http.server
import os
import socket
import sys


def body():
    return b"pid=%d\n" % os.getpid()


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", str(len(body())))])
    return [body()]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body())))
        self.end_headers()
        self.wfile.write(body())

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=int(sys.argv[1]))
    server.serve_forever()

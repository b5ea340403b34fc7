"""The service of a stranger who tries our wheel: answers `hello` to everything."""

import argparse
import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers a request."""

    def do_GET(self) -> None:
        """Answer it."""
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=8000)
http.server.ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()

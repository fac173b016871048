#!/usr/bin/env python3
"""Serves saved answers of NetBox page by page, as its REST API does: limit, offset, next, a token.
Stands in for NetBox, which is no package of Debian.  Prints its port.

usage: netbox_server.py FOLDER TOKEN [elsewhere]    elsewhere: the next page names another server
"""
import json
import pathlib
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder, token = pathlib.Path(sys.argv[1]), sys.argv[2]
elsewhere = len(sys.argv) > 3
PAGE = 3  # smaller than what is asked for: a server may bound it


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        name = url.path.strip("/").rsplit("/", 1)[-1]
        if self.headers.get("Authorization") != "Token " + token:
            return self.answer(403, {"detail": "Invalid token"})
        if not url.path.startswith("/api/dcim/") or not (folder / (name + ".json")).exists():
            return self.answer(404, {"detail": "Not found."})
        rows = json.loads((folder / (name + ".json")).read_text())["results"]
        at = int(urllib.parse.parse_qs(url.query).get("offset", ["0"])[0])
        host = "http://127.0.0.2:1" if elsewhere else "http://" + self.headers["Host"]
        more = f"{host}{url.path}?limit={PAGE}&offset={at + PAGE}" if at + PAGE < len(rows) else None
        return self.answer(200, {"count": len(rows), "next": more, "previous": None,
                                 "results": rows[at:at + PAGE]})


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()

#!/usr/bin/env python3
"""The faces of a site of 250,000 GPUs: HTTP under load, event streams, idle connections, the command
line and the console's frames, each with the process's memory.  A peer or floor stands beside in the
same run: nginx serving the same bytes from a file.  Everything is on loopback and bounded in time.

usage: bench/faces.py MW SCENARIO [--seconds N]"""
import argparse
import json
import os
import re
import resource
import select
import shutil
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "web"))
from lab import Lab, until  # noqa: E402

STREAMS = 200
IDLE = 10_000


def row(name, value, unit="", target="", met=None):
    shown = f"{value:,.3g}" if isinstance(value, float) else f"{value:,}"
    mark = "" if met is None else ("  met" if met else "  MISSED")
    print(f"{name:62} {shown:>10} {unit:10} {target}{mark}", flush=True)


def note(text):
    print(f"  {text}", flush=True)


def memory_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(url, connections, seconds, token=None):
    """(requests a second, p99 in ms, errors)."""
    head = ["-H", f"Authorization: Bearer {token}"] if token else []
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                          "--timeout", "10s", *head, url], capture_output=True, text=True,
                         check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    bad = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", out)))
    bad += int((re.search(r"Non-2xx or 3xx responses: (\d+)", out) or [0, 0])[1])
    return rate, float(p99) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit], bad


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Site:
    def __init__(self, lab, mw, scenario):
        self.lab, self.mw = lab, mw
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        began = time.monotonic()
        self.process = lab.start(mw, "serve", "--replay", scenario, "--paused", "--speed", "3600",
                                 "--journal", lab.path("journal"), "--socket", lab.path("mw.sock"),
                                 "--http", f"127.0.0.1:{self.port}")
        if not until(120, lambda: lab.ask("/readyz")[0] == 200):
            sys.exit("mw serve did not start: " + open(lab.path("log"), encoding="utf-8").read())
        row("from start to the first answer", time.monotonic() - began, "s")
        lab.ask("/api/v1/replay", {"until": "2025-01-02T00:00:00Z"})
        until(300, lambda: lab.ask("/api/v1/replay")[1]["state"] == "paused")
        self.token = lab.ask("/api/v1/tokens", {"name": "bench", "roles": ["viewer"]})[1]["token"]
        with open(os.open(lab.path("token"), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="ascii") as f:
            f.write(self.token)

    def get(self, path):
        return self.lab.raw(path)[2]

    def memory(self):
        return memory_mib(self.process.pid)


def start_nginx(lab, body):
    """The same bytes from a file, with one worker: what HTTP itself costs here."""
    if not shutil.which("nginx"):
        note("nginx is not installed: no peer (apt-get install nginx-light)")
        return None
    port = free_port()
    os.mkdir(lab.path("www"))
    with open(lab.path("www/page"), "wb") as f:
        f.write(body)
    os.chmod(lab.dir, 0o755)
    lab.write("nginx.conf", f"""daemon off; worker_processes 1; pid {lab.path('nginx.pid')};
error_log {lab.path('nginx.log')}; worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {lab.path('n1')};
proxy_temp_path {lab.path('n2')}; fastcgi_temp_path {lab.path('n3')};
uwsgi_temp_path {lab.path('n4')}; scgi_temp_path {lab.path('n5')};
server {{ listen 127.0.0.1:{port}; root {lab.path('www')}; }} }}
""", 0o644)
    lab.start("nginx", "-c", lab.path("nginx.conf"), "-e", lab.path("nginx.log"))
    time.sleep(1)
    return f"http://127.0.0.1:{port}/page"


def http_load(site, seconds):
    print("\n== HTTP: one thread answers; wrk takes the other core")
    path = "/api/v1/nodes?limit=20"
    body = site.get(path)
    peer = start_nginx(site.lab, body)
    for connections in (64, 1000):
        rate, p99, bad = wrk(site.url + path, connections, seconds, site.token)
        row(f"GET {path} ({len(body):,} bytes), {connections} connections", rate, "/s")
        row("  waited, 99 of 100", p99, "ms", "<= 50 ms", p99 <= 50)
        if bad:
            note(f"{bad} failed")
        if peer:
            theirs, p99, _ = wrk(peer, connections, seconds)
            row("  peer: nginx, the same bytes from a file", theirs, "/s")
            note(f"ours / peer {rate / theirs:.3f}; peer's 99 of 100: {p99:.2f} ms")
    rate, p99, bad = wrk(site.url + "/version", 64, seconds)
    row("GET /version, 64 connections", rate, "/s")
    row("  waited, 99 of 100", p99, "ms")
    row("memory of mw serve, all of it", site.memory(), "MiB", "<= 512 MiB", site.memory() <= 512)


def connect(site, path, token):
    s = socket.create_connection(("127.0.0.1", site.port))
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
              f"Authorization: Bearer {token}\r\n\r\n".encode())
    return s


def streams(site, seconds):
    print(f"\n== {STREAMS} event streams, and one reader that reads nothing")
    before = site.memory()
    slow = connect(site, "/api/v1/stream?kind=all", site.token)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    readers = [connect(site, "/api/v1/stream?kind=all", site.token) for _ in range(STREAMS)]
    poll = select.epoll()
    for s in readers:
        s.setblocking(False)
        poll.register(s, select.EPOLLIN)
    by_fd = {s.fileno(): s for s in readers}
    used = cpu_s(site.process.pid)
    site.lab.ask("/api/v1/replay", {"paused": False, "speed": 600})
    events, size, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for fd, _ in poll.poll(0.2):
            data = by_fd[fd].recv(1 << 20)
            size += len(data)
            events += data.count(b"\nid: ") + data.startswith(b"id: ")
    site.lab.ask("/api/v1/replay", {"paused": True})
    used = cpu_s(site.process.pid) - used
    row("events delivered, all readers together", events / seconds, "/s")
    note(f"{size / seconds / 1e6:.1f} MB/s; {100 * used / seconds:.0f} % of a core for all of mw "
         f"serve, the replay with it")
    row("memory that they cost", site.memory() - before, "MiB")
    t = time.monotonic()
    site.get("/api/v1/summary")
    row("a question beside them waits", (time.monotonic() - t) * 1e3, "ms")
    for s in [slow, *readers]:
        s.close()


def idle(site, seconds):
    print(f"\n== {IDLE:,} idle connections")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, IDLE + 500), hard))
    before = site.memory()
    held = []
    for i in range(IDLE):
        s = socket.socket()
        s.bind((f"127.0.0.{2 + i // 5000}", 0))
        s.connect(("127.0.0.1", site.port))
        held.append(s)
    row("memory a connection", (site.memory() - before) * 1024 / IDLE, "KiB")
    rate, p99, bad = wrk(site.url + "/api/v1/nodes?limit=20", 64, seconds, site.token)
    row("GET /api/v1/nodes?limit=20 beside them, 64 connections", rate, "/s")
    row("  waited, 99 of 100", p99, "ms", "<= 50 ms", p99 <= 50)
    if bad:
        note(f"{bad} failed")
    alive = 0
    for s in held:
        try:
            alive += s.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) != b""
        except BlockingIOError:
            alive += 1
    row("of them still connected", alive, "", f"{IDLE:,}", alive == IDLE)
    for s in held:
        s.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def timed_ms(argv, runs=7):
    times = []
    for _ in range(runs):
        t = time.monotonic()
        out = subprocess.run(argv, capture_output=True, check=False, env={**os.environ, "TERM": "xterm"})
        times.append((time.monotonic() - t) * 1e3)
    return statistics.median(times), out


def command_line(site):
    print("\n== the command line, whole processes")
    at = ["--socket", site.lab.path("mw.sock")]
    for name, argv, most in (
            ("mw --help", ["--help"], 10),
            ("mw get nodes, 31,250 rows as a table", ["get", "nodes", "--limit", "0", *at], 300),
            ("mw get nodes -o json", ["get", "nodes", "--limit", "0", "-o", "json", *at], None),
            ("mw get gpus --filter state=down", ["get", "gpus", "-l", "state=down", *at], None),
            ("mw top -1: the first picture", ["top", "-1", *at], 200)):
        ms, out = timed_ms([site.mw, *argv])
        row(name, ms, "ms", f"<= {most} ms" if most else "", ms <= most if most else None)
        if out.returncode != 0:
            note(f"exit {out.returncode}: {out.stderr.decode(errors='replace')[:200]}")
    path = "/api/v1/nodes?limit=50000"
    ms = []
    for _ in range(5):
        t = time.monotonic()
        size = len(site.get(path))
        ms.append((time.monotonic() - t) * 1e3)
    row("floor: the rows over the socket, read by nobody", statistics.median(ms), "ms")
    note(f"{size / 1e6:.1f} MB")


def console(site):
    print("\n== the console in Chromium, 250,000 cells, software rendering")
    out = subprocess.run(["node", os.path.join(HERE, "..", "tests", "web", "frames.mjs"), site.url,
                          site.lab.ask("/api/v1/session/link", {})[1].get("link", "")],
                         capture_output=True, text=True, check=False)
    if out.returncode != 0:
        note("it could not be measured: " + out.stderr[-600:])
        return
    r = json.loads(out.stdout)
    row("page, first load, gzipped", r["bytes"] / 1e3, "kB", "<= 120 kB", r["bytes"] <= 120_000)
    row("from nothing to the home page", r["home_ms"], "ms")
    row("from there to the map", r["map_ms"], "ms")
    row("frames while the map is moved and zoomed", r["fps"], "/s", ">= 50", r["fps"] >= 50)
    row("  99 of 100 frames", r["p99_ms"], "ms", "<= 40 ms", r["p99_ms"] <= 40)
    note(f"floor: an empty page's frames in this browser: {r['floor_fps']:.1f} /s")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mw")
    p.add_argument("scenario")
    p.add_argument("--seconds", type=int, default=8)
    p.add_argument("--only", choices=["http", "streams", "idle", "cli", "console"])
    a = p.parse_args()
    lab = Lab()
    try:
        print("== a replayed site of 250,000 GPUs, one day old")
        site = Site(lab, os.path.abspath(a.mw), a.scenario)
        row("memory of mw serve", site.memory(), "MiB")
        for name, part in (("http", lambda: http_load(site, a.seconds)),
                           ("streams", lambda: streams(site, a.seconds)),
                           ("idle", lambda: idle(site, a.seconds)),
                           ("cli", lambda: command_line(site)),
                           ("console", lambda: console(site))):
            if a.only in (None, name):
                part()
    finally:
        lab.end()
        shutil.rmtree(lab.dir, ignore_errors=True)


main()

"""What stands at the other end of mw-gather in these tests: a listener that speaks the agents'
protocol as far as a gatherer needs it, decodes samples, and remembers all it was told."""
import socket
import threading
import time
import urllib.parse

MARK = 0x01


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def words(line):
    verb, *rest = line.split(" ")
    return verb, {k: urllib.parse.unquote(v) for k, v in (w.split("=", 1) for w in rest)}


class Daemon:
    """One connection at a time; a new one takes the place of the old."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.lock = threading.Condition()
        self.machines, self.parts, self.findings, self.sources = {}, {}, [], []
        self.rows, self.values, self.acted, self.hellos = {}, {}, [], []
        self.connection = None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.server.accept()
            self.connection, self.rows = connection, {}
            try:
                self.hear(connection)
            except (OSError, IndexError):
                pass

    def hear(self, connection):
        data = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
            while data:
                if data[0] == MARK:
                    size = int.from_bytes(data[1:4], "little") if len(data) >= 4 else 1 << 30
                    if len(data) < 4 + size:
                        break
                    self.take_samples(data[4:4 + size])
                    data = data[4 + size:]
                else:
                    end = data.find(b"\n")
                    if end < 0:
                        break
                    self.take_line(*words(data[:end].decode()))
                    data = data[end + 1:]

    def send(self, line):
        self.connection.sendall(line.encode() + b"\n")

    def take_line(self, verb, w):
        with self.lock:
            if verb == "hello":
                self.hellos.append(w)
                self.send("welcome version=2 beat_ms=1000 sample_ms=1000")
            elif verb == "machine":
                self.machines[int(w["n"])] = w
            elif verb == "part":
                self.parts[(self.name(w), w["scope"], int(w["n"]))] = w
            elif verb == "finding":
                self.findings.append({**w, "machine": self.name(w)})
            elif verb == "source":
                self.sources.append((self.name(w), w["name"], w["state"], w.get("text", "")))
            elif verb == "acted":
                self.acted.append(w)
            elif verb == "clock":
                now = int(time.time() * 1e6)
                self.send(f"clock t0_us={w['t0_us']} t1_us={now}")
            if "e" in w:
                self.send(f"ack n={w['e']}")
            self.lock.notify_all()

    def name(self, w):
        return self.machines[int(w["machine"])]["name"]

    def take_samples(self, p):
        with self.lock:
            head, at = [], 0
            for _ in range(4):
                value, at = varint(p, at)
                head.append(value)
            rows = self.rows.setdefault(head[0], [])
            count, at = varint(p, at)
            for _ in range(count):
                metric, at = varint(p, at)
                instance, at = varint(p, at)
                rows.append([metric, instance, 0])
            count, at = varint(p, at)
            row = -1
            for _ in range(count):
                gap, at = varint(p, at)
                delta, at = varint(p, at)
                row += gap + 1
                rows[row][2] += (delta >> 1) ^ -(delta & 1)
                key = (self.machines[head[0]]["name"], rows[row][0], rows[row][1])
                self.values[key] = rows[row][2]
            self.lock.notify_all()

    def wait(self, what, seconds=40):
        """Until what() is true; returns it."""
        deadline = time.monotonic() + seconds
        with self.lock:
            while True:
                found = what()
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError("not told in time")
                self.lock.wait(min(left, 0.2))

    def finding(self, machine, code, up):
        """The first finding of a machine with a code, in a state."""
        return next((f for f in self.findings if f["machine"] == machine and f.get("code") == code
                     and f["up"] == ("1" if up else "0")), None)

    def part_named(self, machine, name):
        return next((n for (m, scope, n), w in self.parts.items()
                     if m == machine and w["name"] == name and scope in ("sensor", "outlet")), None)

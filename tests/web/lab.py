"""What tests of a running daemon share: a replayed site in a folder of its own, questions over its
socket, and TAP.  Everything listens on loopback."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

count = 0
failed = 0


def ok(good, name, more=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)
    if not good and more:
        print("# " + str(more)[:3000].replace("\n", "\n# "), flush=True)
    return bool(good)


def until(seconds, what):
    """The first truth of what(), asked for so long."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.2)


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Lab:
    """One folder, the programs started in it, and what they said (log)."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mw-web-")
        self.started = []

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(self.path(name), flags, mode), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def start(self, *argv):
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT)
        self.started.append(process)
        return process

    def start_site(self, mw, scenario, *options):
        process = self.start(mw, "serve", "--replay", scenario, "--journal", self.path("journal"),
                             "--socket", self.path("mw.sock"), *options)
        ok(until(30, lambda: self.ask("/readyz")[0] == 200), "the daemon runs")
        return process

    def raw(self, path, body=None, headers=None, method=None):
        """(status, headers, bytes); status 0 when nobody answers."""
        c = Unix(self.path("mw.sock"))
        said = dict(headers or {})
        if body is not None:
            said.setdefault("Content-Type", "application/json")
        try:
            c.request(method or ("POST" if body is not None else "GET"), path,
                      json.dumps(body) if body is not None else None, said)
            r = c.getresponse()
            return r.status, r.headers, r.read()
        except OSError as e:
            return 0, {}, str(e).encode()
        finally:
            c.close()

    def ask(self, path, body=None):
        status, _, data = self.raw(path, body)
        try:
            return status, json.loads(data)
        except ValueError:
            return status, data.decode(errors="replace")

    def end(self):
        """Exit codes, in the order of the starts."""
        for p in reversed(self.started):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        return [p.wait(30) for p in self.started]

    def finish(self):
        """After end(): the last of what was said if something failed, the plan, the exit."""
        if failed:
            with open(self.path("log"), errors="replace", encoding="utf-8") as f:
                print("# " + f.read()[-4000:].replace("\n", "\n# "))
        print(f"1..{count}")
        shutil.rmtree(self.dir, ignore_errors=True)
        sys.exit(failed > 0)


def run(main):
    """main(lab), with every end of it told."""
    lab = Lab()
    try:
        main(lab)
    except Exception as e:  # a test that breaks has failed
        import traceback
        ok(False, "no exception", traceback.format_exc() + str(e))
        lab.end()
    lab.finish()

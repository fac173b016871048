#!/usr/bin/python3 -B
"""No fact is lost: the real programs over mutual TLS, an agent in a network namespace of its own,
whose link is cut while its kernel log goes on; while it is cut the agent is killed, and the daemon.

usage: cut.py MW MW_AGENT [--seconds N]     how long the link is cut (3)

Exits 77 where this cannot be tried: not as root, or without network namespaces.
What would break for the user: a GPU that fell off the bus while the network was away, of which
nobody ever hears.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

WAIT_S = 40  # for what has to come; far more than it takes
SKIP = 77


class Fail(Exception):
    pass


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, **more)


def wait_for(what, condition):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise Fail(f"never came: {what}")


class Link:
    """A namespace with one end of a pair; the other end is here."""

    def __init__(self):
        # Short enough for an interface's name, and ours alone.
        self.name = f"mwcut{os.getpid() % 100000}"
        low = os.getpid() % 16384 * 4
        self.host = f"10.213.{low >> 8}.{(low & 255) + 1}"
        self.inside = f"10.213.{low >> 8}.{(low & 255) + 2}"

    def begin(self):
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns",
            self.name)
        run("ip", "addr", "add", f"{self.host}/30", "dev", self.name)
        run("ip", "link", "set", self.name, "up")
        run("ip", "-n", self.name, "addr", "add", f"{self.inside}/30", "dev", "eth0")
        run("ip", "-n", self.name, "link", "set", "eth0", "up")

    def set(self, up):
        run("ip", "link", "set", self.name, "up" if up else "down")

    def end(self):
        for command in (["link", "del", self.name], ["netns", "del", self.name]):
            subprocess.run(["ip", *command], capture_output=True, check=False, timeout=60)


class Stage:
    def __init__(self, args, folder):
        self.mw, self.agent_program = args.mw, args.mw_agent
        self.dir = pathlib.Path(folder)
        self.link = Link()
        self.children = []
        self.facts = 0
        self.address = None

    def start(self, name, *command):
        log = open(self.dir / f"{name}.log", "a", encoding="utf-8")
        child = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        self.children.append(child)
        return child

    def end(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        self.link.end()

    # ---- the daemon

    def serve(self):
        listen = self.address or f"{self.link.host}:0"
        before = self.text("serve").count("agents connect to")
        child = self.start("serve", self.mw, "serve", "--site", str(self.dir / "site.yaml"),
                           "--no-slurm", "--journal", str(self.dir / "journal"), "--listen", listen,
                           "--agents-tls", "--http", "none", "--socket", str(self.dir / "mw.sock"))
        wait_for("the daemon", lambda: self.text("serve").count("agents connect to") > before or
                 self.ended(child, "serve"))
        self.address = re.findall(r"agents connect to (\S+) over TLS", self.text("serve"))[-1]
        return child

    def ended(self, child, name):
        if child.poll() is not None:
            raise Fail(f"{name} ended: {self.text(name)[-2000:]}")
        return False

    def text(self, name):
        path = self.dir / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    # ---- the agent

    def inside(self, *command):
        return ("ip", "netns", "exec", self.link.name, *command)

    def join(self):
        token = run(self.mw, "agent", "token", "new", "--journal", str(self.dir / "journal"),
                    "--nodes", self.node).stdout
        path = self.dir / "token"
        path.touch(0o600)
        path.write_text(token, encoding="utf-8")
        run(*self.inside(self.agent_program, "join", "--daemon", self.address, "--token", str(path),
                         "--node", self.node, "--state-dir", str(self.dir / "state")))

    def agent(self):
        return self.start("agent", *self.inside(
            self.agent_program, "--daemon", self.address, "--node", self.node, "--kmsg",
            str(self.dir / "kmsg"), "--state-dir", str(self.dir / "state")))

    def say(self, count):
        """So many kernel lines, each a fact of its own: a GPU at another bus has gone."""
        with open(self.dir / "kmsg", "a", encoding="utf-8") as log:
            for _ in range(count):
                self.facts += 1
                log.write(f"NVRM: Xid (PCI:0000:{self.facts:02x}:00): 79, pid=1, GPU has fallen off "
                          "the bus.\n")

    def spool(self):
        """Events that the daemon has not said are durable; None while the file is made anew."""
        try:
            text = (self.dir / "state" / "events").read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        head = re.match(r"mw-spool 1 id=\w{16} base=(\d+) acked=(\d+) ", text)
        if not head:
            return None
        return int(head[1]) + text.count("\n", 128) - 1 - int(head[2])

    def opened(self):
        """Findings on a GPU of the node in the record, as often as each was opened."""
        text = run(self.mw, "journal", "export", str(self.dir / "journal")).stdout
        found = {}
        for line in text.splitlines():
            event = json.loads(line)
            body = event.get("body", {})
            if event.get("kind") == "finding.opened" and body.get("detail") == 79:
                found[body["finding"]] = found.get(body["finding"], 0) + 1
        return found


def play(stage, seconds):
    run(stage.mw, "site", "new", "--gpus", "32", "--out", str(stage.dir / "site.yaml"))
    nodes = json.loads(run(stage.mw, "site", "show", str(stage.dir / "site.yaml"), "--kind", "node",
                           "--json").stdout)
    stage.node = nodes[0]["name"]
    (stage.dir / "kmsg").touch()
    stage.link.begin()
    daemon = stage.serve()
    stage.join()
    agent = stage.agent()
    wait_for("the agent's connection", lambda: "connected" in stage.text("agent") or
             stage.ended(agent, "agent"))
    stage.say(10)
    wait_for("the first facts, durable", lambda: spooled(stage, 0))

    stage.link.set(False)
    began = time.monotonic()
    stage.say(30)
    wait_for("facts in the spool", lambda: stage.spool() == 30)
    agent.send_signal(signal.SIGKILL)  # ip netns exec has become the program
    agent.wait()
    agent = stage.agent()
    stage.say(30)
    wait_for("more of them", lambda: stage.spool() == 60)
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    daemon = stage.serve()
    stage.say(30)
    wait_for("all of them", lambda: stage.spool() == 90)
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    stage.link.set(True)
    back = time.monotonic()
    wait_for("an empty spool", lambda: spooled(stage, 0))
    took = time.monotonic() - back

    stage.say(10)
    wait_for("what came after", lambda: spooled(stage, 0))
    daemon.send_signal(signal.SIGTERM)
    if daemon.wait(timeout=30) != 0:
        raise Fail("the daemon did not end well")
    found = stage.opened()
    if len(found) != stage.facts:
        raise Fail(f"{stage.facts} facts, {len(found)} in the record")
    twice = {n: times for n, times in found.items() if times > 1}
    print(f"{stage.facts} facts over a link that was cut for {back - began:.1f} s, with the agent and "
          f"the daemon killed meanwhile: all in the record, {len(twice)} of them twice; the last "
          f"was durable {took:.2f} s after the link was back")


def spooled(stage, count):
    """Waits for the kernel log to be read first: as many events as facts went through the spool."""
    return stage.spool() == count and kmsg_read(stage)


def kmsg_read(stage):
    """The agent has read its log to the end: it follows it by inotify, a second time is enough."""
    before = stage.spool()
    time.sleep(0.3)
    return stage.spool() == before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mw")
    parser.add_argument("mw_agent")
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("ip") is None:
        print("needs root and iproute2")
        return SKIP
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        print("no network namespaces here")
        return SKIP
    with tempfile.TemporaryDirectory(prefix="mw-cut-") as folder:
        stage = Stage(args, folder)
        try:
            play(stage, args.seconds)
        except (Fail, subprocess.SubprocessError) as why:
            print(f"FAILED: {why} {getattr(why, 'stderr', '') or ''}", file=sys.stderr)
            for name in ("serve", "agent"):
                print(f"---- {name}\n{stage.text(name)[-3000:]}", file=sys.stderr)
            return 1
        finally:
            stage.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())

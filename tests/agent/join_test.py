#!/usr/bin/python3 -B
"""The real programs, over mutual TLS on this machine: joining, being refused, being revoked.

usage: join_test.py MW MW_AGENT
What would break for the user: a node that cannot join and is not told why, or a stranger that can.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

MW, AGENT = sys.argv[1:3]
WAIT_S = 40


class Join(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mw-join-")
        self.addCleanup(self.folder.cleanup)
        self.dir = pathlib.Path(self.folder.name)
        self.children = []
        self.addCleanup(self.end)
        self.run_mw("site", "new", "--gpus", "64", "--out", self.at("site.yaml"))
        nodes = json.loads(self.run_mw("site", "show", self.at("site.yaml"), "--kind", "node",
                                       "--json").stdout)
        self.nodes = [n["name"] for n in nodes]
        self.serve()

    def at(self, name):
        return str(self.dir / name)

    def run_mw(self, *args, code=0):
        done = subprocess.run([MW, *args], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def start(self, name, *command):
        with open(self.at(f"{name}.log"), "a", encoding="utf-8") as log:
            child = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def end(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()

    def text(self, name):
        return pathlib.Path(self.at(f"{name}.log")).read_text(encoding="utf-8")

    def wait_for(self, what, condition):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.05)
        self.fail(f"never came: {what}\n" + "\n".join(
            p.read_text(errors="replace")[-2000:] for p in self.dir.glob("*.log")))

    def serve(self):
        self.start("serve", MW, "serve", "--site", self.at("site.yaml"), "--no-slurm", "--journal",
                   self.at("journal"), "--listen", "127.0.0.1:0", "--agents-tls", "--http", "none",
                   "--socket", self.at("mw.sock"), "--for", "120s")
        self.wait_for("the daemon", lambda: " over TLS" in self.text("serve"))
        self.address = re.search(r"agents connect to (\S+) over TLS", self.text("serve"))[1]

    def token(self, *args):
        made = self.run_mw("agent", "token", "new", "--journal", self.at("journal"), *args).stdout
        path = pathlib.Path(self.at(f"token-{len(list(self.dir.glob('token-*')))}"))
        path.touch(0o600)
        path.write_text(made, encoding="utf-8")
        return str(path)

    def join(self, token, node, code=0, state="state"):
        done = subprocess.run([AGENT, "join", "--daemon", self.address, "--token", token, "--node",
                               node, "--state-dir", self.at(state)], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    def agents(self):
        status = self.run_mw("status", "--socket", self.at("mw.sock"), "--json")
        return status.stdout

    def test_a_node_joins_is_heard_and_can_be_revoked(self):
        node = self.nodes[2]
        token = self.token("--nodes", node)
        self.join(token, node)
        pem = pathlib.Path(self.at("state/node.pem"))
        self.assertEqual(pem.stat().st_mode & 0o777, 0o600)
        self.start("agent", AGENT, "--daemon", self.address, "--node", node, "--state-dir",
                   self.at("state"))
        self.wait_for("the agent", lambda: ": connected" in self.text("agent"))
        listed = json.loads(self.run_mw("agent", "list", "--journal", self.at("journal"),
                                        "--json").stdout)
        self.assertEqual([(n["name"], n["role"], n["state"]) for n in listed],
                         [(node, "agent", "valid")])
        self.assertIn("used up", self.join(token, node, code=1, state="thief"))
        self.run_mw("agent", "revoke", node, "--journal", self.at("journal"))
        self.wait_for("the refusal", lambda: "revoked" in self.text("agent"))
        listed = json.loads(self.run_mw("agent", "list", "--journal", self.at("journal"),
                                        "--json").stdout)
        self.assertEqual(listed[0]["state"], "revoked")
        self.join(self.token("--nodes", node), node)

    def test_who_may_not_join_is_told_why(self):
        token = self.token("--nodes", "h01-*", "--uses", "0")
        self.assertIn("names like h01-*", self.join(token, "m7", code=1))
        os.chmod(token, 0o644)
        self.assertIn("mode 0600", self.join(token, self.nodes[0], code=1))
        gather = self.token("--gather")
        self.assertIn("for a gatherer", self.join(gather, self.nodes[0], code=1))
        ended = self.token("--expires", "1s")
        self.wait_for("its end", lambda: time.time() > os.stat(ended).st_mtime + 2.1)
        self.assertIn("has ended", self.join(ended, self.nodes[0], code=1))
        with open(self.at("mine"), "w", encoding="ascii") as mine:
            os.chmod(self.at("mine"), 0o600)
            mine.write("a word\n")
        self.assertIn("no join token", self.join(self.at("mine"), self.nodes[0], code=1))
        self.assertFalse(os.path.exists(self.at("state/node.pem")))

    def test_a_token_of_another_daemon_is_not_said_to_this_one(self):
        other = self.at("elsewhere")
        os.mkdir(other)
        made = self.run_mw("agent", "token", "new", "--journal", f"{other}/journal").stdout
        with open(self.at("foreign"), "w", encoding="ascii") as foreign:
            os.chmod(self.at("foreign"), 0o600)
            foreign.write(made)
        self.assertIn("not the daemon that made this token",
                      self.join(self.at("foreign"), self.nodes[0], code=1))

    def test_a_gatherer_joins_by_mw(self):
        token = self.token("--gather", "--nodes", "racks")
        self.run_mw("agent", "join", "--daemon", self.address, "--token", token, "--name", "racks",
                    "--state-dir", self.at("gather"))
        listed = self.run_mw("agent", "list", "--journal", self.at("journal"), "-o", "csv").stdout
        self.assertIn("racks,gather,valid", listed)
        self.run_mw("agent", "join", "--daemon", self.address, "--token", token, "--name", "racks",
                    "--state-dir", self.at("gather"), code=4)

    def test_without_tls_only_this_machine_is_heard(self):
        done = self.run_mw("serve", "--site", self.at("site.yaml"), "--no-slurm", "--journal",
                           self.at("journal2"), "--listen", "0.0.0.0:0", "--http", "none",
                           "--socket", self.at("mw2.sock"), "--for", "1s", code=4)
        self.assertIn("--agents-tls", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

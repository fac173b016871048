#!/usr/bin/env python3
"""A drill end to end on this machine: a GPU dies under a running process.

Starts `mw serve` for a site of one node, its agent with the stand-in for NVML (tests/standin/nvml)
and its executor, and a training process that the stand-in says to run on GPU 3.  Then GPU 3 is
lost.  What follows is read over the HTTP API alone: finding, incident, step, action and its end,
gate, and the node's return.  Prints when each was recorded and when it was seen, counted from the
fault.  The GPU is a stand-in; programs, protocol, policy and times are real.

usage: gpu_dies.py --build DIR [--mode act|observe] [--within SECONDS] [--keep]
"""
import argparse
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

GPUS, DEAD = 8, 3
SMI = os.path.abspath(os.path.join(os.path.dirname(__file__), "../standin/nvml/nvidia-smi"))
# Chosen: a step of two lets a machine that others load as well be slow, and a hang be seen.
PATIENCE_S = 60

EXEC_CONF = """\
mode = act
user = {uid}
gpus = {gpus}
reset-gpu.allow = yes
reset-gpu.rate = 4/1h
reset-gpu.command = {dir}/gpu-reset {{gpu}} {{pci}}
reset-gpu.verify = {dir}/gpu-check gpu
check.allow = yes
check.rate = 20/1h
check.command = {dir}/gpu-check {{class}}
"""

# The stand-in's nvidia-smi refuses as the real one does while any program has the GPU open: the
# agent has to let go of it first.
RESET = """\
#!/bin/sh
echo "$@" >>{dir}/resets
export MW_NVML_SCRIPT={dir}/nvml.script
exec {smi} --gpu-reset -i "$1"
"""

# The agent's own check of GPUs, which asks the stand-in: exit 0 well, 10 not.
CHECK = """\
#!/bin/sh
export MW_NVML_SCRIPT={dir}/nvml.script
exec {build}/src/agent/mw-agent check --class "$1" --only driver,sources --no-tools --budget 5s \\
    --nvml {build}/tests/standin/nvml/libnvidia-ml.so.1
"""


class Trouble(Exception):
    """The drill did not end as it must."""


class Api:
    """The daemon's HTTP API on its Unix socket."""

    def __init__(self, path):
        self.path = path

    def get(self, what):
        c = http.client.HTTPConnection("localhost", timeout=10)
        c.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        c.sock.connect(self.path)
        c.request("GET", what)
        answer = c.getresponse()
        body = answer.read()
        c.close()
        if answer.status != 200:
            raise Trouble(f"GET {what}: {answer.status} {body[:200]!r}")
        return json.loads(body)

    def alive(self):
        try:
            return bool(self.get("/api/v1/status"))
        except (OSError, http.client.HTTPException):
            return False


def until(what, condition, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {seconds} s")
        time.sleep(0.01)


class Drill:
    def __init__(self, arguments):
        self.a = arguments
        self.dir = tempfile.mkdtemp(prefix="mw-gpu-dies-")
        self.processes = []
        self.api = Api(f"{self.dir}/mw.sock")
        self.seen = {}   # sequence: (Unix time when it was seen, event)
        self.after = 0

    def path(self, name):
        return f"{self.dir}/{name}"

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def program(self, name, *command, **env):
        with open(self.path(f"{name}.log"), "ab") as log:
            p = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, **env))
        self.processes.append(p)
        return p

    # ---- the stage -----------------------------------------------------------------------------

    def prepare(self):
        self.write("site.yaml", SITE)
        self.write("rules.yaml", RULES)
        self.write("exec.conf", EXEC_CONF.format(uid=os.geteuid(), gpus=GPUS, dir=self.dir))
        self.write("gpu-reset", RESET.format(dir=self.dir, smi=SMI), 0o700)
        self.write("gpu-check",
                   CHECK.format(dir=self.dir, build=os.path.abspath(self.a.build)), 0o700)
        self.write("kmsg", "")
        os.mkdir(self.path("state"), 0o700)
        os.mkdir(self.path("exec"), 0o700)
        for gpu in range(GPUS):
            device = self.path(f"pci/{ADDRESS[gpu]}")
            os.makedirs(device)
            for name, text in (("vendor", "0x10de\n"), ("class", "0x030200\n")):
                with open(f"{device}/{name}", "w", encoding="utf-8") as f:
                    f.write(text)

    def start(self):
        b = self.a.build
        self.program("serve", f"{b}/src/cli/mw", "serve", "--site", self.path("site.yaml"),
                     "--no-slurm", "--journal", self.path("journal"), "--mode", self.a.mode,
                     "--policy", self.path("rules.yaml"), "--listen", "127.0.0.1:0",
                     "--http", "none", "--socket", self.path("mw.sock"))
        until("the daemon", self.api.alive)
        listens = self.api.get("/api/v1/status")["agents"]["listens"]
        train = self.program("train", f"{b}/examples/train/train", "--dir", self.path("job"),
                             "--steps", "1000000", "--pace", "20")
        self.write("nvml.script", f"gpus {GPUS}\ngpu {DEAD} process {train.pid} 4096\n"
                                  f"gpu {DEAD} load 80\n")
        self.program("exec", f"{b}/src/agent/mw-agent", "exec", "--policy", self.path("exec.conf"),
                     "--socket", self.path("exec.sock"), "--state", self.path("exec"))
        until("the executor", lambda: os.path.exists(self.path("exec.sock")))
        self.program("agent", f"{b}/src/agent/mw-agent", "run", "--daemon", listens, "--node", "n1",
                     "--state-dir", self.path("state"), "--exec-socket", self.path("exec.sock"),
                     "--nvml", f"{b}/tests/standin/nvml/libnvidia-ml.so.1",
                     "--without", OTHERS, "--pci-dir", self.path("pci"), "--kmsg", self.path("kmsg"),
                     "--watch", f"none={self.path('none.pid')}",
                     MW_NVML_SCRIPT=self.path("nvml.script"))
        until("readings of the GPUs and the executor", self.ready)
        return train

    def ready(self):
        """The GPUs are read, and the executor is linked."""
        try:
            machine = self.api.get("/api/v1/machines/n1")
        except Trouble:
            return False
        ok = {s["name"] for s in machine.get("sources", []) if s["state"] == "ok"}
        return {"gpu", "executor"} <= ok

    # ---- the play ------------------------------------------------------------------------------

    def look(self):
        answer = self.api.get(f"/api/v1/events?after={self.after}&limit=200")
        now = time.time()
        for row in answer["rows"]:
            self.seen[row["seq"]] = (now, self.api.get(f"/api/v1/events/{row['seq']}"))
            self.after = max(self.after, row["seq"])

    def first(self, kind, after=0, **body):
        for seq in sorted(self.seen):
            event = self.seen[seq][1]
            if seq > after and event["kind"] == kind and all(
                    event["body"].get(k) == v for k, v in body.items()):
                return seq
        return 0

    def wait(self, kind, seconds=PATIENCE_S, after=0, **body):
        def there():
            self.look()
            return self.first(kind, after, **body)
        return until(kind, there, seconds)

    def gpu_dies(self, train):
        with open(self.path("nvml.script"), "a", encoding="utf-8") as f:
            f.write(f"gpu {DEAD} lost\n")
        fault = time.time()
        train.send_signal(signal.SIGKILL)  # as the driver ends a process whose GPU is gone
        return fault

    def tell(self, fault, seq, what):
        seen, event = self.seen[seq]
        recorded = event["time_ns"] / 1e9 - fault
        print(f"  {recorded:7.3f} s  {seen - fault:7.3f} s  {event['kind']:<18} {what}", flush=True)
        return seen - fault

    def act(self):
        train = self.start()
        self.look()
        before = self.after
        fault = self.gpu_dies(train)
        print("  recorded    seen over HTTP, from the fault on", flush=True)
        hops = [("finding.opened", "GPU lost, as NVML says"), ("incident.opened", "")]
        if self.a.mode == "observe":
            return self.observe(fault, before, hops)
        hops += [("step.chosen", "reset-gpu"), ("action.started", "asked of the executor")]
        for kind, what in hops:
            late = self.tell(fault, self.wait(kind, after=before), what)
        if late > self.a.within:
            raise Trouble(f"the action was seen {late:.3f} s after the fault: more than "
                          f"{self.a.within} s")
        started = self.first("action.started", before)
        end = self.wait("action.ended", after=started)
        self.tell(fault, end, self.seen[end][1]["text"][:60])
        for kind, what in (("finding.closed", "the GPU answers"), ("gate.started", ""),
                           ("gate.ended", "")):
            self.tell(fault, self.wait(kind, after=started), what)
        self.tell(fault, self.wait("incident.closed", after=started), "the node is ready again")
        for node in self.api.get("/api/v1/nodes")["rows"]:
            if node["health"] != "ready":
                raise Trouble(f"{node['name']} is {node['health']}")
        with open(self.path("resets"), encoding="utf-8") as f:
            resets = f.read()
        if resets != f"{DEAD} {ADDRESS[DEAD]}\n":
            raise Trouble(f"the executor ran: {resets!r}")
        return 0

    def observe(self, fault, before, hops):
        for kind, what in hops + [("step.chosen", "what would be done"),
                                  ("order.opened", "a person is asked")]:
            self.tell(fault, self.wait(kind, after=before), what)
        time.sleep(2)
        self.look()
        if self.first("action.started", before) or os.path.exists(self.path("resets")):
            raise Trouble("a machine acted in mode observe")
        print("  no machine was asked to act")
        return 0

    def end(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.terminate()
                try:
                    p.wait(10)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
        if not self.a.keep:
            shutil.rmtree(self.dir)


# What else the agent would read is this machine's own, and none of this drill.
OTHERS = ("clock,disk,fs,host,ib,machine,edac,mce,net,speed,optics,pci,ports,sensors,smart,"
          "tasks")

# Those of the stand-in (tests/standin/nvml/nvml.c).
ADDRESS = [f"0000:{bus:02x}:00.0" for bus in (0x1a, 0x1b, 0x4a, 0x4b, 0x8a, 0x8b, 0xca, 0xcb)]

SITE = """\
site: drill
models:
  - {name: box, gpus: 8, nics: 0, power_w: 10kW}
halls:
  - {name: hall}
breakers:
  - {name: main, limit_w: 100kW}
pdus:
  - {name: pdu, breaker: main}
racks:
  - {name: k1, hall: hall, feeds: [pdu]}
nodes:
  - {name: n1, model: box, rack: k1}
  - {name: n2, model: box, rack: k1}
"""

# The live rules, but for waiting: so that the node's return is seen as well.
RULES = """\
classes:
  gpu: {probation: 1s}
"""


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--build", required=True)
    p.add_argument("--mode", choices=["act", "observe"], default="act")
    p.add_argument("--within", type=float, default=5.0,
                   help="seconds from the fault to the action, seen over HTTP")
    p.add_argument("--keep", action="store_true", help="leave the files of the drill")
    drill = Drill(p.parse_args())
    try:
        drill.prepare()
        drill.act()
        print(f"gpu-dies ({drill.a.mode}): as it must be")
        return 0
    except Trouble as e:
        print(f"gpu-dies: {e}", file=sys.stderr)
        for name in ("serve", "agent", "exec"):
            try:
                with open(drill.path(f"{name}.log"), encoding="utf-8", errors="replace") as f:
                    print(f"-- {name}\n{''.join(f.readlines()[-25:])}", file=sys.stderr)
            except FileNotFoundError:
                pass
        return 1
    finally:
        drill.end()


if __name__ == "__main__":
    sys.exit(main())

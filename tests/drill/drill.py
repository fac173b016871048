"""Drills: a training job under real Slurm and Millwright, while things are killed around it.

Run by script/drill.  Starts a Slurm of its own (script/slurm-lab), `mw serve --mode act` and an
agent a node; submits examples/train/train.sbatch; kills at random moments that follow from the
seed; and holds every job to the weights and the loss curve of a run that nobody disturbed, bit for
bit.  What it measures comes from the daemon's record (mw journal export) and from the phases that
the ranks write.
"""
import argparse
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import measure

KINDS = {
    "rank": "one process of the job (kill -9)",
    "slurmd": "Slurm's daemon on one of the job's nodes",
    "node": "everything on one of the job's nodes at once: agent, slurmd, ranks",
    "daemon": "mw serve, started again at once as systemd would",
    "slurmctld": "Slurm's controller, started again after 1 to 3 s",
    "node+daemon": "a node, and within a second mw serve as well",
}
STARTS_AGAIN = ("rank", "slurmd", "node", "node+daemon")
PATIENCE_S = 45


class Trouble(Exception):
    """A drill did not end as it must."""


def say(text):
    print(text, flush=True)


def until(what, condition, seconds=PATIENCE_S, pause=0.02):
    """The first true value of condition(); Trouble when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {seconds} s")
        time.sleep(pause)


def run(*command, env=None, check=True):
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Trouble(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done


def kill(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def parents():
    """{process: its parent}"""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                found[int(name)] = int(f.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            pass
    return found


def descendants(roots):
    parent, found, grew = parents(), set(roots), True
    while grew:
        more = {p for p, above in parent.items() if above in found} - found
        found |= more
        grew = bool(more)
    return found


class Lab:
    """A Slurm of one machine, made by script/slurm-lab."""

    def __init__(self, arguments):
        self.dir = os.path.abspath(arguments.lab)
        self.nodes = arguments.nodes
        self.agents = f"127.0.0.1:{free_port()}"
        self.env = dict(os.environ, SLURM_CONF=f"{self.dir}/slurm.conf", LC_ALL="C.UTF-8",
                        TZ="UTC")
        command = ["script/slurm-lab", "start", self.dir, "--nodes", str(self.nodes),
                   "--agents", self.agents, "--agent-program", arguments.agent]
        if arguments.port_base:
            command += ["--port-base", str(arguments.port_base)]
        run(*command)

    def ctl(self, *verb):
        run(f"{self.dir}/ctl", *verb)

    def slurm(self, *command, check=True):
        return run(*command, env=self.env, check=check).stdout

    def pid(self, name):
        with open(f"{self.dir}/pids/{name}", encoding="utf-8") as f:
            return int(f.read())

    def steps(self, node):
        """The node's slurmstepds: they hold its slurmd's log open."""
        log, found = f"{self.dir}/log/slurmd-{node}.log", []
        for pid in parents():
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                    if f.read().strip() != "slurmstepd":
                        continue
                fds = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
            except OSError:
                continue
            if log in fds:
                found.append(pid)
        return found

    def kill_node(self, node):
        # The steps first: as one moment, as far as that is possible.
        kill(descendants(self.steps(node)) | {self.pid(f"slurmd-{node}")} |
             {self.pid(f"agent-{node}")})

    def idle(self):
        lines = self.slurm("sinfo", "-h", "-N", "-o", "%N %T", check=False).split("\n")
        return [line.split()[0] for line in lines if line.endswith(" idle")]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """mw serve, as a service manager would run it."""

    def __init__(self, lab, mw, extra):
        self.mw, self.lab, self.process = mw, lab, None
        self.socket = f"{lab.dir}/mw.sock"
        self.journal = f"{lab.dir}/journal"
        self.command = [mw, "serve", "--site", f"{lab.dir}/site.yaml", "--slurm",
                        f"{lab.dir}/slurm.conf", "--journal", self.journal, "--mode", "act",
                        "--listen", lab.agents, "--http", "none", "--socket", self.socket, *extra]
        self.start()

    def start(self):
        with open(f"{self.lab.dir}/log/mw-serve.log", "ab") as log:
            self.process = subprocess.Popen(self.command, env=self.lab.env, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        with open(f"{self.lab.dir}/pids/mw-serve", "w", encoding="utf-8") as f:
            f.write(f"{self.process.pid}\n")

    def answers(self):
        if self.process.poll() is not None:
            raise Trouble(f"mw serve ended with {self.process.returncode}; see "
                          f"{self.lab.dir}/log/mw-serve.log")
        return run(self.mw, "status", "--socket", self.socket, check=False).returncode == 0

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Job:
    """One submission of examples/train/train.sbatch."""

    def __init__(self, lab, arguments, name):
        self.lab, self.dir = lab, f"{lab.dir}/jobs/{name}"
        os.makedirs(os.path.dirname(self.dir), exist_ok=True)
        env = dict(lab.env, TRAIN=os.path.abspath(arguments.train), MW_TRAIN_HOST="127.0.0.1",
                   MW_PROGRESS_DIR=f"{lab.dir}/nodes/%n/progress",
                   MW_EXITS_DIR=f"{lab.dir}/nodes/%n/exits")
        self.id = int(run("sbatch", "--parsable", "--nodes", str(arguments.ranks), "--output",
                          f"{self.dir}.out", "examples/train/train.sbatch", self.dir,
                          *arguments.recipe, "--pace", str(arguments.pace), env=env).stdout)

    def phases(self):
        found = []
        for rank in range(16):
            try:
                with open(f"{self.dir}/phases-{rank}.log", encoding="utf-8") as f:
                    found += [measure.read_phase(line) for line in f if line.endswith("\n")]
            except FileNotFoundError:
                break
        return sorted(found, key=lambda p: p["utc_ns"])

    def state(self):
        text = self.lab.slurm("scontrol", "show", "job", "-o", str(self.id), check=False)
        match = re.search(r"JobState=(\w+)", text)
        return match.group(1) if match else None

    def first(self, phase, after_ns, rank=0):
        """The first such phase of a rank that was started after that time."""
        started = None
        for p in self.phases():
            if p["rank"] != rank:
                continue
            if p["phase"] == "started":
                started = p["utc_ns"]
            if p["phase"] == phase and started is not None and started > after_ns:
                return p
        return None

    def ranks(self):
        """{rank: its last start}"""
        return {p["rank"]: p for p in self.phases() if p["phase"] == "started"}

    def done(self):
        return os.path.exists(f"{self.dir}/weights.bin")

    def steps(self):
        try:
            with open(f"{self.dir}/curve.txt", "rb") as f:
                return f.read().count(b"\n")
        except FileNotFoundError:
            return 0


class Drills:
    def __init__(self, arguments, lab, daemon):
        self.a, self.lab, self.daemon = arguments, lab, daemon
        self.random = random.Random(arguments.seed)
        self.done, self.out = [], []
        self.job = None

    def plan(self):
        """Every kind as often as any other, in an order that follows from the seed."""
        kinds = self.a.kinds
        plan = [kinds[i % len(kinds)] for i in range(self.a.drills)]
        if not self.a.in_turn:
            self.random.shuffle(plan)
        return plan

    def victim(self):
        rank = self.random.randrange(self.a.ranks)
        return self.job.ranks()[rank]

    def strike(self, kind):
        """Kills; what was struck and when."""
        victim = self.victim()
        node, t = victim["node"], time.time_ns()
        if kind == "rank":
            kill([victim["pid"]])
        elif kind == "slurmd":
            kill([self.lab.pid(f"slurmd-{node}")])
        elif kind in ("node", "node+daemon"):
            self.lab.kill_node(node)
        if kind == "slurmctld":
            kill([self.lab.pid("slurmctld")])
        elif kind == "daemon":
            self.daemon.kill()
        elif kind == "node+daemon":
            time.sleep(self.random.random())
            self.daemon.kill()
        return {"kind": kind, "job": self.job.id, "dir": self.job.dir, "node": node, "t_ns": t,
                "rank": victim["rank"]}

    def await_start(self, drill):
        """Until the job works again and has made up for what was lost; False when it had ended."""
        after = drill["t_ns"]
        first = until("the job works again", lambda: self.job.first("first-step", after) or
                      (self.job.done() and self.job.state() == "COMPLETED"))
        if drill["kind"] != "rank":
            self.out.append((drill["node"], drill["kind"]))
        if first is True:
            return False
        caught = until("the job has caught up", lambda: self.job.first("caught-up", after) or
                       (self.job.first("ended", after) and {"utc_ns": time.time_ns()}))
        drill["first_ns"], drill["caught_ns"] = first["utc_ns"], caught["utc_ns"]
        return True

    def await_calm(self, drill):
        """The job runs on as if nothing had happened, and what was killed is back."""
        if drill["kind"] == "slurmctld":
            time.sleep(1 + 2 * self.random.random())
            self.lab.ctl("start-slurmctld")
            until("slurmctld answers", lambda: "UP" in
                  self.lab.slurm("scontrol", "ping", check=False), pause=0.05)
        else:
            until("mw serve answers", self.daemon.answers)
        drill["back_ns"] = time.time_ns()
        steps = self.job.steps()
        until("the job goes on", lambda: self.job.steps() > steps or self.job.done())
        if self.job.first("started", drill["t_ns"]):
            raise Trouble(f"the job was started again although only {drill['kind']} was killed")

    def revive(self):
        for node, kind in self.out:
            if kind == "slurmd":
                self.lab.ctl("start-slurmd", node)
            else:
                self.lab.ctl("revive-node", node)
        self.out = []

    def slurm_has_saved(self):
        """slurmctld writes its state seconds late: killed before that, it starts the job twice."""
        started = max(p["utc_ns"] for p in self.job.ranks().values())
        try:
            saved = os.stat(f"{self.lab.dir}/state/job_state").st_mtime_ns
        except FileNotFoundError:
            return False
        return saved > started + 500_000_000 or time.time_ns() > started + 15_000_000_000

    def one(self, number, kind):
        if kind in STARTS_AGAIN and kind != "rank":
            until("a node is free", lambda: len(self.lab.idle()) >= 1 or self.job.done(), 300, 0.5)
        if kind == "slurmctld":
            until("slurmctld has saved", lambda: self.slurm_has_saved() or self.job.done())
        time.sleep(0.2 + 1.8 * self.random.random())
        if self.job.done():
            return False
        drill = self.strike(kind)
        drill["number"] = number
        counts = True
        if kind in STARTS_AGAIN:
            counts = self.await_start(drill)
        else:
            self.await_calm(drill)
        self.revive()
        if not counts:
            return False
        self.done.append(drill)
        end = drill.get("caught_ns") or drill["back_ns"]
        say(f"drill {number:3}  {kind:12} job {drill['job']} rank {drill['rank']} on "
            f"{drill['node']:4} {(end - drill['t_ns']) / 1e9:6.2f} s")
        return True

    def submit(self, number):
        begin_ns = time.time_ns()
        self.job = Job(self.lab, self.a, f"job{number}")
        until("the job works", lambda: self.job.first("first-step", begin_ns), 300)

    def finish(self, reference):
        until("the job ends", self.job.done, 600, 0.2)
        until("Slurm says that it is completed", lambda: self.job.state() == "COMPLETED", 60, 0.1)
        for name in ("weights.bin", "curve.txt"):
            with open(f"{self.job.dir}/{name}", "rb") as ours, \
                    open(f"{reference}/{name}", "rb") as theirs:
                if ours.read() != theirs.read():
                    raise Trouble(f"{self.job.dir}/{name} differs from {reference}/{name}")
        say(f"job {self.job.id} is done: weights and loss curve are those of the undisturbed run")

    def all(self, reference):
        plan, number, jobs = self.plan(), 0, 0
        while number < len(plan):
            jobs += 1
            self.submit(jobs)
            while number < len(plan) and self.one(number + 1, plan[number]):
                number += 1
            self.finish(reference)
        return jobs


def undisturbed(arguments, folder):
    """The same run without Slurm: other processes, other timing, the same bits."""
    shutil.rmtree(folder, ignore_errors=True)
    ranks = [subprocess.Popen([arguments.train, "--dir", folder, "--rank", str(r), "--ranks",
                               "2", *arguments.recipe], stdout=subprocess.DEVNULL)
             for r in range(2)]
    if any([p.wait() for p in ranks]):
        raise Trouble("the undisturbed run failed")


def explain(lab, drills):
    """What a person needs to see when a drill went wrong."""
    for title, command in (("squeue", ("squeue",)), ("sinfo", ("sinfo", "-N", "-o", "%N %T %E"))):
        say(f"-- {title}\n{lab.slurm(*command, check=False)}")
    names = [f"{lab.dir}/log/mw-serve.log"]
    names += [f"{drills.job.dir}.out", f"{drills.job.dir}/phases-0.log"] if drills.job else []
    for name in names:
        say(f"-- {name}")
        say(run("tail", "-n", "25", name, check=False).stdout)
    say("-- processes")
    shown = run("ps", "-e", "-o", "pid,ppid,pgid,stat,etimes,wchan:20,args").stdout.split("\n")
    say("\n".join(l[:150] for l in shown if "slurmstepd" in l or "srun" in l or lab.dir in l))


def read_arguments():
    p = argparse.ArgumentParser(prog="script/drill", description=__doc__.split("\n")[0])
    p.add_argument("--lab", required=True, help="folder for the Slurm of the drills")
    p.add_argument("--drills", type=int, default=50)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--nodes", type=int, default=12)
    p.add_argument("--ranks", type=int, default=4, help="nodes of a job: 1, 2, 4, 8 or 16")
    p.add_argument("--steps", type=int, default=1500, help="of a job")
    p.add_argument("--pace", type=int, default=20, help="ms that a step takes at least")
    p.add_argument("--kinds", default=",".join(KINDS), help="what is killed: %(default)s")
    p.add_argument("--in-turn", action="store_true", help="the kinds in that order")
    p.add_argument("--port-base", type=int, help="of the lab; otherwise free ports are found")
    p.add_argument("--results", help="write the table of phases into this file")
    p.add_argument("--serve", default="", help="more options of mw serve, separated by spaces")
    p.add_argument("--mw", required=True)
    p.add_argument("--agent", required=True)
    p.add_argument("--train", required=True)
    a = p.parse_args()
    a.kinds = a.kinds.split(",")
    unknown = [k for k in a.kinds if k not in KINDS]
    if unknown or a.drills < 1 or a.nodes <= a.ranks:
        p.error(f"unknown kinds {unknown}" if unknown else "drills: 1 or more; more nodes than "
                "ranks")
    a.recipe = ["--steps", str(a.steps), "--every", "50", "--seed", str(a.seed)]
    return a


def report(a, drills, daemon, jobs):
    events = run(daemon.mw, "journal", "export", daemon.journal).stdout
    table = measure.table(drills.done, events.split("\n"))
    say(table)
    say(f"{len(drills.done)} drills, {jobs} jobs, every one bit-equal to the undisturbed run")
    if a.results:
        measure.write(a.results, a, table, len(drills.done), jobs)


def main():
    a = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)) # what was started is stopped
    try:
        lab = Lab(a)
    except Trouble as trouble:
        say(f"drill: {trouble}")
        return 1
    daemon = drills = None
    status = 1
    try:
        reference = f"{lab.dir}/undisturbed"
        undisturbed(a, reference)
        daemon = Daemon(lab, a.mw, a.serve.split())
        until("mw serve answers", daemon.answers)
        drills = Drills(a, lab, daemon)
        jobs = drills.all(reference)
        daemon.stop()
        report(a, drills, daemon, jobs)
        status = 0
    except Trouble as trouble:
        say(f"drill: {trouble}")
        if drills:
            explain(lab, drills)
    finally:
        if daemon and daemon.process.poll() is None:
            daemon.stop()
        run(f"{lab.dir}/ctl", "stop", check=False)
    return status


if __name__ == "__main__":
    sys.exit(main())

"""The phases of a restart, from the daemon's record and the ranks' logs, as a table."""
import json
import os
import re

PHASES = ["detect", "decide", "place", "start", "catch up", "whole"]
BEGIN, END = "<!-- written by script/drill: begin -->", "<!-- written by script/drill: end -->"


def read_phase(line):
    """One line of phases-RANK.log."""
    words = dict(word.split("=", 1) for word in line.split())
    for key in ("utc_ns", "mono_ns", "restart", "rank", "pid", "step", "code", "took_ns"):
        if key in words:
            words[key] = int(words[key])
    return words


def phases_of(folder):
    found = []
    for name in sorted(os.listdir(folder)):
        if re.fullmatch(r"phases-\d+\.log", name):
            with open(f"{folder}/{name}", encoding="utf-8") as f:
                found += [read_phase(line) for line in f if line.endswith("\n")]
    return sorted(found, key=lambda p: p["utc_ns"])


def first(items, test):
    return next((i for i in items if test(i)), None)


def detected_ns(drill, events, phases):
    """When anybody knew: the daemon, or of a rank's death its peers."""
    t, node = drill["t_ns"], int(drill["node"].lstrip("n")) - 1
    if drill["kind"] == "rank":
        p = first(phases, lambda p: p["utc_ns"] >= t and p["phase"] == "ended" and p["code"] != 0)
        return p and p["utc_ns"]
    e = first(events, lambda e: e["kind"] == "finding.opened" and e["time_ns"] >= t and
              e["body"].get("node") == node)
    return e and e["time_ns"]


def decided_ns(drill, events, detected):
    if drill["kind"] == "rank":
        return detected # the batch script's own loop
    e = first(events, lambda e: e["kind"] == "engine.order" and e["time_ns"] >= drill["t_ns"] and
              e["body"].get("verb") == "requeue" and e["body"].get("job") == drill["job"])
    return e and e["time_ns"]


def split(drill, events, phases):
    """Seconds of each phase; None where nothing says."""
    t = drill["t_ns"]
    if "back_ns" in drill:
        return {"whole": (drill["back_ns"] - t) / 1e9}
    detected = detected_ns(drill, events, phases)
    decided = decided_ns(drill, events, detected)
    begun = first(phases, lambda p: p["phase"] == "started" and p["utc_ns"] >= (decided or t))
    marks = [t, detected, decided, begun and begun["utc_ns"], drill["first_ns"],
             max(drill["first_ns"], drill["caught_ns"])]
    found = {"whole": (marks[-1] - t) / 1e9}
    for name, a, b in zip(PHASES, marks, marks[1:]):
        found[name] = (b - a) / 1e9 if a and b else None
    return found


def at_share(values, share):
    """Nearest rank."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


def cell(values):
    values = [v for v in values if v is not None]
    if not values:
        return "–"
    return " / ".join(f"{at_share(values, s):.2f}" for s in (50, 90, 100))


def table(drills, lines):
    """Markdown: a row a kind, p50 / p90 / max in seconds."""
    events = [json.loads(line) for line in lines if line]
    logs = {d["dir"]: phases_of(d["dir"]) for d in drills}
    rows = {}
    for d in drills:
        rows.setdefault(d["kind"], []).append(split(d, events, logs[d["dir"]]))
    out = ["| killed | drills | " + " | ".join(PHASES) + " |", "|---|" + "---|" * 7]
    for kind, found in sorted(rows.items()):
        cells = [cell([f.get(p) for f in found]) for p in PHASES]
        out.append(f"| {kind} | {len(found)} | " + " | ".join(cells) + " |")
    saved = [p["took_ns"] / 1e9 for log in logs.values() for p in log if "took_ns" in p]
    return "\n".join(out) + f"\n\nA checkpoint stopped the work for {cell(saved)} s."


def machine():
    with open("/proc/meminfo", encoding="utf-8") as f:
        kib = int(re.search(r"MemTotal:\s+(\d+)", f.read()).group(1))
    return f"a virtual machine with {os.cpu_count()} processors and {kib / 2**20:.0f} GiB"


def write(path, a, text, drills, jobs):
    """Replaces what stands between the marks."""
    with open(path, encoding="utf-8") as f:
        old = f.read()
    if BEGIN not in old or END not in old:
        raise SystemExit(f"drill: {path} has no marks '{BEGIN}' and '{END}'")
    command = f"script/drill --drills {a.drills} --seed {a.seed}"
    new = f"""{BEGIN}
`{command}` on {machine()}: {drills} drills,
{jobs} jobs of {a.steps} steps on {a.ranks} of {a.nodes} nodes, a step every {a.pace} ms,
a checkpoint every 50 steps. Every job ended with the weights and the loss curve of the undisturbed
run, bit for bit. Seconds, p50 / p90 / max, all measured:

{text}
{END}"""
    head, tail = old.split(BEGIN)[0], old.split(END)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + new + tail)

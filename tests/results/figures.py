"""Runs of `mw`, means with intervals, differences of pairs, and Markdown tables."""
import json
import math
import subprocess

# Two-sided 95 % points of Student's t, 1 to 30 degrees of freedom (Fisher and Yates).
T95 = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010,
       2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739,
       2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423]


class Failed(Exception):
    pass


def t95(degrees):
    if degrees <= len(T95):
        return T95[degrees - 1]
    z = 1.959964
    return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)


class Estimate:
    """A mean with the half width of its 95 % interval (Student's t); of one value, no interval."""

    def __init__(self, values):
        self.values = list(values)
        n = len(self.values)
        self.mean = sum(self.values) / n
        self.sd = math.sqrt(sum((v - self.mean) ** 2 for v in self.values) / (n - 1)) if n > 1 else 0.0
        self.half = t95(n - 1) * self.sd / math.sqrt(n) if n > 1 else 0.0

    def __sub__(self, other):
        """The mean of the differences of pairs: runs of one seed."""
        return Estimate(a - b for a, b in zip(self.values, other.values))

    def scaled(self, factor):
        return Estimate(v * factor for v in self.values)

    def holds(self, value):
        return self.mean - self.half <= value <= self.mean + self.half

    def text(self, decimals=2, sign=False):
        plus = "+" if sign else ""
        text = f"{self.mean:{plus},.{decimals}f}"
        if len(self.values) > 1:
            text += f" ± {self.half:,.{decimals}f}"
        return text.replace("-", "−")


class Runs:
    """What `mw sim run SCENARIO --runs N --json` says: estimates by name."""

    def __init__(self, document, command):
        self.command = command
        self.document = document
        self.runs = document["runs"]

    def __getitem__(self, name):
        at = self.document
        for key in name.split("."):
            at = at[key]
        return Estimate(at["values"] if isinstance(at, dict) else [at])

    def ratio(self, above, below, factor=1.0):
        a, b = self[above].values, self[below].values
        return Estimate(factor * x / y if y else 0.0 for x, y in zip(a, b))

    def percent(self, name):
        return self[name].scaled(100.0)

    def hours(self, name):
        """GPU-hours of a class of time."""
        return self["classes." + name].scaled(1.0 / 3600)


class Mw:
    def __init__(self, program, runs=20, seed=1, say=lambda text: None):
        self.program, self.runs, self.seed, self.say = program, runs, seed, say

    def json(self, *words):
        command = [self.program, *words, "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def run(self, scenario, settings=(), runs=None, seed=None):
        """settings: {"key": value} or ["key=value"]."""
        if isinstance(settings, dict):
            settings = [f"{k}={v}" for k, v in settings.items()]
        n = max(2, runs or self.runs)
        words = ["sim", "run", scenario, "--runs", str(n), "--seed", str(seed or self.seed)]
        self.say(" ".join(words))
        for s in settings:
            words += ["--set", s]
        return Runs(self.json(*words), command_text(scenario, settings, n, seed or self.seed))


def command_text(scenario, settings, runs, seed):
    return " ".join([f"mw sim run {scenario}"] + [f"--set {s}" for s in settings] +
                    [f"--runs {runs} --seed {seed}"])


def table(head, rows, right=True):
    """Markdown; all columns but the first aligned right."""
    line = ["---"] + ["---:" if right else "---"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(map(str, r)) + " |" for r in [head, line, *rows]) + "\n"


RECORD = ["result", "published", "ours, modelled", "verdict"]


def record(*rows):
    """A section's own lines of the record; results.py gathers them at the top."""
    return table(RECORD, rows, right=False) + "\n"


def verdict(ok, text=""):
    return ("**reached**" if ok else "**missed**") + (f": {text}" if text else "")


def sensitivity(mw, scenario, settings=(), figure="ettr"):
    """Rows of the ±50 % table, in points."""
    words = ["replay", scenario]
    for s in settings:
        words += ["--set", s]
    mw.say(" ".join(words[:2]) + ", assumptions changed by half")
    rows = []
    for s in mw.json(*words)["sensitivity"]:
        low, high = ("ettr_change_minus_50", "ettr_change_plus_50") if figure == "ettr" else \
            ("change_minus_50", "change_plus_50")
        rows.append([s["assumption"], points(s[low]), points(s[high])])
    return table(["assumption", "halved", "half as much again"], rows)


def points(e):
    half = (e["hi"] - e["lo"]) / 2
    return f"{100 * e['mean']:+.2f} ± {100 * half:.2f}".replace("-", "−")


# ---- arithmetic that a run is compared with -------------------------------------------------------

def binomial_quantile(n, p, share):
    """The least k with P(X <= k) >= share."""
    term = (1 - p) ** n
    total, k = term, 0
    while total < share and k < n:
        term *= (n - k) / (k + 1) * p / (1 - p)
        total += term
        k += 1
    return k


def ettr_exact(mttf, restart, write, interval):
    """As `mw sim ettr-check`: exponential failures at any time, restarts included."""
    wall = mttf * math.exp(restart / mttf) * (math.exp((interval + write) / mttf) - 1)
    return interval / wall

"""What the burn-in of `mw-agent check` finds of bits that are turned on purpose."""
import json
import os
import subprocess
import tempfile

from figures import table

KINDS = [  # rates that turn about one bit, some, and many in a run of eight turns
    ("alu", "a value that a kernel computes", ("3e-9", "1e-8", "1e-7")),
    ("memory", "a bit of memory that is allocated", ("0.005", "0.02", "0.1")),
    ("copy", "a byte between host and GPU", ("1e-7", "1e-6", "1e-5")),
]
SEEDS = 20


def trial(agent, standin, kind, rate, seed):
    """Bits turned, whether the burn-in said so, and whether it named the right GPU."""
    with tempfile.TemporaryDirectory() as folder:
        script, log = f"{folder}/script", f"{folder}/log"
        with open(script, "w", encoding="utf-8") as f:
            f.write(f"gpus 2\nmemory 8388608\nseed {seed}\nflip {kind} gpu=1 rate={rate}\nlog {log}\n")
        p = subprocess.run([agent, "check", "--only", "gpu-burn", "--burn", "1ms", "--json",
                            "--cuda-dir", standin, "--seed", str(seed)], check=False,
                           capture_output=True, text=True, timeout=300,
                           env={**os.environ, "MW_CUDA_SCRIPT": script,
                                           "TMPDIR": folder})
        doc = json.loads(p.stdout)
        turned = 0
        if os.path.exists(log):
            with open(log, encoding="utf-8") as f:
                turned = len(f.readlines())
    bad = [r.get("part") for r in doc["rows"] if r["verdict"] == "fail"]
    return turned, bool(bad), bad in ([], ["gpu1"])


def checks(mw):
    build = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(mw.program))))
    agent = os.path.join(build, "src/agent/mw-agent")
    standin = os.path.join(build, "tests/standin/cuda")
    rows, false, clean, wrong = [], 0, 0, 0
    for kind, what, rates in KINDS:
        for rate in rates:
            done = [trial(agent, standin, kind, rate, seed) for seed in range(1, SEEDS + 1)]
            hit = [d for d in done if d[0] > 0]
            one = [d for d in done if d[0] == 1]
            clean += len(done) - len(hit)
            false += sum(d[1] for d in done if d[0] == 0)
            wrong += sum(not d[2] for d in done)
            share = lambda some: f"{sum(d[1] for d in some)} of {len(some)}" if some else "–"
            rows.append([what if rate == rates[0] else "", rate, str(sum(d[0] for d in done)),
                         share(hit), share(one)])
    program = os.path.join(build, "src/agent/agent_check_test")
    found, of = subprocess.run([program, "--recall"], check=True, capture_output=True,
                               text=True).stdout.split()
    return (f"`script/results checks`: {SEEDS} seeds a row, each a burn-in of eight turns (each input "
            "twice) of two stand-in GPUs of which one has faults. *Stand-in*: our kernels run on the processor, "
            "bits turn at random; no real GPU took part.\n\n"
            + table(["what turns a bit", "rate", "bits turned", "runs with a turned bit: found",
                     "with exactly one: found"], rows) +
            f"\nOf {clean} runs in which no bit turned, {false} were called bad. The GPU without faults "
            f"was blamed in {wrong} runs.\n\nThe processors' burn-in, by itself: {found} of {of} single "
            "bits, each turned at a random value of a turn, changed its result.\n")


SECTIONS = {"checks": checks}

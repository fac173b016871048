"""Whole sites: RSC's lemons, Delta's spares, StepFun's trace, a year of 250,000 GPUs, false alarms."""
import figures
from figures import Estimate, record, table, verdict

OFF = ["policy.lemon.on=false", "policy.growth=false", "policy.retire=false", "policy.escalate=false",
       "policy.least_cost=false", "policy.evict=false", "policy.correlate=false",
       "policy.avoid=false"]  # what a site without us has: the next step when one did not help
OFF_WORK = ["policy.spares.on=false", "policy.interval=1h", "policy.backfill=false",
            "policy.preempt=false", "policy.topology=false"]


# ---- RSC's lemons ---------------------------------------------------------------------------------

RSC = "scenarios/rsc-lemons.yaml"
RSC_RATE, RSC_NODES, RSC_LEMONS, RSC_SHARE = 6.50, 2000, 24, 0.012


# Calibrated on runs without our levers, so that there are 6.50 failures per 1,000 node-days in all:
RSC_AGAIN = 1.54     # failures for each ordinary fault: what a restart did not cure comes again
RSC_AT_WORK = 0.737  # a lemon works so much of the time; it fails at no other
RSC_LOAD = 0.83      # the other nodes, for their thousandth of a lemon's rate


def rsc_rates(part):
    """Settings that let lemons cause this part of all failures, whose rate stays as published."""
    lemon = part * RSC_RATE * RSC_NODES / RSC_LEMONS / 1000 / RSC_AT_WORK  # a day; the file's x 1000
    other = ((1 - part) * RSC_RATE - RSC_LOAD * lemon) / RSC_AGAIN
    return {"faults.node.rate_per_1000_node_days": f"{other:.3f}",
            "faults.intermittent.rate_per_1000_node_days": f"{lemon:.4f}"}


def failed_share(r):
    return r.ratio("large_stopped", "large_attempts", 100.0)


def rsc(mw):
    runs = min(mw.runs, 8)
    rows, reached, precision = [], {}, {}
    for part in (0.25, 0.50, 0.71):
        world = rsc_rates(part)
        before = mw.run(RSC, [f"{k}={v}" for k, v in world.items()] + OFF, runs=runs)
        ours = mw.run(RSC, world, runs=runs)
        rule = mw.run(RSC, {**world, "policy.lemon.on": "false"}, runs=runs)
        none = mw.run(RSC, [f"{k}={v}" for k, v in world.items()] + OFF +
                      ["faults.intermittent.lemons.share=0.000001"], runs=runs)
        bad = Estimate(t + u for t, u in zip(ours["lemons_true"].values, ours["lemons_uncured"].values))
        called = Estimate(t + f for t, f in zip(ours["lemons_true"].values, ours["lemons_false"].values))
        right = 100 * bad.mean / called.mean if called.mean else 0.0
        reached[part], precision[part] = failed_share(ours).mean, right
        before_all = failed_share(before).text(1)
        rate = before["node_faults"].scaled(1000 / (RSC_NODES * 330))
        rows.append([f"{100 * part:.0f} %", rate.text(2), failed_share(before).text(1), failed_share(rule).text(1),
                     failed_share(ours).text(1), failed_share(none).text(1), called.text(0),
                     f"{right:.0f} %"])
    text = table(["failures that lemons cause", "failures per 1,000 node-days before", "before", "ours without the lemon rule", "ours",
                  "no lemons", "called lemons", "truly bad"], rows)
    lines = record(
        ["RSC: jobs of 512 GPUs and more that fail, lemon nodes removed", "14 % → 4 %",
         f"{before_all} % → {reached[0.71]:.1f} %, if lemons cause 71 % of failures",
         verdict(reached[0.71] <= 4)],
        ["RSC: removed nodes that are truly bad", "> 85 %", f"{precision[0.71]:.0f} %",
         verdict(precision[0.71] >= 85)])
    return lines + text + f"""
Share of attempts of jobs of 512 GPUs and more that a node's failure ended, %, modelled, {runs} runs; the
rate and the 14 % before are calibrated, at 71 %. *Truly bad* has a faster clock of failures, or a fault that repairs had
not cured. *No lemons* is what perfect removal on the first day would give, all else as before.
`mw sim run {RSC} --runs {runs}`

The paper does not say how often a lemon failed; if lemons caused less than 71 % of all failures, removing
them alone could not give its fall.

±50 % of each assumption, in points of ETTR, 5 seeds:

{figures.sensitivity(mw, RSC)}"""


# ---- Delta's spares -------------------------------------------------------------------------------

DELTA = "scenarios/delta.yaml"
DELTA_DOWN = 0.007  # 1 - 99.3 %
DELTA_SIZES = [(32, "20y"), (64, "10y"), (80, "8y"), (96, "7y"), (128, "5y"), (512, "2y"), (2048, "1y")]


def delta(mw):
    rows, ok = [], {}
    for nodes, horizon in DELTA_SIZES:
        row = [f"{nodes:,}"]
        for label, hours in (("2.2h", 2.2), ("5min", 1 / 12)):
            r = mw.run(DELTA, {"site.gpus": nodes * 8, "horizon": horizon, "faults.node.repair.mean": label},
                       runs=4)
            need = r["nodes_out_p999"]
            down = DELTA_DOWN / 0.993 / 2.2 * hours
            down = down / (1 + down)
            binomial = figures.binomial_quantile(nodes, down, 0.999)
            row += [f"{need.mean:.0f}", binomial, f"{100 * need.mean / nodes:.1f} %"]
            ok[nodes, label] = 100 * need.mean / nodes
        rows.append(row)
    text = table(["nodes of the job", "spares at 2.2 h", "binomial", "share", "at 5 min", "binomial",
                  "share"], rows)
    rate = [mw.run(DELTA, {"site.gpus": 640, "horizon": "8y",
                           "faults.node.rate_per_1000_node_days": x}, runs=4)["nodes_out_p999"].text(0)
            for x in (38.45, 115.35)]
    near = [n for n, _ in DELTA_SIZES if abs(ok[n, "2.2h"] - 5) <= 1 and
            abs(ok[n, "5min"] - 2) <= 1]
    lines = record(["Delta: more nodes than the job needs, for 99.9 % of the time",
                    "5 % at 2.2 h recovery, 2 % at 5 min",
                    "both within a point for jobs of " + (", ".join(map(str, near)) or "no") + " nodes",
                    verdict(bool(near))])
    return lines + text + f"""
Nodes out at once for no more than 0.1 % of the time, modelled, 4 runs, beside the 99.9 % quantile of a
binomial law. A larger job needs a smaller share, and the paper's size is not known to us. With half the
rate of failures, or half as much again, 80 nodes need {rate[0]} and {rate[1]} spares. `mw sim run {DELTA}`
"""


# ---- StepFun's trace ------------------------------------------------------------------------------

STEPFUN = "scenarios/stepfun.yaml"
STEPFUN_FIGURES = [
    ("ettr", "ETTR (%)", 100, 2), ("goodput", "goodput (%)", 100, 2),
    ("out_share", "GPU time out of service (%)", 100, 3), ("spare_share", "kept as spares (%)", 100, 2),
    ("kills", "attempts that a fault stopped", 1, 0), ("drains", "nodes drained in service", 1, 0),
    ("checkpoint_gpu_h", "lost to checkpoints (GPU-h)", 1, 0),
    ("recompute_gpu_h", "to work done again (GPU-h)", 1, 0),
    ("restart_gpu_h", "to restarts (GPU-h)", 1, 0), ("lost_usd", "lost (USD)", 1, 0)]


def shown(e, scale, decimals, sign=False):
    half = (e["hi"] - e["lo"]) / 2 * scale
    plus = "+" if sign else ""
    return f"{e['mean'] * scale:{plus},.{decimals}f} ± {half:,.{decimals}f}".replace("-", "−")


def levers(mw, scenario, runs, settings=()):
    words = ["sim", "levers", scenario, "--runs", str(runs), "--seed", str(mw.seed)]
    for s in settings:
        words += ["--set", s]
    mw.say(" ".join(words))
    return mw.json(*words)["columns"]


def levers_table(columns, more=()):
    head = ["policy", "ETTR (%)", "change", "goodput (%)", "change", "lost more (USD)"]
    rows = []
    for i, c in enumerate(columns):
        v, d = c["value"], c["change"]
        row = [c["name"], shown(v["ettr"], 100, 2), shown(d["ettr"], 100, 2, True) if i else "",
               shown(v["goodput"], 100, 2), shown(d["goodput"], 100, 2, True) if i else "",
               shown(d["lost_usd"], 1, 0, True) if i else ""]
        rows.append(row + [shown(v[key], scale, decimals) for key, _, scale, decimals in more])
    return table(head + [m[1] for m in more], rows)


def stepfun(mw):
    words = ["replay", STEPFUN, "--compare", "--runs", str(mw.runs), "--seed", str(mw.seed)]
    mw.say(" ".join(words))
    doc = mw.json(*words)
    columns = doc["columns"]
    rows = [[title] + [shown(c["value"][key], scale, decimals) for c in columns] +
            [shown(columns[-1]["change"][key], scale, decimals, True)]
            for key, title, scale, decimals in STEPFUN_FIGURES]
    text = table(["traced faults, modelled jobs"] + [c["name"] for c in columns] + ["last less first"],
                 rows)
    escalated = next((s for s in doc["sensitivity"] if "escalated" in s["assumption"]), None)
    each = levers(mw, STEPFUN, min(mw.runs, 10))
    bound = each[-1]["change"]["ettr"]
    was = mw.run(STEPFUN, OFF + OFF_WORK, runs=min(mw.runs, 10))
    known = mw.run(STEPFUN, {"policy.escalate": "false"}, runs=min(mw.runs, 10))
    sens = [[s["assumption"], figures.points(s["ettr_change_minus_50"]),
             figures.points(s["ettr_change_plus_50"]), figures.points(s["change_minus_50"]),
             figures.points(s["change_plus_50"])] for s in doc["sensitivity"]]
    half = mw.run(STEPFUN, {"crews.escalated": "0.5d"}, runs=5)
    more = mw.run(STEPFUN, {"crews.escalated": "1.5d"}, runs=5)
    base = mw.run(STEPFUN, runs=5)
    counterfactual = (f"An escalated repair that takes half a day or one and a half in place of a day, "
                      f"both chosen, changes what is lost by "
                      f"{(half['lost_usd'] - base['lost_usd']).text(0, True)} and "
                      f"{(more['lost_usd'] - base['lost_usd']).text(0, True)} USD (5 runs).")
    saved = columns[-1]["change"]["lost_usd"]
    lines = record(
        ["StepFun's 348 days, traced faults: lost with our policy, escalation with it", "as it was",
         f"{shown(saved, 1, 0, True)} USD of {columns[0]['value']['lost_usd']['mean']:,.0f}",
         verdict(saved["hi"] < 0)],
        ["StepFun: the same without escalation, which is counterfactual", "as it was",
         f"{(known['lost_usd'] - was['lost_usd']).text(0, True)} USD",
         verdict((known["lost_usd"] - was["lost_usd"]).mean < 0)],
        ["StepFun: distance to the clairvoyant", "≤ 1 point (our goal)",
         f"{shown(bound, 100, 2)} points of ETTR", verdict(bound["mean"] <= 0.01)])
    return f"""{lines}{text}
`mw {" ".join(words)}`; means of {doc["runs"]} seeds, which draw the jobs: the faults are the trace's.
What escalation gives is counterfactual: the scenario assumes how long an escalated repair takes.
{counterfactual if escalated else ""}

One lever off at a time ({min(mw.runs, 10)} seeds, against everything on):

{levers_table(each, [("out_share", "out (%)", 100, 3)])}
±50 % of each assumption, in points, 5 seeds:

{table(["assumption", "ETTR: halved", "half as much again", "goodput: halved", "half as much again"],
       sens)}
What a replay cannot know:

{"".join(f"- {line}" + chr(10) for line in doc["cannot_know"])}"""


# ---- a year of 250,000 GPUs -----------------------------------------------------------------------

YEAR = "scenarios/year-250k.yaml"


def year(mw):
    runs = min(mw.runs, 3)
    each = levers(mw, YEAR, runs)
    base = mw.run(YEAR, runs=runs)
    v = each[0]["value"]
    spares = base["classes.spare"].scaled(1.0 / (8 * 365 * 86400))
    bound = each[-1]["change"]["ettr"]
    lines = record(["250,000 GPUs, a year: distance to the clairvoyant", "≤ 1 point (our goal)",
                    f"{shown(bound, 100, 2)} points of ETTR", verdict(bound["mean"] <= 0.01)])
    return f"""{lines}{levers_table(each, [("spare_share", "spares (%)", 100, 2), ("crews", "in repair", 1, 0)])}
Modelled, {runs} seeds; changes against the first row. `mw sim levers {YEAR} --runs {runs}`

As it is: goodput {shown(v["goodput"], 100, 2)} % of 250,000 GPUs at a load of 80 %, ETTR
{shown(v["ettr"], 100, 2)} %; {base["repairing_p99"].text(0)} nodes under repair at once in the 99th
percentile of time, and so many crews if each works on one; {spares.text(0)} spare nodes on average;
lost {v["lost_usd"]["mean"] / 1e6:,.0f} M USD a year at 2.50 USD a GPU-hour. A restart takes 5 min here and
a checkpoint stops work for 30 s, both chosen: most of the distance to the clairvoyant is the latter.
"""


# ---- false alarms ---------------------------------------------------------------------------------

ALARMS = "scenarios/alarms.yaml"
ALARM_NODES, ALARM_WEEKS = 63, 2 * 365 / 7
# False alarms per 1,000 node-days, and where they are from; the scenario's rate is of the nodes that
# have few, half of all.
DETECTORS = [
    ("Lablup and SKT: 0.84 a day on 63 nodes", 13.33),
    ("Greyhound, 8.7 a job: of 64 nodes and a day, chosen", 8.7 / 64 * 1000),
    ("Greyhound, 3.7 a job", 3.7 / 64 * 1000),
    ("Minder, precision 0.904, 2 faults a day: on 128 nodes, chosen", 2 / 0.904 * 0.096 / 128 * 1000)]


def per_1000_node_weeks(r, name):
    return r[name].scaled(1000 / (ALARM_NODES * ALARM_WEEKS))


def alarms_assumed(mw, runs):
    parts = []
    for name, key, halves in [("how long an alarm stands", "faults.alarm.clears.mean", ("30min", "90min")),
                              ("how often the worst 5 % alarm", "faults.alarm.lemons.factor", (10, 30)),
                              ("the window", "classes.alarm.window", ("30min", "90min"))]:
        seen = [per_1000_node_weeks(mw.run(ALARMS, {"classes.alarm.count": 2, "classes.alarm.window": "1h",
                                                    key: x}, runs=runs), "drains_false").text(2)
                for x in halves]
        parts.append(f"{name} {seen[0]} and {seen[1]}")
    return "; ".join(parts)


def alarms(mw):
    runs = min(mw.runs, 10)
    rows, reached = [], []
    for name, rate in DETECTORS:
        # 1 + 0.05 x 19 times the base rate is the whole
        world = {"faults.alarm.rate_per_1000_node_days": f"{rate / 1.95:.3f}"}
        seen = [mw.run(ALARMS, {**world, "classes.alarm.count": n,
                                **({"classes.alarm.window": "1h"} if n > 1 else {})}, runs=runs)
                for n in (1, 2, 3)]
        drains = [per_1000_node_weeks(r, "drains_false") for r in seen]
        stops = [r["stops_false"] for r in seen]
        rows.append([name, per_1000_node_weeks(seen[0], "false_alarms").text(1)] +
                    [d.text(2) for d in drains] + [s.text(1) for s in stops])
        best = next((i for i in range(3) if drains[i].mean <= 1 and stops[i].mean == 0), 2)
        reached.append([f"False drains per 1,000 node-weeks; {name}", "≤ 1, no job stopped (our goal)",
                        f"{drains[0].text(1)} after one alarm; {drains[best].text(2)} after {best + 1} "
                        f"within an hour, {stops[best].text(1)} jobs stopped",
                        verdict(drains[best].mean <= 1 and stops[best].mean == 0)])
    text = table(["detector", "false alarms", "drains after one", "two in 1 h", "three in 1 h",
                  "jobs stopped after one", "two", "three"], rows)
    return record(*reached) + text + f"""
Alarms and drains per 1,000 node-weeks; jobs stopped before their next checkpoint in two years;
modelled, {runs} runs; half of all alarms come from 5 % of the nodes. `mw sim run {ALARMS}`

±50 % of what is assumed, false drains after two alarms with 0.84 a day: {alarms_assumed(mw, runs)}.

After one alarm nothing else in the policy helps: a drain at a checkpoint is cheap, and it is taken. How
many alarms within what time make an incident is the class's `count` and `window`; by default one is
enough. Alarms of a node are independent here: a detector that closes and opens the same false alarm again
and again passes any count. What the wait costs in true alarms is not shown: a true fault's finding comes
once in the simulator, a live detector repeats it.
"""


SECTIONS = {"rsc": rsc, "delta": delta, "stepfun": stepfun, "year": year, "alarms": alarms}

#!/usr/bin/env python3
"""Every GET of the API, asked of a replayed site and checked against the schema that the API's own
description gives for it; lists page by page, ordered and filtered by each of their fields.

usage: answers_test.py MW SCENARIO MW-AGENT
Prints TAP.  Needs python3-jsonschema; promtool for /metrics."""
import subprocess
import sys
import urllib.parse

from jsonschema import Draft202012Validator

from lab import ok, run, until

MW, SCENARIO, AGENT = sys.argv[1:4]
OWN_PAGES = {"listMachines"}  # no engine of filters and cursors: api/machines_tell
NO_END = {"getStream"}        # an answer without an end: stream_test of src/api
NOT_JSON = {"getConsole", "getAsset", "getMetrics", "getFleetHeat", "getLoginOidc",
            "getLoginReturn", "getOpenapi"}  # their own tests


def some(lab, path, *keys):
    """A value for what stands in braces."""
    status, doc = lab.ask(path)
    row = doc["rows"][0] if status == 200 and doc["rows"] else {}
    return next((row[k] for k in keys if row.get(k) is not None), None)


def filled(lab, path):
    if "{" not in path:
        return path
    value = {
        "/api/v1/nodes/{name}": lambda: some(lab, "/api/v1/nodes?limit=1", "name"),
        "/api/v1/jobs/{id}": lambda: some(lab, "/api/v1/jobs?limit=1&all=1", "job"),
        "/api/v1/incidents/{id}": lambda: some(lab, "/api/v1/incidents?limit=1", "incident"),
        "/api/v1/events/{seq}": lambda: 7,
        "/api/v1/links/{name}": lambda: some(lab, "/api/v1/links?limit=1", "name"),
        "/api/v1/machines/{name}": lambda: some(lab, "/api/v1/machines", "name"),
        "/api/v1/machines/{name}/series": lambda: some(lab, "/api/v1/machines", "name"),
    }.get(path)
    more = "/series?metrics=load1,cpu_busy_pct&points=20" if path.endswith("/series") else ""
    return path[:path.index("{")] + urllib.parse.quote(str(value())) + more if value else None


class Description:
    def __init__(self, doc):
        self.doc = doc

    def complain(self, schema, value):
        whole = dict(schema, components=self.doc["components"])
        errors = list(Draft202012Validator(whole).iter_errors(value))
        return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"[:400] for e in errors[:5]]

    def gets(self):
        for path, item in self.doc["paths"].items():
            if "get" in item:
                yield path, item["get"]


def check_one(lab, d, path, op):
    schema = op["responses"]["200"]["content"]["application/json"]["schema"]
    at = filled(lab, path)
    if at is None:
        return
    status, doc = lab.ask(at)
    if op["operationId"] == "listAudit" and status == 200:
        doc = doc or {}
    if not ok(status == 200, f"{at} answers", (status, doc)):
        return
    bad = d.complain(schema, doc)
    ok(not bad, f"{at} is what the description says", "\n".join(bad))
    if op["operationId"] not in OWN_PAGES and isinstance(doc, dict) and "next" in doc and "total" in doc and doc["rows"]:
        check_list(lab, at, doc)


def check_list(lab, at, doc):
    """Paged by one, a list has the rows that it has at once; every field orders and filters it."""
    join = "&" if "?" in at else "?"
    rows, cursor, pages = [], None, 0
    while pages < 5:
        status, page = lab.ask(f"{at}{join}limit=1" + (f"&cursor={cursor}" if cursor else ""))
        if status != 200:
            break
        rows += page["rows"]
        pages += 1
        cursor = page["next"]
        if cursor is None:
            break
    ok(rows == doc["rows"][:len(rows)] and len(rows) == min(5, doc["total"]),
       f"{at} page by page is {at}", (rows, doc["rows"][:5]))
    wrong = []
    for field, value in doc["rows"][0].items():
        for sign in ("", "-"):
            status, answer = lab.ask(f"{at}{join}sort={sign}{field}&limit=3")
            if status != 200 and not isinstance(value, (list, dict)):
                wrong.append((f"sort={sign}{field}", status, answer))
        status, answer = lab.ask(f"{at}{join}fields={field}&limit=1")
        if status != 200 or list(answer["rows"][0]) != [field]:
            wrong.append((f"fields={field}", status, answer))
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            text = '"' + value.replace('"', '\\"') + '"' if isinstance(value, str) else value
            said = urllib.parse.quote(f"{field}={text}")
            status, answer = lab.ask(f"{at}{join}filter={said}&limit=5")
            if status != 200 or any(r[field] != value for r in answer["rows"]):
                wrong.append((f"filter={field}={text}", status, answer))
    ok(not wrong, f"{at} is ordered, cut and filtered by each of its fields", wrong[:3])


def check_metrics(lab):
    status, headers, text = lab.raw("/metrics")
    ok(status == 200 and len(text.splitlines()) < 20000, "/metrics answers, and is bounded", status)
    r = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                       check=False)
    ok(r.returncode == 0 and not r.stderr, "promtool finds nothing in it",
       (headers.get("Content-Type"), r.stdout, r.stderr))


def check_problems(lab, d):
    """What is refused is a problem document that says what to do."""
    schema = {"$ref": "#/components/schemas/Problem"}
    for path, want in (("/api/v1/nowhere", 404), ("/api/v1/nodes/nobody", 404),
                       ("/api/v1/nodes?filter=health%3D%3D", 422), ("/api/v1/nodes?limit=x", 422),
                       ("/api/v1/nodes?sort=nothing", 422), ("/api/v1/jobs/99999999", 404),
                       ("/api/v1/incidents/1", 422), ("/api/v1/nodes?cursor=AAAA", 422),
                       ("/api/v1/series?names=nothing", 422),
                       ("/api/v1/machines/nobody", 404), ("/api/v1/links/nothing", 404), ("/api/v1/operations/op-9", 404)):
        status, headers, _ = lab.raw(path)
        _, doc = lab.ask(path)
        bad = d.complain(schema, doc) if isinstance(doc, dict) else [doc]
        ok(400 <= status < 500 and not bad and
           headers.get("Content-Type", "").startswith("application/problem+json"),
           f"{path} is refused in words (expected {want})", (status, doc, bad))


def main(lab):
    lab.start_site(MW, SCENARIO, "--speed", "20000", "--http", "none", "--agent", AGENT)
    ok(until(20, lambda: lab.ask("/api/v1/machines")[1].get("total") == 1),
       "this machine is heard beside the replayed site")
    ok(until(90, lambda: lab.ask("/api/v1/incidents?limit=1")[1].get("total", 0) > 1 and
             lab.ask("/api/v1/incidents?limit=1&closed=1")[1].get("total", 0) > 2),
       "there are open and closed incidents")
    lab.ask("/api/v1/replay", {"paused": True})
    lab.ask("/api/v1/commands", {"verb": "hold", "node": some(lab, "/api/v1/nodes?limit=1", "name"),
                                 "reason": "a test"})
    d = Description(lab.ask("/openapi.json")[1])
    for path, op in d.gets():
        if op["operationId"] not in NO_END | NOT_JSON:
            check_one(lab, d, path, op)
    check_metrics(lab)
    check_problems(lab, d)
    ok(lab.end() == [0], "the daemon ends cleanly")


run(main)

#!/usr/bin/env python3
"""Alerts on the real Alertmanager and on receivers of our own, from a replayed week.

usage: alerts_test.py MW SCENARIO
Prints TAP."""
import hashlib
import hmac
import http.client
import http.server
import json
import socket
import sys
import threading

from lab import ok, run, until

MW, SCENARIO = sys.argv[1:3]
SECRET = b"hush"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what is posted; refuses the first one for /hook, to see it again, and on /picky one
    incident for ever."""
    got = {}
    refuse = {"/hook"}
    never = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path in Receiver.refuse:
            Receiver.refuse.discard(self.path)
            self.send_response(503)
        elif self.path == "/picky" and self.unwanted(body):
            self.send_response(422)
        else:
            Receiver.got.setdefault(self.path, []).append(
                (self.headers.get("MW-Signature", ""), body))
            self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def unwanted(self, body):
        incident = json.loads(body)["incident"]
        Receiver.never = Receiver.never or incident
        return incident == Receiver.never

    def log_message(self, *args):
        pass


def open_roots(lab):
    """Incidents that are nobody's symptom."""
    status, doc = lab.ask("/api/v1/incidents?limit=5000")
    return {r["incident"] for r in doc["rows"] if r["symptom_of"] is None} if status == 200 else None


def told(am_port):
    c = http.client.HTTPConnection("127.0.0.1", am_port, timeout=10)
    c.request("GET", "/api/v2/alerts?active=true")
    alerts = json.loads(c.getresponse().read())
    c.close()
    return alerts


def signed(header, body):
    t, v1 = (part.split("=", 1)[1] for part in header.split(","))
    mac = hmac.new(SECRET, t.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(mac, v1)


def heard(event, path="/hook"):
    return {b["incident"] for _, raw in Receiver.got.get(path, [])
            if (b := json.loads(raw))["event"] == event}


def write_files(lab, am_port, hook):
    lab.write("am.yml", "route: {receiver: ours, group_by: [incident], group_wait: 1s, "
              "group_interval: 1s, repeat_interval: 1h}\n"
              f"receivers: [{{name: ours, webhook_configs: [{{url: '{hook}/am'}}]}}]\n")
    lab.write("secret", SECRET.decode() + "\n")
    lab.write("slack", f"{hook}/slack\n")
    return lab.write("alerts.yaml", f"""console: https://console.example
settle: 30s
repeat: 2s
page_usd_per_hour: 20
receivers:
  - {{name: am, kind: alertmanager, url: "http://127.0.0.1:{am_port}"}}
  - {{name: hook, kind: webhook, url: "{hook}/hook", secret_file: secret}}
  - {{name: picky, kind: webhook, url: "{hook}/picky"}}
  - {{name: slack, kind: slack, secret_file: slack, least: page}}
  - {{name: pager, kind: pagerduty, url: "{hook}/pager", secret_file: secret}}
""")


def main(lab):
    am_port = free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    alerts = write_files(lab, am_port, f"http://127.0.0.1:{server.server_address[1]}")
    lab.start("prometheus-alertmanager", f"--config.file={lab.path('am.yml')}",
              f"--storage.path={lab.path('am')}", f"--web.listen-address=127.0.0.1:{am_port}",
              "--cluster.listen-address=")
    mw = lab.start_site(MW, SCENARIO, "--speed", "20000", "--http", "none", "--alerts", alerts)
    compare(lab, am_port)
    before = heard("incident.opened")
    lab.ask("/api/v1/replay", {"paused": False})
    ok(until(60, lambda: heard("incident.closed") & before), "the end of an incident is told")
    ok(mw.poll() is None, "the daemon still runs")
    server.shutdown()
    ok(lab.end()[1] == 0, "the daemon ends cleanly while receivers are gone")


def compare(lab, am_port):
    ok(until(60, lambda: len(open_roots(lab) or ()) >= 3), "three incidents are open")
    status, doc = lab.ask("/api/v1/replay", {"paused": True})
    ok(status == 200 and doc["paused"], "the replay stands still", doc)
    roots = until(20, lambda: (r := open_roots(lab)) and
                  {int(a["labels"]["incident"]) for a in told(am_port)} == r and r)
    now = told(am_port)
    ok(roots, "Alertmanager has one alert for each incident that is no symptom, and no more",
       (open_roots(lab), [a["labels"] for a in now]))
    ok(all(a["generatorURL"].startswith("https://console.example/#/incidents/") and
           a["annotations"]["summary"] for a in now), "each says what it is and where to look", now)
    ok(until(20, lambda: Receiver.got.get("/am")), "Alertmanager tells its own receiver")
    ok(roots and until(30, lambda: roots <= heard("incident.opened")),
       "each open incident was told, the one that was refused again",
       (roots, heard("incident.opened"), Receiver.refuse))
    ok(roots and Receiver.never and
       until(30, lambda: roots - {Receiver.never} <= heard("incident.opened", "/picky")),
       "one that a receiver will not have does not hold up the others",
       (Receiver.never, roots, heard("incident.opened", "/picky")))
    ok(all(signed(s, b) for s, b in Receiver.got["/hook"]), "what a webhook gets is signed")
    bodies = [json.loads(b) for _, b in Receiver.got["/hook"]]
    keys = {json.loads(b)["dedup_key"] for _, b in Receiver.got.get("/pager", [])}
    ok(keys and keys <= {f"millwright/{b['site']}/{b['incident']}" for b in bodies},
       "PagerDuty has one key an incident", (keys, bodies))
    texts = [json.loads(b)["text"] for _, b in Receiver.got.get("/slack", [])]
    ok(all("(page)" in t or "(over)" in t for t in texts), "Slack hears of pages only", texts)


run(main)

#!/usr/bin/python3
"""Raw series out: what a gatherer told `mw serve` is asked back of the real Prometheus and of the
real VictoriaMetrics, by their own queries.

usage: remote_test.py MW MW_GATHER

A PDU behind snmpd is the source, since its values are known.  Prints TAP.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import snmp_lab
from lab import ROOT, Skip, run_all, wait

MW, GATHER = (os.path.abspath(p) for p in sys.argv[1:3])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def query(port, expression):
    """{label set as text: value}; empty while the server does not answer."""
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
    except (OSError, urllib.error.URLError):
        return {}
    return {(r["metric"].get("part", ""), r["metric"].get("machine", "")): float(r["value"][1])
            for r in result}


def serve(lab, url, name="", **more):
    """A daemon that writes to a URL; its process and the port of its agents."""
    site, journal = lab.path("site.yaml"), lab.path("journal" + name)
    with open(site, "w", encoding="utf-8") as f:
        subprocess.run([MW, "site", "new", "--shape", "hgx-h100", "--gpus", "64"], stdout=f,
                       check=True)
    log = lab.path(f"serve{name}.log")
    process = lab.start(MW, "serve", "--site", site, "--no-slurm", "--http", "none", "--listen",
                        "127.0.0.1:0", "--journal", journal, "--socket", lab.path("socket" + name),
                        "--remote-write", url, stdin=subprocess.DEVNULL,
                        stdout=open(log, "w", encoding="utf-8"), stderr=subprocess.STDOUT, **more)

    def port():
        with open(log, encoding="utf-8") as f:
            found = re.search(r"agents connect to 127\.0\.0\.1:(\d+)", f.read())
        assert process.poll() is None, open(log, encoding="utf-8").read()
        return found and int(found.group(1))
    return process, wait(port), log


def pdu(lab, agents, name="pdu7"):
    if not snmp_lab.available():
        raise Skip("no snmpd")
    agent = snmp_lab.SnmpAgent(lab.path("apc"), snmp_lab.apc(4))
    lab.ends.append(agent)
    secret = lab.secret("v2c.secret", community="public")
    path = lab.write("doors.yaml", f"doors:\n- kind: snmp\n  node: {name}\n  period: 1s\n"
                     f"  address: 127.0.0.1:{agent.port}\n  map: apc-rpdu2\n"
                     f"  oids: {os.path.join(ROOT, 'data', 'oids')}\n  credentials: {secret}\n")
    lab.start(GATHER, "--doors", path, "--daemon", f"127.0.0.1:{agents}", "--name", "gather1",
              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return agent


def comes_back(lab, port):
    """The PDU's outlets, and a value that moves, by query."""
    _, agents, log = serve(lab, f"http://127.0.0.1:{port}/api/v1/write")
    agent = pdu(lab, agents)
    power = 'mw_outlet_power_w{machine="pdu7",part=~"outlet.*"}'
    try:
        wait(lambda: query(port, power) == {(f"outlet {n}", "pdu7"): 100 + n for n in range(1, 5)})
    except AssertionError:
        print(f"# {query(port, power)}; {open(log, encoding='utf-8').read()[-300:]}")
        raise
    assert query(port, 'mw_outlet_current_a{machine="pdu7",part="phase 1"}') == \
        {("phase 1", "pdu7"): 12.3}
    objects = snmp_lab.apc(4)
    objects["1.3.6.1.4.1.318.1.1.26.9.4.3.1.7.2"] = ["gauge", 777]
    agent.write(objects)
    wait(lambda: query(port, power).get(("outlet 2", "pdu7")) == 777)


def start_prometheus(lab, port):
    program = shutil.which("prometheus")
    if program is None:
        raise Skip("no prometheus")
    lab.write("prometheus.yml", "global: {}\n")
    return lab.start(program, f"--config.file={lab.path('prometheus.yml')}",
                     f"--storage.tsdb.path={lab.path('tsdb')}", "--web.enable-remote-write-receiver",
                     f"--web.listen-address=127.0.0.1:{port}", stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)


def series_come_back_from_Prometheus(lab):
    port = free_port()
    start_prometheus(lab, port)
    wait(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    comes_back(lab, port)


def series_come_back_from_VictoriaMetrics(lab):
    program, port = shutil.which("victoria-metrics"), free_port()
    if program is None:
        raise Skip("no victoria-metrics")
    lab.start(program, f"-storageDataPath={lab.path('vm')}", f"-httpListenAddr=127.0.0.1:{port}",
              "-search.latencyOffset=0s", "-search.disableCache", stdout=subprocess.DEVNULL,
              stderr=subprocess.DEVNULL)
    wait(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    comes_back(lab, port)


def a_receiver_that_is_away_loses_nothing_that_fits_the_queue(lab):
    port = free_port()
    process, agents, log = serve(lab, f"http://127.0.0.1:{port}/api/v1/write")
    pdu(lab, agents)
    time.sleep(3)
    start_prometheus(lab, port)
    first = 'count(count_over_time(mw_outlet_power_w{machine="pdu7"}[5m]))'
    wait(lambda: list(query(port, first).values()) == [7.0])
    process.terminate()
    process.wait(30)
    with open(log, encoding="utf-8") as f:
        text = f.read()
    said = re.search(r"remote write: (\d+) samples sent, (\d+) dropped, (\d+) refused", text)
    assert said and int(said[1]) > 20 and said[2] == "0" and said[3] == "0", text[-600:]


def a_daemon_whose_receiver_never_answers_works_and_ends(lab):
    port = free_port()
    process, agents, log = serve(lab, f"http://127.0.0.1:{port}/none")
    pdu(lab, agents)
    time.sleep(10)  # for a machine under load; then something waits
    process.terminate()
    assert process.wait(30) == 0
    with open(log, encoding="utf-8") as f:
        text = f.read()
    assert re.search(r"remote write: 0 samples sent, [1-9]\d* dropped", text), text[-600:]


TESTS = [series_come_back_from_Prometheus, series_come_back_from_VictoriaMetrics,
         a_receiver_that_is_away_loses_nothing_that_fits_the_queue,
         a_daemon_whose_receiver_never_answers_works_and_ends]

if __name__ == "__main__":
    only = sys.argv[3:]
    sys.exit(run_all([t for t in TESTS if not only or t.__name__ in only]))

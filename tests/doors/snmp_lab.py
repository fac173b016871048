"""PDUs and a CDU over SNMP: net-snmp's real snmpd, with objects of data/oids served by pass_persist.

The objects are a JSON file {"1.3.6…": ["gauge", 42]} that is read again at each request, so a test
moves a value by writing the file.
"""
import json
import os
import shutil
import subprocess
import sys

from ipmi_lab import free_udp_port

PASS = '''#!{python}
import json, sys
def key(oid):
    return tuple(int(n) for n in oid.strip(".").split("."))
def table():
    with open({path!r}) as f:
        return {{key(k): v for k, v in json.load(f).items()}}
def say(oid, value):
    print("." + ".".join(map(str, oid)))
    print(value[0])
    print(value[1])
while True:
    line = sys.stdin.readline()
    if not line:
        break
    order = line.strip()
    if order == "PING":
        print("PONG")
    elif order in ("get", "getnext"):
        oid, objects = key(sys.stdin.readline()), table()
        if order == "get":
            found = oid if oid in objects else None
        else:
            found = min((o for o in objects if o > oid), default=None)
        if found is None:
            print("NONE")
        else:
            say(found, objects[found])
    sys.stdout.flush()
'''


def apc(outlets):
    """An APC rack PDU 2G: outlets of 100 W and more, two phases."""
    base, objects = "1.3.6.1.4.1.318.1.1.26", {}
    for n in range(1, outlets + 1):
        objects[f"{base}.9.4.3.1.3.{n}"] = ["string", f"Outlet name {n}"]
        objects[f"{base}.9.4.3.1.6.{n}"] = ["gauge", 5 * n]       # tenths of A
        objects[f"{base}.9.4.3.1.7.{n}"] = ["gauge", 100 + n]     # W
        objects[f"{base}.9.4.3.1.11.{n}"] = ["gauge", 1000 + n]   # tenths of kWh
        objects[f"{base}.9.2.3.1.3.{n}"] = ["string", f"Outlet name {n}"]
        objects[f"{base}.9.2.3.1.5.{n}"] = ["integer", 1 if n == 3 else 2]
    for n in (1, 2):
        objects[f"{base}.6.3.1.5.{n}"] = ["gauge", 123]           # 12.3 A
        objects[f"{base}.6.3.1.6.{n}"] = ["gauge", 231]           # V
        objects[f"{base}.6.3.1.7.{n}"] = ["gauge", 284]           # 2.84 kW
    objects[f"{base}.4.3.1.3.1"] = ["string", "rack 7 A"]
    objects[f"{base}.4.3.1.5.1"] = ["gauge", 568]
    objects[f"{base}.4.3.1.9.1"] = ["gauge", 98765]
    return objects


def raritan(outlets):
    """A Raritan PX3: values with the decimal digits that it says itself."""
    objects = {}
    for n in range(1, outlets + 1):
        objects[f"1.3.6.1.4.1.13742.6.3.5.3.1.3.1.{n}"] = ["string", f"Outlet {n}"]
        for kind, digits, value in ((1, 3, 1500 + n), (4, 0, 230), (5, 0, 345), (8, 0, 12345)):
            objects[f"1.3.6.1.4.1.13742.6.3.5.4.1.7.1.{n}.{kind}"] = ["gauge", digits]
            objects[f"1.3.6.1.4.1.13742.6.5.4.3.1.4.1.{n}.{kind}"] = ["gauge", value]
    return objects


def cdu():
    """A CDU whose values are texts."""
    values = {1: "31.5", 3: "42.0", 5: "250.3", 11: "412", 14: "14.2", 18: "6.4", 20: "55"}
    return {f"1.3.6.1.4.1.10876.301.1.1.4.1.{n}.0": ["string", text] for n, text in values.items()}


class SnmpAgent:
    def __init__(self, folder, objects, community="public", v3=None):
        self.folder, self.port = folder, free_udp_port()
        os.makedirs(folder, exist_ok=True)
        self.write(objects)
        script = os.path.join(folder, "objects.py")
        with open(script, "w", encoding="utf-8") as f:
            f.write(PASS.format(python=sys.executable, path=self.path))
        os.chmod(script, 0o755)
        lines = [f"agentaddress udp:127.0.0.1:{self.port}",
                 f"pass_persist .1.3.6.1.4.1 {script}"]
        if community:
            lines.append(f"rocommunity {community} 127.0.0.1")
        if v3:
            lines += [f"createUser {v3[0]} SHA-256 {v3[1]} AES {v3[2]}", f"rouser {v3[0]} priv"]
        conf = os.path.join(folder, "snmpd.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            ["snmpd", "-f", "-C", "-c", conf, "-LE", "3", "-p", os.path.join(folder, "pid")],
            env={**os.environ, "SNMP_PERSISTENT_DIR": folder}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    @property
    def path(self):
        return os.path.join(self.folder, "objects.json")

    def write(self, objects):
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            json.dump(objects, f)
        os.replace(self.path + ".new", self.path)

    def stop(self):
        self.process.kill()
        self.process.wait()


def available():
    return shutil.which("snmpd") is not None

#!/usr/bin/python3
"""mw-gather against what it will meet: Redfish (stand-in over the documents of a GB300 tray),
ipmi_sim by ipmitool, snmpd, prometheus-node-exporter.

usage: doors_test.py MW_GATHER

Each test has servers of its own on loopback and a folder of its own.  Prints TAP.
"""
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ipmi_lab
import snmp_lab
from lab import ROOT, Skip, run_all, wait
from peer import Daemon

GATHER = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "mw-gather"
OIDS = os.path.join(ROOT, "data", "oids")
# Numbers of src/signal/metric.h: they are for ever.
TEMP, RPM, POWER, HEALTH, ON, LEAK, ENTRIES = 400, 401, 402, 405, 406, 407, 413
SUPPLY = "/redfish/v1/Chassis/PDB_0/PowerSubsystem/PowerSupplies/PSU_0"
DRY = ("/redfish/v1/Chassis/Chassis_0/ThermalSubsystem/LeakDetection/LeakDetectors/"
       "Chassis_0_LeakDetector_0_ColdPlate")
GPU_TEMP = "/redfish/v1/Chassis/HGX_GPU_0/Sensors/HGX_GPU_0_TEMP_1"
FIRMWARE = "/redfish/v1/UpdateService/FirmwareInventory/FW_BMC_0"


def door(kind, node, address, **more):
    lines = [f"- kind: {kind}", f"  node: {node}", f"  address: {address}"]
    return "\n".join(lines + [f"  {key}: {value}" for key, value in more.items()]) + "\n"


def doors(lab, *list_of):
    return lab.write("doors.yaml", "doors:\n" + "".join(list_of))


def run(*argv):
    return subprocess.run([GATHER, *argv], capture_output=True, text=True, timeout=120, check=False)


def once(lab, *list_of):
    r = run("--doors", doors(lab, *list_of), "--once")
    assert r.returncode == 0, r.stderr
    return r


def gather(lab, daemon, *list_of, state=False):
    argv = [GATHER, "--doors", doors(lab, *list_of), "--daemon", f"127.0.0.1:{daemon.port}",
            "--name", "gather1"]
    if state:
        os.makedirs(lab.path("state"), mode=0o700, exist_ok=True)
        argv += ["--state", lab.path("state")]
    log = open(lab.path("gather.log"), "a", encoding="utf-8")
    return lab.start(*argv, stdin=subprocess.DEVNULL, stderr=log)


def bmc_door(lab, port, node="n1", **more):
    words = {"name": "bmc", "ca": lab.path("ca.pem"), "period": "1s",
             "credentials": lab.secret("bmc.secret", user="admin", password='p"w \\d')}
    return door("redfish", node, f"127.0.0.1:{port}", **{**words, **more})


# ---- Redfish -----------------------------------------------------------------------------------

def a_tray_is_read_over_TLS_with_a_session_that_is_ended(lab):
    lab.certificate()
    port = lab.redfish()[0]
    text = once(lab, bmc_door(lab, port)).stdout
    lines = text.splitlines()
    assert "n1 source bmc ok " in lines, text[-500:]
    assert sum(" part system " in line for line in lines) == 2
    assert any("serial=S964512X5913271" in line for line in lines)
    assert any(" part firmware " in line and "firmware=70.01.00.09" in line for line in lines)
    readings = [line for line in lines if line.startswith("n1 bmc_temp_c[")]
    assert 36 <= len(readings) <= 60, len(readings)
    seen = lab.bmc(port)
    assert seen["sessions"] == 1 and seen["tokens"] == 0, seen


def what_is_no_reading_is_not_said_to_be_one(lab):
    lab.certificate()
    text = once(lab, bmc_door(lab, lab.redfish()[0])).stdout
    assert "4294967295" not in text and "e-254" not in text
    assert "SSD_0" not in text  # absent disks say Health=Critical and read null
    assert " finding " not in text, [line for line in text.splitlines() if "finding" in line]
    # A fan drive of 40 % is a per cent, not 40 rpm.
    rpm = [float(line.split()[2]) for line in text.splitlines() if " bmc_fan_rpm[" in line]
    assert rpm and min(rpm) > 5000, rpm


def a_round_is_few_requests_where_the_BMC_expands_and_reports(lab):
    lab.certificate()
    port = lab.redfish()[0]
    daemon = Daemon()
    gather(lab, daemon, bmc_door(lab, port))
    daemon.wait(lambda: daemon.sources)
    time.sleep(2)
    before, at = lab.bmc(port)["requests"], time.monotonic()
    time.sleep(4)
    rounds = (time.monotonic() - at) / 1
    requests = (lab.bmc(port)["requests"] - before) / rounds
    print(f"# {requests:.1f} requests a round for {len(daemon.values)} readings")
    assert requests <= 22


def a_BMC_without_expansion_gives_the_same_readings(lab):
    lab.certificate()
    expanding, plain = lab.redfish()[0], lab.redfish(1, True, "--plain-collections")[0]
    text = once(lab, bmc_door(lab, expanding, deadline="60s"),
                bmc_door(lab, plain, "n2", deadline="60s")).stdout
    names = [{line.split(" ", 1)[1].split("]")[0].split("[")[0] + line.split(" ", 2)[1]
              for line in text.splitlines() if line.startswith(node + " bmc_")}
             for node in ("n1", "n2")]
    count = [sum(line.startswith(node + " bmc_") for line in text.splitlines())
             for node in ("n1", "n2")]
    assert names[0] and count[0] == count[1], count


def basic_authentication_is_used_where_there_are_no_sessions(lab):
    lab.certificate()
    port = lab.redfish(1, True, "--no-sessions")[0]
    assert "n1 source bmc ok " in once(lab, bmc_door(lab, port)).stdout
    seen = lab.bmc(port)
    assert seen["basic"] > 10 and seen["sessions"] == 0, seen


def a_certificate_is_verified_pinned_or_said_to_be_nobodys(lab):
    lab.certificate()
    port = lab.redfish()[0]
    secret = lab.secret("bmc.secret", user="admin", password='p"w \\d')
    base = {"name": "bmc", "credentials": secret}
    address = f"127.0.0.1:{port}"
    text = once(lab, door("redfish", "n1", address, **base)).stdout
    assert "n1 source bmc silent" in text and "certificate" in text, text
    pinned = once(lab, door("redfish", "n1", address, fingerprint=lab.fingerprint(), **base))
    assert "n1 source bmc ok " in pinned.stdout
    wrong = "sha256//" + "A" * 43 + "="
    assert "n1 source bmc silent" in once(lab, door("redfish", "n1", address, fingerprint=wrong,
                                                    **base)).stdout
    lab.write("pins", f"{address} {lab.fingerprint()}\n")
    assert "n1 source bmc ok " in once(lab, door("redfish", "n1", address,
                                                 fingerprints=lab.path("pins"), **base)).stdout
    careless = once(lab, door("redfish", "n1", address, insecure="true", **base))
    assert "n1 source bmc ok " in careless.stdout and "insecure: true" in careless.stderr
    plain = run("--doors", doors(lab, door("redfish", "n1", "http://" + address, **base)), "--check")
    assert plain.returncode == 1 and "plain http" in plain.stderr


def a_wrong_password_is_a_silence_with_its_reason_and_never_shown(lab):
    lab.certificate()
    port = lab.redfish()[0]
    wrong = lab.secret("wrong.secret", user="admin", password="not-this-one")
    r = once(lab, bmc_door(lab, port, credentials=wrong))
    assert "n1 source bmc ok" in r.stdout or "silent" in r.stdout
    assert "refuses our user and password" in r.stdout, r.stdout[:300]
    assert "not-this-one" not in r.stdout + r.stderr


def a_supply_a_leak_a_sensor_and_a_log_become_findings_and_end(lab):
    lab.certificate()
    port = lab.redfish()[0]
    daemon = Daemon()
    gather(lab, daemon, bmc_door(lab, port))
    daemon.wait(lambda: daemon.part_named("n1", "PSU_0") or daemon.part_named("n1", "PDB_0/PSU_0"))
    daemon.wait(lambda: ("n1", ON, 0) in daemon.values)
    lab.bmc(port, {"set": {"path": SUPPLY, "value": {"Status": {"Health": "Critical"}}}})
    lab.bmc(port, {"set": {"path": DRY, "value": {"DetectorState": "Critical"}}})
    lab.bmc(port, {"set": {"path": "/redfish/v1/Chassis/Chassis_0/Sensors/Chassis_0_FAN_1_FRONT",
                           "value": {"Reading": 900.0}}})
    lab.bmc(port, {"log": {"Severity": "Critical", "Message": "CATERR", "MessageId": "X.1.Caterr"}})
    lab.bmc(port, {"log": {"Severity": "OK", "Message": "well", "MessageId": "X.1.Well"}})
    for code in ("psu-failed", "leak", "sensor-critical", "X.1.Caterr"):
        daemon.wait(lambda code=code: daemon.finding("n1", code, True))
    assert daemon.finding("n1", "psu-failed", True)["class"] == "power"
    assert not daemon.finding("n1", "X.1.Well", True)
    lab.bmc(port, {"set": {"path": SUPPLY, "value": {"Status": {"Health": "OK"}}}})
    lab.bmc(port, {"set": {"path": DRY, "value": {"DetectorState": "OK"}}})
    for code in ("psu-failed", "leak"):
        daemon.wait(lambda code=code: daemon.finding("n1", code, False))
    time.sleep(2)
    assert sum(f.get("code") == "X.1.Caterr" for f in daemon.findings) == 1  # by id, once


def a_silent_BMC_is_said_to_be_silent_and_to_be_back(lab):
    lab.certificate()
    one, two = lab.redfish(2)
    daemon = Daemon()
    gather(lab, daemon, bmc_door(lab, one, deadline="4s"),
           bmc_door(lab, two, "n2", name="bmc2", deadline="20s"))
    daemon.wait(lambda: ("n1", ON, 0) in daemon.values and ("n2", ON, 0) in daemon.values)
    lab.bmc(one, {"hang": 12})
    daemon.wait(lambda: any(s[:3] == ("n1", "bmc", "silent") for s in daemon.sources))
    count = len(daemon.sources)
    daemon.wait(lambda: any(s[:3] == ("n1", "bmc", "ok") for s in daemon.sources[count:]))
    assert not any(s[:3] == ("n2", "bmc2", "silent") for s in daemon.sources)


def firmware_that_differs_from_most_or_from_what_is_stated_is_named(lab):
    lab.certificate()
    ports = lab.redfish(3)
    lab.bmc(ports[1], {"set": {"path": FIRMWARE, "value": {"Version": "69.00.00.01"}}})
    addresses = lab.write("pins", "".join(f"127.0.0.1:{p} {lab.fingerprint()}\n" for p in ports))
    base = {"name": "bmc", "period": "1s", "fingerprints": addresses,
            "credentials": lab.secret("bmc.secret", user="admin", password='p"w \\d')}
    low, high = min(ports), max(ports)
    if high - low + 1 == 3:  # one door for all three, where their ports are neighbours
        text = once(lab, door("redfish", "n[1-3]", f"127.0.0.1:[{low}-{high}]", **base)).stdout
        found = [line for line in text.splitlines() if "firmware-drift" in line]
        assert len(found) == 1 and "69.00.00.01" in found[0], found
    stated = once(lab, *[door("redfish", f"n{i}", f"127.0.0.1:{p}", **base,
                              firmware="[FW_BMC_0=70.01.00.09]") for i, p in enumerate(ports)])
    found = [line for line in stated.stdout.splitlines() if "firmware-drift" in line]
    assert len(found) == 1 and found[0].startswith("n1 ") and "doors.yaml wants" in found[0], found


# ---- actions -----------------------------------------------------------------------------------

def a_power_cycle_is_done_once_and_read_back(lab):
    lab.certificate()
    port = lab.redfish()[0]
    daemon = Daemon()
    process = gather(lab, daemon, bmc_door(lab, port, actions="act"), state=True)
    daemon.wait(lambda: any(m.get("acts") == "1" for m in daemon.machines.values()))
    daemon.wait(lambda: ("n1", ON, 0) in daemon.values)
    act = "act id=7 step=power-cycle gpu=-1 name=n1 lease_ms=60000"
    daemon.send(act)
    acted = daemon.wait(lambda: next((a for a in daemon.acted if a["id"] == "7"), None))
    assert acted["result"] == "ok" and "PowerState On" in acted["text"], acted
    assert lab.bmc(port)["resets"] == ["PowerCycle"]
    daemon.send(act)  # again: answered as before, not done
    daemon.wait(lambda: sum(a["id"] == "7" for a in daemon.acted) == 2)
    daemon.send("act id=6 step=power-cycle gpu=-1 name=n1 lease_ms=60000")
    older = daemon.wait(lambda: next((a for a in daemon.acted if a["id"] == "6"), None))
    assert older["result"] == "failed" and "older" in older["text"], older
    process.terminate()
    process.wait(30)
    hellos = len(daemon.hellos)
    gather(lab, daemon, bmc_door(lab, port, actions="act"), state=True)
    daemon.wait(lambda: len(daemon.hellos) > hellos)
    daemon.send(act)  # after a restart: still known
    daemon.wait(lambda: sum(a["id"] == "7" for a in daemon.acted) == 3)
    assert lab.bmc(port)["resets"] == ["PowerCycle"]
    assert not daemon.finding("n1", "power-off", True)  # it was our own doing


def nothing_is_done_in_shadow_to_strangers_or_after_the_lease(lab):
    lab.certificate()
    one, two = lab.redfish(2)
    daemon = Daemon()
    gather(lab, daemon, bmc_door(lab, one), bmc_door(lab, two, "n2", name="bmc2", actions="act"))
    daemon.wait(lambda: ("n2", ON, 0) in daemon.values)
    for number, name, lease in ((1, "n1", 60000), (2, "stranger", 60000), (3, "n2", -5)):
        if lease > 0:
            daemon.send(f"act id={number} step=power-cycle gpu=-1 name={name} lease_ms={lease}")
    shadow = daemon.wait(lambda: next((a for a in daemon.acted if a["id"] == "1"), None))
    assert shadow["result"] == "failed" and "shadow" in shadow["text"], shadow
    stranger = daemon.wait(lambda: next((a for a in daemon.acted if a["id"] == "2"), None))
    assert stranger["result"] == "failed", stranger
    daemon.send("act id=4 step=reset-gpu gpu=0 name=n2 lease_ms=60000")
    wrong = daemon.wait(lambda: next((a for a in daemon.acted if a["id"] == "4"), None))
    assert wrong["result"] == "failed", wrong
    assert lab.bmc(one)["resets"] == [] and lab.bmc(two)["resets"] == []


def an_action_that_a_death_cut_off_is_unknown(lab):
    lab.certificate()
    port = lab.redfish(1, True, "--delay", "20")[0]
    daemon = Daemon()
    process = gather(lab, daemon, bmc_door(lab, port, actions="act"), state=True)
    daemon.wait(lambda: ("n1", ON, 0) in daemon.values)
    act = "act id=9 step=power-cycle gpu=-1 name=n1 lease_ms=60000"
    daemon.send(act)
    wait(lambda: lab.bmc(port)["resets"])
    process.kill()
    process.wait()
    hellos = len(daemon.hellos)
    gather(lab, daemon, bmc_door(lab, port, actions="act"), state=True)
    daemon.wait(lambda: len(daemon.hellos) > hellos)
    daemon.send(act)
    acted = daemon.wait(lambda: next((a for a in daemon.acted if a["id"] == "9"), None))
    assert acted["result"] == "unknown", acted
    assert lab.bmc(port)["resets"] == ["PowerCycle"]


# ---- IPMI, SNMP, exporters ---------------------------------------------------------------------

def ipmi(lab):
    if not ipmi_lab.available():
        raise Skip("no ipmi_sim or no ipmitool")
    os.makedirs(lab.path("ipmi"))
    bmc = ipmi_lab.IpmiBmc(lab.path("ipmi"), password="tes'1")
    lab.ends.append(bmc)
    secret = lab.secret("ipmi.secret", user="admin", password="tes'1")
    return bmc, lambda **more: door("ipmi", "n1", f"127.0.0.1:{bmc.port}", credentials=secret,
                                    period="1s", **more)


def ipmi_sim_is_read_its_events_heard_and_its_chassis_cycled(lab):
    bmc, ipmi_door = ipmi(lab)
    daemon = Daemon()
    gather(lab, daemon, ipmi_door(actions="act"))
    board = daemon.wait(lambda: daemon.part_named("n1", "MBTemp"))
    watts = daemon.wait(lambda: daemon.part_named("n1", "NodePower"))
    daemon.wait(lambda: daemon.values.get(("n1", TEMP, board)) == 45 and
                daemon.values.get(("n1", POWER, watts)) == 10200 and
                daemon.values.get(("n1", ON, 0)) == 1)
    daemon.wait(lambda: ("n1", ENTRIES, 0) in daemon.values)
    bmc.write("temp", "85")
    found = daemon.wait(lambda: daemon.finding("n1", "sensor-critical", True))
    assert found["class"] == "thermal" and found["name"] == "MBTemp", found
    logged = daemon.wait(lambda: daemon.finding("n1", "sel-critical", True))
    assert "Upper Critical" in logged["text"], logged
    bmc.write("temp", "45")
    daemon.wait(lambda: daemon.finding("n1", "sensor-critical", False))
    daemon.send("act id=3 step=power-cycle gpu=-1 name=n1 lease_ms=60000")
    acted = daemon.wait(lambda: next((a for a in daemon.acted if a["id"] == "3"), None))
    assert acted["result"] == "ok", acted
    assert bmc.read("told").split() == ["power", "0", "power", "1"], bmc.read("told")
    bmc.stop()
    daemon.wait(lambda: any(s[:3] == ("n1", "ipmi", "silent") for s in daemon.sources))


def ipmitools_password_is_in_no_argument(lab):
    bmc, ipmi_door = ipmi(lab)
    real = shutil.which("ipmitool")
    lab.write("bin/ipmitool", f'#!/bin/sh\nprintf "%s\\n" "$@" >>{lab.path("arguments")}\n'
              f'exec {real} "$@"\n', 0o755)
    os.environ["PATH"], before = lab.path("bin") + ":" + os.environ["PATH"], os.environ["PATH"]
    try:
        text = once(lab, ipmi_door()).stdout
    finally:
        os.environ["PATH"] = before
    assert "n1 source ipmi ok" in text, text
    with open(lab.path("arguments"), encoding="utf-8") as f:
        arguments = f.read()
    assert "/dev/stdin" in arguments and "tes'1" not in arguments


def snmp(lab, name, objects, **more):
    if not snmp_lab.available():
        raise Skip("no snmpd")
    agent = snmp_lab.SnmpAgent(lab.path(name), objects, **more)
    lab.ends.append(agent)
    return agent


def pdus_and_a_CDU_are_read_by_their_maps(lab):
    public = lab.secret("v2c.secret", community="public")
    apc = snmp(lab, "apc", snmp_lab.apc(24))
    raritan = snmp(lab, "raritan", snmp_lab.raritan(8), community=None,
                   v3=("watcher", "auth-words-1", "privacy-words-1"))
    cdu = snmp(lab, "cdu", snmp_lab.cdu())
    v3 = lab.secret("v3.secret", user="watcher", auth_password="auth-words-1",
                    privacy_password="privacy-words-1")
    text = once(lab,
                door("snmp", "pdu1", f"127.0.0.1:{apc.port}", map="apc-rpdu2", oids=OIDS,
                     credentials=public),
                door("snmp", "pdu2", f"127.0.0.1:{raritan.port}", map="raritan-pdu2", oids=OIDS,
                     credentials=v3),
                door("snmp", "cdu1", f"127.0.0.1:{cdu.port}", map="cdu-itg", oids=OIDS,
                     credentials=public)).stdout
    values = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and "[" in words[1]:
            values.setdefault((words[0], words[1].split("[")[0]), []).append(float(words[2]))
    assert values["pdu1", "outlet_power_w"][:24] == [100.0 + n for n in range(1, 25)]
    assert values["pdu1", "outlet_power_w"][24:] == [2840, 2840, 5680]
    assert values["pdu1", "outlet_on"] == [0.0 if n == 3 else 1.0 for n in range(1, 25)]
    assert values["pdu1", "outlet_voltage_v"] == [231, 231]
    assert values["pdu2", "outlet_current_a"] == [1.5] * 8  # 1501 to 1508 with three digits, in 0.1 A
    assert values["pdu2", "outlet_power_w"] == [345] * 8
    assert values["pdu2", "outlet_energy_kwh"] == [12.3] * 8
    assert values["cdu1", "bmc_temp_c"] == [32, 42, 14]
    assert values["cdu1", "bmc_flow_lpm"] == [412] and values["cdu1", "bmc_power_w"] == [6400]
    assert "pdu1 part outlet 4098 outlet 3 Outlet name 3" in text


def a_PDU_that_does_not_answer_is_silent_and_the_next_one_is_read(lab):
    public = lab.secret("v2c.secret", community="public")
    wrong = lab.secret("wrong.secret", community="not-this-one")
    apc = snmp(lab, "apc", snmp_lab.apc(2))
    words = {"map": "apc-rpdu2", "oids": OIDS, "deadline": "1s"}
    r = once(lab, door("snmp", "pdu0", f"127.0.0.1:{apc.port}", credentials=wrong, **words),
             door("snmp", "pdu1", f"127.0.0.1:{apc.port}", credentials=public, **words))
    assert "pdu0 source snmp silent" in r.stdout and "pdu1 source snmp ok" in r.stdout, r.stdout
    assert "not-this-one" not in r.stdout + r.stderr


def node_exporter_is_understood_and_the_rest_counted(lab):
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        raise Skip("no prometheus-node-exporter")
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    lab.start(program, f"--web.listen-address=127.0.0.1:{port}", stderr=subprocess.DEVNULL)
    wait(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
    text = once(lab, door("prometheus", "n1", f"127.0.0.1:{port}", name="node")).stdout
    with open("/proc/meminfo", encoding="utf-8") as f:
        total_kib = int(f.readline().split()[1])
    memory = next(line for line in text.splitlines() if " mem_total_mib[" in line)
    assert abs(float(memory.split()[2]) - total_kib / 1024) < 2, memory
    assert " load1[0] " in text and " part port " in text
    unknown = next(line for line in text.splitlines() if " scrape_unknown[0]" in line)
    assert float(unknown.split()[2]) > 100, unknown


# ---- configuration -----------------------------------------------------------------------------

def secrets_that_others_can_read_are_refused_with_what_to_do(lab):
    secret = lab.secret("open.secret", 0o644, user="admin", password="seen-by-all")
    path = doors(lab, door("redfish", "n1", "10.0.0.1", credentials=secret))
    r = run("--doors", path, "--check")
    assert r.returncode == 1 and f"chmod 600 {secret}" in r.stderr, r.stderr
    assert "seen-by-all" not in r.stderr
    os.chmod(secret, 0o600)
    r = run("--doors", path, "--check")
    assert r.returncode == 0 and "1 doors, nothing wrong" in r.stdout, r.stderr


def every_mistake_of_the_file_is_named_with_its_line(lab):
    path = lab.write("doors.yaml", "doors:\n- kind: redfisch\n  node: n1\n- kind: redfish\n"
                     "  node: n[1-3]\n  address: 10.0.0.[1-2]\n  perod: 3s\n"
                     "- kind: snmp\n  node: p1\n  address: 10.0.0.9\n  map: x\n  actions: act\n")
    r = run("--doors", path, "--check")
    assert r.returncode == 1
    for what in (":2:", "did you mean redfish", ":7:", "period", ":12:", "cannot act"):
        assert what in r.stderr, (what, r.stderr)


def ten_thousand_BMCs_are_one_line(lab):
    path = lab.write("doors.yaml", "doors:\n- kind: redfish\n  node: r[001-100]n[001-100]\n"
                     "  address: bmc-r{1}-n{2}.example\n  insecure: true\n")
    r = run("--doors", path, "--check")
    assert r.returncode == 0, r.stderr


TESTS = [
    a_tray_is_read_over_TLS_with_a_session_that_is_ended,
    what_is_no_reading_is_not_said_to_be_one,
    a_round_is_few_requests_where_the_BMC_expands_and_reports,
    a_BMC_without_expansion_gives_the_same_readings,
    basic_authentication_is_used_where_there_are_no_sessions,
    a_certificate_is_verified_pinned_or_said_to_be_nobodys,
    a_wrong_password_is_a_silence_with_its_reason_and_never_shown,
    a_supply_a_leak_a_sensor_and_a_log_become_findings_and_end,
    a_silent_BMC_is_said_to_be_silent_and_to_be_back,
    firmware_that_differs_from_most_or_from_what_is_stated_is_named,
    a_power_cycle_is_done_once_and_read_back,
    nothing_is_done_in_shadow_to_strangers_or_after_the_lease,
    an_action_that_a_death_cut_off_is_unknown,
    ipmi_sim_is_read_its_events_heard_and_its_chassis_cycled,
    ipmitools_password_is_in_no_argument,
    pdus_and_a_CDU_are_read_by_their_maps,
    a_PDU_that_does_not_answer_is_silent_and_the_next_one_is_read,
    node_exporter_is_understood_and_the_rest_counted,
    secrets_that_others_can_read_are_refused_with_what_to_do,
    every_mistake_of_the_file_is_named_with_its_line,
    ten_thousand_BMCs_are_one_line,
]

if __name__ == "__main__":
    only = sys.argv[2:]
    sys.exit(run_all([t for t in TESTS if not only or t.__name__ in only]))

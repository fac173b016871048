#!/usr/bin/python3
"""`mw-agent check` as a program: levels on made-up nodes, GPUs of the stand-in, faults that it must find.
Prints TAP.

usage: check_test.py MW-AGENT STANDIN-FOLDER [NVML-STANDIN]
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

AGENT, STANDIN = sys.argv[1:3]
TOP = tempfile.mkdtemp(prefix="mw-check-")
tests = []


def test(fn):
    tests.append(fn)
    return fn


def write(path, text):
    full = os.path.join(TOP, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as f:
        f.write(text)
    return full


def check(*words, script=None, env=None, code=None):
    """Runs it with --json; the document, with the exit code as `status`."""
    full = {**os.environ, **(env or {})}
    full.pop("MW_CHECK_CLASS", None) if env is None else None
    full["TMPDIR"] = TOP
    if script is not None:
        full["MW_CUDA_SCRIPT"] = write(f"script-{time.monotonic_ns()}", script)
    p = subprocess.run([AGENT, "check", "--json", *words], capture_output=True, text=True,
                       env=full, timeout=120)
    assert p.stdout, f"status {p.returncode}: {p.stderr}"
    doc = json.loads(p.stdout)
    assert doc["exit"] == p.returncode, (doc["exit"], p.returncode)
    if code is not None:
        assert p.returncode == code, (p.returncode, doc["text"])
    return doc


def rows(doc, name, verdict=None, part=None):
    return [r for r in doc["rows"] if r["name"] == name and verdict in (None, r["verdict"]) and
            part in (None, r.get("part", ""))]


def gpu(*words, script, **more):
    return check("--cuda-dir", STANDIN, "--sku", "hgx-h100", *words, script=script, **more)


H100 = "name NVIDIA H100 80GB HBM3\nspeed h2d=55 d2h=54 peer=400 hbm=2900 gemm=640\n"


def node(gpus=8, width="16", missing=None):
    """A made-up /sys of an HGX H100."""
    root = tempfile.mkdtemp(prefix="node-", dir=TOP)
    for i in range(gpus):
        if i == missing:
            continue
        d = f"{root}/sys/bus/pci/devices/0000:{i + 16:02x}:00.0"
        os.makedirs(d)
        files = {"vendor": "0x10de", "device": "0x2330", "class": "0x030200",
                 "current_link_width": width if i == 3 else "16", "max_link_width": "16",
                 "max_link_speed": "32.0 GT/s PCIe", "numa_node": str(i // 4)}
        for name, text in files.items():
            with open(f"{d}/{name}", "w", encoding="utf-8") as f:
                f.write(text + "\n")
    for i in range(8):
        d = f"{root}/sys/class/infiniband/mlx5_{i}"
        os.makedirs(f"{d}/ports/1")
        for name, text in {"fw_ver": "28.39.1002", "ports/1/state": "4: ACTIVE",
                           "ports/1/rate": "400 Gb/sec (4X NDR)"}.items():
            with open(f"{d}/{name}", "w", encoding="utf-8") as f:
                f.write(text + "\n")
    return root


# ---- level 1: inventory --------------------------------------------------------------------------

@test
def the_kind_of_node_is_known_by_its_gpus_pci_id():
    assert check("--only", "pci", "--sysfs-root", node())["sku"] == "hgx-h100"
    assert check("--only", "machine")["sku"] == "generic"


@test
def a_node_as_its_kind_should_be_is_well():
    doc = check("--only", "pci,nics", "--sysfs-root", node(), code=0)
    assert rows(doc, "gpu-count", "pass")[0]["value"] == 8
    assert len(rows(doc, "nic-rate", "pass")) == 8


@test
def seven_gpus_of_eight_are_not_well_and_the_expectation_has_a_source():
    doc = check("--only", "pci", "--sysfs-root", node(missing=5), code=10)
    row = rows(doc, "gpu-count", "fail")[0]
    assert row["value"] == 7 and row["expect"] == "= 8" and "azurehpc" in row["from"]
    assert doc["text"].startswith("not well: gpu-count is 7, not = 8"), doc["text"]


@test
def a_narrow_pcie_link_is_named_by_gpu_and_address():
    doc = check("--only", "pci", "--sysfs-root", node(width="8"), code=10)
    row = rows(doc, "gpu-pcie-width", "fail")[0]
    assert row["part"] == "gpu3" and "x8 of x16 (0000:13:00.0)" in row["text"], row


@test
def a_port_that_is_down_or_slow_is_not_well():
    root = node()
    write(f"{root}/sys/class/infiniband/mlx5_2/ports/1/state", "1: DOWN\n")
    write(f"{root}/sys/class/infiniband/mlx5_6/ports/1/rate", "200 Gb/sec (4X HDR)\n")
    doc = check("--only", "nics", "--sysfs-root", root, code=10)
    assert [r["part"] for r in rows(doc, "nic-state", "fail")] == ["mlx5_2/1"]
    assert [r["part"] for r in rows(doc, "nic-rate", "fail")] == ["mlx5_6/1"]


@test
def a_sites_own_lines_come_before_the_skus_and_set_before_all():
    site = write("site.csv", "nic-rate/mlx5_6/1,>=,100,Gb/s,the storage card\ngpu-count,=,7,,our VMs\n")
    root = node(missing=1)
    write(f"{root}/sys/class/infiniband/mlx5_6/ports/1/rate", "100 Gb/sec (4X EDR)\n")
    doc = check("--only", "pci,nics", "--sysfs-root", root, "--expect", site, code=0)
    assert rows(doc, "gpu-count")[0]["from"] == "our VMs"
    check("--only", "pci", "--sysfs-root", root, "--expect", site, "--set", "gpu-count=8", code=10)


@test
def wrong_use_and_wrong_files_are_told_with_their_place():
    bad = write("bad.csv", "gpu-count,=,8,,ok\ngpu-count,about,8,,x\n")
    p = subprocess.run([AGENT, "check", "--expect", bad], capture_output=True, text=True)
    assert p.returncode == 2 and "bad.csv:2" in p.stderr, p.stderr
    p = subprocess.run([AGENT, "check", "--sku", "hgx-h999"], capture_output=True, text=True)
    assert p.returncode == 2 and "hgx-h999" in p.stderr
    p = subprocess.run([AGENT, "check", "--levle", "1"], capture_output=True, text=True)
    assert p.returncode == 2 and "--levle" in p.stderr


# ---- level 2: health -----------------------------------------------------------------------------

def kmsg(*lines, ago=1):
    root = tempfile.mkdtemp(prefix="dev-", dir=TOP)
    os.makedirs(f"{root}/dev")
    at = max(int((time.clock_gettime(time.CLOCK_MONOTONIC) - ago) * 1e6), 0)
    with open(f"{root}/dev/kmsg", "w", encoding="utf-8") as f:
        f.write("".join(f"4,{i},{at},-;{line}\n" for i, line in enumerate(lines)))
    return root


LOST = "NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus."


@test
def an_xid_that_takes_the_gpu_fails_and_one_of_a_program_warns():
    doc = check("--only", "kmsg", "--dev-root", kmsg(LOST), code=10)
    assert "79" in rows(doc, "kmsg-xid", "fail")[0]["text"]
    app = kmsg("quiet", "NVRM: Xid (PCI:0000:3b:00): 13, pid=9, Graphics Exception")
    doc = check("--only", "kmsg", "--dev-root", app)
    assert rows(doc, "kmsg-xid", "warn") and doc["exit"] != 10


@test
def an_xid_of_an_hour_ago_or_of_before_a_gate_is_history_and_only_warns():
    doc = check("--only", "kmsg", "--dev-root", kmsg(LOST, ago=3600))
    assert rows(doc, "kmsg-xid", "warn") and doc["exit"] != 10
    doc = check("--only", "kmsg", "--dev-root", kmsg(LOST), "--class", "gpu")
    assert rows(doc, "kmsg-xid", "warn") and doc["exit"] != 10


@test
def a_quiet_log_passes():
    doc = check("--only", "kmsg", "--dev-root", kmsg("usb 1-1: new device", "eth0: link up"), code=0)
    assert rows(doc, "kmsg", "pass")


@test
def the_class_of_a_gate_makes_its_checks_required():
    doc = check("--level", "2", env={"MW_CHECK_CLASS": "disk"})
    assert doc["class"] == "disk"
    assert all(r["required"] for r in rows(doc, "fs-free"))
    assert not any(r["required"] for r in rows(doc, "cpus"))


@test
def a_gates_class_brings_its_checks_of_level_3_unless_a_level_is_said():
    words = ("--cuda-dir", TOP, "--budget", "60s")
    names = {r["name"] for r in check(*words, "--class", "nvlink")["rows"]}
    assert "gpu-peer" in names and "cpu-stream" not in names, names
    names = {r["name"] for r in check(*words, "--class", "nvlink", "--level", "2")["rows"]}
    assert "gpu-peer" not in names


@test
def level_2_of_this_machine_judges_it():
    doc = check("--level", "2")
    assert doc["exit"] in (0, 3, 10) and len(doc["rows"]) > 10
    assert rows(doc, "source", part="host") and rows(doc, "clocksource")


# ---- level 3: performance, on the stand-in -------------------------------------------------------

GPU3 = "gpu-usable,gpu-copy,gpu-hbm,gpu-gemm,gpu-peer,gpu-memory"


@test
def gpus_that_are_as_fast_as_their_kind_are_well():
    doc = gpu("--only", GPU3, "--set", "gpu-usable=2", script="gpus 2\n" + H100, code=0)
    for name in ("gpu-h2d", "gpu-d2h", "gpu-hbm", "gpu-gemm", "gpu-peer"):
        assert len(rows(doc, name, "pass")) == 2, name
    for name in ("gpu-copy-errors", "gpu-memory-errors", "gpu-gemm-errors"):
        assert len(rows(doc, name, "pass")) == 2, name


@test
def one_slow_pcie_link_is_named():
    doc = gpu("--only", "gpu-copy", script="gpus 3\n" + H100 + "speed gpu=1 h2d=27\n", code=10)
    assert [(r["name"], r["part"]) for r in doc["rows"] if r["verdict"] == "fail"] == \
        [("gpu-h2d", "gpu1")]


@test
def slow_memory_a_slow_chip_and_a_slow_nvlink_are_each_named():
    for speed, name in (("hbm=2000", "gpu-hbm"), ("gemm=300", "gpu-gemm")):
        doc = gpu("--only", GPU3.replace("gpu-peer,", ""), "--set", "gpu-usable=2",
                  script=f"gpus 2\n{H100}speed gpu=0 {speed}\n", code=10)
        assert [(r["name"], r["part"]) for r in doc["rows"] if r["verdict"] == "fail"] == \
            [(name, "gpu0")], name
    doc = gpu("--only", "gpu-peer", script=f"gpus 3\n{H100}speed gpu=2 peer=90\n", code=10)
    row = rows(doc, "gpu-peer", "fail", "gpu0")[0]
    assert "gpu2" in row["text"], row


@test
def a_gpu_that_gives_no_context_fails_and_the_others_go_on():
    doc = gpu("--only", "gpu-usable,gpu-copy", script="gpus 3\n" + H100 +
              "fail cuDevicePrimaryCtxRetain gpu=1 result=719\n", code=10)
    assert "launch failure" in rows(doc, "gpu-usable", "fail", "gpu1")[0]["text"]
    assert len(rows(doc, "gpu-h2d", "pass")) == 2


@test
def a_call_that_hangs_costs_its_check_and_no_other():
    doc = gpu("--only", "gpu-copy,machine,gpu-hbm", "--budget", "4s",
              script="gpus 1\n" + H100 + "hang cuMemAllocHost_v2\n")
    assert doc["exit"] == 3
    assert rows(doc, "gpu-copy", "unknown") and "ended from outside" in \
        rows(doc, "gpu-copy", "unknown")[0]["text"]
    assert rows(doc, "memory")


@test
def gpus_that_somebody_uses_are_left_alone():
    doc = gpu("--only", "gpu-memory,gpu-hbm,gpu-burn", script="gpus 2\n" + H100 +
              "used 30000000 gpu=1\n")
    for name in ("gpu-memory-errors", "gpu-hbm", "gpu-burn-errors"):
        assert rows(doc, name, "pass", "gpu0"), name
        assert "in use" in rows(doc, name, "unknown", "gpu1")[0]["text"], name
    assert doc["exit"] == 3


@test
def without_gpus_their_checks_are_absent_and_without_a_driver_too():
    doc = check("--only", GPU3, "--cuda-dir", TOP)
    assert {r["verdict"] for r in doc["rows"]} == {"absent"} and doc["exit"] == 3
    doc = gpu("--only", "gpu-copy", script="gpus 0\n")
    assert {r["verdict"] for r in doc["rows"]} == {"absent"}


@test
def without_nvrtc_copies_are_measured_and_the_rest_is_not_known():
    bare = tempfile.mkdtemp(prefix="cuda-", dir=TOP)
    shutil.copy(f"{STANDIN}/libcuda.so.1", bare)
    doc = check("--only", "gpu-copy,gpu-hbm", "--cuda-dir", bare, "--sku", "hgx-h100", script=H100)
    assert rows(doc, "gpu-h2d", "pass")
    assert "nvrtc" in rows(doc, "gpu-hbm", "unknown")[0]["text"]


@test
def without_cublaslt_our_own_product_proves_the_arithmetic_under_another_name():
    bare = tempfile.mkdtemp(prefix="cuda-", dir=TOP)
    for name in ("libcuda.so.1", "libnvrtc.so.12"):
        shutil.copy(f"{STANDIN}/{name}", bare)
    doc = check("--only", "gpu-gemm", "--cuda-dir", bare, "--sku", "hgx-h100", script=H100, code=0)
    assert rows(doc, "gpu-gemm-own", "noted") and rows(doc, "gpu-gemm-errors", "pass")
    assert not rows(doc, "gpu-gemm")


@test
def a_wrong_product_wrong_copies_and_wrong_memory_are_found():
    doc = gpu("--only", "gpu-gemm", script="gpus 1\n" + H100 + "flip alu rate=1e-4\n", code=10)
    assert rows(doc, "gpu-gemm-errors", "fail")[0]["value"] > 0
    doc = gpu("--only", "gpu-copy", script="gpus 1\n" + H100 + "flip copy rate=1e-6\n", code=10)
    assert rows(doc, "gpu-copy-errors", "fail")
    doc = gpu("--only", "gpu-memory", script="gpus 1\n" + H100 + "flip memory rate=0.9\n", code=10)
    assert rows(doc, "gpu-memory-errors", "fail")[0]["value"] >= 1


# ---- level 4: burn-in ----------------------------------------------------------------------------

@test
def a_burn_in_of_well_gpus_and_processors_is_bit_for_bit():
    doc = gpu("--only", "gpu-burn,cpu-burn", "--burn", "1s", script="gpus 3\n" + H100, code=0)
    assert len(rows(doc, "gpu-burn-errors", "pass")) == 3
    assert rows(doc, "cpu-burn-errors", "pass")[0]["value"] == 0


@test
def the_gpu_that_computes_wrong_is_named_and_no_other():
    doc = gpu("--only", "gpu-burn", "--burn", "1s",
              script="gpus 4\n" + H100 + "flip alu gpu=2 rate=1e-6\n", code=10)
    assert [r["part"] for r in rows(doc, "gpu-burn-errors", "fail")] == ["gpu2"]
    assert len(rows(doc, "gpu-burn-errors", "pass")) == 3


@test
def a_lone_gpu_that_computes_wrong_is_found_by_time_and_the_processor():
    gpu("--only", "gpu-burn", "--burn", "1s", script="gpus 1\n" + H100 + "flip alu rate=1e-6\n",
        code=10)


# ---- the whole -----------------------------------------------------------------------------------

@test
def what_did_not_fit_into_the_budget_is_said_and_not_called_well():
    doc = gpu("--level", "3", "--budget", "900ms", script="gpus 1\n" + H100)
    skipped = [r for r in doc["rows"] if r["verdict"] == "not-run"]
    assert {"gpu-gemm", "ib-write"} <= {r["name"] for r in skipped}, skipped
    doc = gpu("--level", "3", "--budget", "900ms", "--class", "gpu", script="gpus 1\n" + H100)
    assert doc["exit"] != 0


@test
def every_figure_has_a_unit_a_verdict_and_what_is_expected_has_a_source():
    doc = gpu("--level", "3", "--no-tools", "--memory", "67108864", script="gpus 1\n" + H100)
    assert doc["mark"] == "measured"
    for r in doc["rows"]:
        assert r["verdict"] in ("pass", "fail", "warn", "noted", "unknown", "absent", "not-run"), r
        assert ("expect" in r) == ("from" in r) and r.get("from", "x"), r
        assert "value" not in r or "unit" in r, r


@test
def tools_that_are_installed_are_run():
    if shutil.which("fio"):
        doc = check("--only", "disk-speed", "--scratch", TOP)
        assert "fio" in rows(doc, "disk-write")[0]["text"], rows(doc, "disk-write")
        assert rows(doc, "disk-read")[0]["value"] > 0
    if shutil.which("stress-ng"):
        doc = check("--only", "stress-ng", "--burn", "2s", "--memory", "67108864", "--budget", "120s",
                    code=0)
        assert rows(doc, "stress-ng-failed", "pass")


@test
def without_fio_our_own_reads_back_what_it_wrote():
    doc = check("--only", "disk-speed", "--no-tools", "--scratch", TOP)
    if rows(doc, "disk-errors"):  # a filesystem without O_DIRECT or O_TMPFILE is not known
        assert rows(doc, "disk-errors", "pass") and rows(doc, "disk-read")[0]["value"] > 0
    assert not [n for n in os.listdir(TOP) if n.startswith(".mw-check")]


@test
def a_report_for_the_agent_is_one_line():
    folder = tempfile.mkdtemp(prefix="reports-", dir=TOP)
    check("--only", "machine", "--set", "cpus=4096", "--report", folder, "--class", "kernel",
          code=10)
    name, = os.listdir(folder)
    with open(f"{folder}/{name}", encoding="utf-8") as f:
        line, = f.read().splitlines()
    assert line.startswith("result=failed level=2 class=kernel text=not well: cpus is"), line


def main():
    failed = 0
    for i, fn in enumerate(tests, 1):
        try:
            fn()
            print(f"ok {i} - {fn.__name__.replace('_', ' ')}")
        except (AssertionError, KeyError, IndexError, ValueError, subprocess.SubprocessError) as e:
            failed += 1
            print(f"not ok {i} - {fn.__name__.replace('_', ' ')}")
            print("\n".join("# " + line for line in f"{type(e).__name__}: {e}".splitlines()[-12:]))
    print(f"1..{len(tests)}")
    shutil.rmtree(TOP, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

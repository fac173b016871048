#!/usr/bin/env python3
"""mw-agent beside a real lldpd that hears a real neighbour: two network namespaces, a pair of veth, an
lldpd in each.  What would break for the user: the wrong switch port named for a cable.

usage: tests/agent/lldp.py BUILD        (77: not root, or no lldpd or ip here)"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

WAIT_S = 30
NEAR, FAR = f"mwl-{os.getpid()}-a", f"mwl-{os.getpid()}-b"


def run(*args, check=True):
    return subprocess.run(args, check=check, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)


def start_lldpd(folder, namespace, interface):
    """In a process group of its own: it has a helper."""
    process = subprocess.Popen(["ip", "netns", "exec", namespace, "lldpd", "-d", "-u", f"{folder}/{namespace}.sock",
                                "-I", interface], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    for _ in range(10 * WAIT_S):
        if os.path.exists(f"{folder}/{namespace}.sock"):
            return process
        time.sleep(0.1)
    sys.exit("lldpd does not start")


def configure(folder, words):
    """The socket is there before lldpd answers."""
    for _ in range(10 * WAIT_S):
        if subprocess.run(["lldpcli", "-u", f"{folder}/{FAR}.sock", *words.split()], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.1)
    sys.exit(f"lldpd does not take: {words}")


def until_heard(folder):
    for _ in range(10 * WAIT_S):
        run("lldpcli", "-u", f"{folder}/{FAR}.sock", "update", check=False)
        if "chassis.name=leaf01" in run("lldpcli", "-u", f"{folder}/{NEAR}.sock", "-f", "keyvalue", "show",
                                        "neighbors", check=False):
            return
        time.sleep(0.1)
    sys.exit("the neighbour is not heard")


def parts_of(build, folder):
    """The agent's parts until the port is told, as a daemon hears them."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(WAIT_S)
    env = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}")
    agent = subprocess.Popen([f"{build}/src/agent/mw-agent", "run", "--daemon",
                              f"127.0.0.1:{listener.getsockname()[1]}", "--node", "n1", "--sysfs-root",
                              f"{folder}/root"], env=env, stderr=subprocess.DEVNULL)
    try:
        peer, _ = listener.accept()
        peer.settimeout(WAIT_S)
        waiting = b""
        while True:
            waiting += peer.recv(65536)
            while b"\n" in waiting and waiting[0] != 1:
                line, _, waiting = waiting.partition(b"\n")
                if line.startswith(b"hello"):
                    peer.sendall(b"welcome version=2 beat_ms=1000 sample_ms=60000\n")
                if line.startswith(b"part scope=port"):
                    return dict(w.split("=", 1) for w in line.decode().split(" ")[1:])
            if waiting[:1] == b"\x01" and len(waiting) >= 4:
                size = 4 + int.from_bytes(waiting[1:4], "little")
                waiting = waiting[size:] if len(waiting) >= size else waiting
    finally:
        agent.terminate()
        agent.wait()


def main():
    if os.getuid() != 0 or not all(shutil.which(p) for p in ("ip", "lldpd", "lldpcli")):
        sys.exit(77)
    started = []
    folder = tempfile.mkdtemp(prefix="mw-lldp-")
    os.chmod(folder, 0o755)  # lldpcli runs as its own user
    try:
        for namespace in (NEAR, FAR):
            if subprocess.run(["ip", "netns", "add", namespace], check=False).returncode != 0:
                sys.exit(77)
        run("ip", "link", "add", "mwl0", "netns", NEAR, "type", "veth", "peer", "name", "mwl1", "netns", FAR)
        run("ip", "-n", NEAR, "link", "set", "mwl0", "up")
        run("ip", "-n", FAR, "link", "set", "mwl1", "up")
        started = [start_lldpd(folder, NEAR, "mwl0"), start_lldpd(folder, FAR, "mwl1")]
        for words in ("configure system hostname leaf01", "configure lldp portidsubtype ifname"):
            configure(folder, words)
        until_heard(folder)
        write(f"{folder}/bin/lldpcli", f"#!/bin/sh\nexec {shutil.which('lldpcli')} -u {folder}/{NEAR}.sock \"$@\"\n",
              0o755)
        write(f"{folder}/root/sys/devices/pci0000:00/0000:3b:00.0/vendor", "0x15b3\n")
        write(f"{folder}/root/sys/class/net/mwl0/address", "02:00:00:00:00:01\n")
        os.symlink(f"{folder}/root/sys/devices/pci0000:00/0000:3b:00.0",
                   f"{folder}/root/sys/class/net/mwl0/device")
        part = parts_of(sys.argv[1], folder)
        want = {"name": "mwl0", "pci": "0000:3b:00.0", "peer": "leaf01", "peer_port": "mwl1"}
        wrong = {k: part.get(k) for k, v in want.items() if part.get(k) != v}
        if wrong:
            sys.exit(f"the port's part says {wrong}, not {want}")
        print("1 passed, 0 failed")
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        for namespace in (NEAR, FAR):
            run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

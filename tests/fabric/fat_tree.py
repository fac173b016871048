#!/usr/bin/env python3
"""Writes a rail-optimised fat tree as a netlist that ibsim reads (the language of ibnetdiscover).

usage: fat_tree.py --hosts N --rails N --leaves N --spines N [--ports 64] [--links N] [--plain]

Host h's HCA r ends on a leaf of rail r: the leaves are dealt to the rails, and the hosts fill them
in order, from port 1.  The uplinks of a leaf follow its hosts: `links` to every spine.
HCAs are called "gpu0000 mlx5_0" as Linux does, or "gpu0000" with --plain and one rail.
"""
import argparse


def wire(a):
    """Gives {switch: {port: (peer, port)}} and {(host, rail): (leaf, port)}."""
    leaf_ports = [dict() for _ in range(a.leaves)]
    spine_ports = [dict() for _ in range(a.spines)]
    hosts = {}
    per_rail = a.leaves // a.rails
    for host in range(a.hosts):
        for rail in range(a.rails):
            leaf = rail * per_rail + host * per_rail // a.hosts
            port = len(leaf_ports[leaf]) + 1
            leaf_ports[leaf][port] = ("host", host, rail)
            hosts[host, rail] = (leaf, port)
    for leaf in range(a.leaves):
        for spine in range(a.spines):
            for _ in range(a.links):
                port, up = len(leaf_ports[leaf]) + 1, len(spine_ports[spine]) + 1
                leaf_ports[leaf][port] = ("spine", spine, up)
                spine_ports[spine][up] = ("leaf", leaf, port)
    return leaf_ports, spine_ports, hosts


def name_of(a, host, rail):
    return f"gpu{host:04d}" if a.plain else f"gpu{host:04d} mlx5_{rail}"


def main():
    p = argparse.ArgumentParser()
    for word, fallback in (("hosts", 128), ("rails", 8), ("leaves", 32), ("spines", 16),
                           ("ports", 64), ("links", 2)):
        p.add_argument("--" + word, type=int, default=fallback)
    p.add_argument("--plain", action="store_true")
    a = p.parse_args()
    leaf_ports, spine_ports, hosts = wire(a)
    for leaf, ports in enumerate(leaf_ports):
        print(f'Switch {a.ports} "leaf{leaf:03d}"')
        for port, (kind, x, y) in ports.items():
            peer = f'"{name_of(a, x, y)}"[1]' if kind == "host" else f'"spine{x:03d}"[{y}]'
            print(f"[{port}]\t{peer}")
        print()
    for spine, ports in enumerate(spine_ports):
        print(f'Switch {a.ports} "spine{spine:03d}"')
        for port, (_, leaf, up) in ports.items():
            print(f'[{port}]\t"leaf{leaf:03d}"[{up}]')
        print()
    for (host, rail), (leaf, port) in hosts.items():
        print(f'Hca 1 "{name_of(a, host, rail)}"\n[1]\t"leaf{leaf:03d}"[{port}]\n')


if __name__ == "__main__":
    main()

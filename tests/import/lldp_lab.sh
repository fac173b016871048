#!/usr/bin/env bash
# What real lldpds hear: two hosts with two NICs each and two switches (a bridge each, joined by one
# cable), every one in a network namespace of its own, with lldpd.  Writes HOST.json of each into a
# folder.  Needs root, iproute2, lldpd.
#
# usage: lldp_lab.sh FOLDER
set -eu
out=$(realpath "$1")
tag=mwl$$
top=$(mktemp -d)
chmod 755 "$top" # lldpcli runs as a user of its own
pids=
end_all() {
    local pid n
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    sleep 0.3
    for n in h1 h2 s1 s2; do ip netns del "$tag$n" 2>/dev/null || true; done
    rm -rf "$top"
}
trap end_all EXIT
PATH=$PATH:/usr/sbin
mkdir -p /run/lldpd
for n in h1 h2 s1 s2; do ip netns add "$tag$n"; done
# NAMESPACE PORT NAMESPACE PORT
cable() {
    ip link add "$2" netns "$tag$1" type veth peer name "$4" netns "$tag$3"
    ip -n "$tag$1" link set "$2" up
    ip -n "$tag$3" link set "$4" up
}
cable h1 eth0 s1 swp1
cable h2 eth0 s1 swp2
cable h1 eth1 s2 swp1
cable h2 eth1 s2 swp2
cable s1 swp8 s2 swp8
for n in s1 s2; do
    ip -n "$tag$n" link add br0 type bridge
    ip -n "$tag$n" link set br0 up
    for port in swp1 swp2 swp8; do ip -n "$tag$n" link set "$port" master br0; done
done
# NAMESPACE NAME
listen() {
    ip netns exec "$tag$1" unshare -u sh -c "hostname $2; exec lldpd -d -u $top/$2 -I 'eth*,swp*'" \
        2>"$top/$2.log" &
    pids="$pids $!"
}
listen h1 gpu001
listen h2 gpu002
listen s1 tor1
listen s2 tor2
sleep 1.5
for name in gpu001 gpu002 tor1 tor2; do
    lldpcli -u "$top/$name" configure lldp tx-interval 1 >/dev/null
    lldpcli -u "$top/$name" configure lldp portidsubtype ifname >/dev/null
done
heard() { # NAME COUNT
    [ "$(lldpcli -u "$top/$1" -f keyvalue show neighbors | grep -c 'port.ifname=\|port.descr=')" -ge "$2" ]
}
for try in $(seq 40); do
    if heard gpu001 2 && heard gpu002 2 && heard tor1 3 && heard tor2 3; then break; fi
    [ "$try" -lt 40 ] || { echo "lldp_lab.sh: the neighbours are not heard" >&2; exit 1; }
    sleep 0.5
done
sleep 2
for name in gpu001 gpu002 tor1 tor2; do
    lldpcli -u "$top/$name" -f json show neighbors >"$out/$name.json"
done

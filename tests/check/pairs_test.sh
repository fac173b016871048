#!/usr/bin/env bash
# `mw preflight` and `mw bench pairs` over nodes that are network namespaces of this machine: real
# processes, real TCP, a slow cable by tc.  Needs root (else all is skipped).  Prints TAP.
#
# usage: pairs_test.sh MW MW-AGENT
set -u
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin
mw=$1
agent=$2
tag=mwp$$
nodes=6
bridge=br-$tag
top=$(mktemp -d /tmp/mw-pairs-XXXXXX)
n=0
failed=0

end_all() {
    local i
    for ((i = 1; i <= nodes; i++)); do ip netns del "$tag-10.88.7.$i" 2>/dev/null; done
    ip link del "$bridge" 2>/dev/null
    rm -rf "$top"
}
trap end_all EXIT
ok() { # NAME COMMAND...
    local name=$1 said
    shift
    n=$((n + 1))
    if said=$("$@" 2>&1); then
        echo "ok $n - $name"
    else
        failed=$((failed + 1))
        echo "not ok $n - $name"
        printf '%s\n' "$said" | tail -n 30 | sed 's/^/# /'
    fi
}

make_nodes() {
    local i ns
    ip link add "$bridge" type bridge && ip link set "$bridge" up || return 1
    for ((i = 1; i <= nodes; i++)); do
        ns=$tag-10.88.7.$i
        ip netns add "$ns" &&
            ip link add "v$i-$$" type veth peer name eth0 netns "$ns" &&
            ip link set "v$i-$$" master "$bridge" up &&
            ip -n "$ns" addr add "10.88.7.$i/24" dev eth0 &&
            ip -n "$ns" link set lo up &&
            ip -n "$ns" link set eth0 up || return 1
        # every cable is a 200 Mbit/s one, so that two processors carry them all at once
        ip netns exec "$ns" tc qdisc add dev eth0 root tbf rate 200mbit burst 256k latency 50ms &&
            tc qdisc add dev "v$i-$$" root tbf rate 200mbit burst 256k latency 50ms || return 1
    done
}
if [ "$(id -u)" -ne 0 ] || ! make_nodes 2>"$top/why"; then
    echo "1..0 # SKIP no network namespaces here: $(head -n 1 "$top/why" 2>/dev/null)"
    exit 0
fi
slow_cable() { # NODE RATE
    ip netns exec "$tag-10.88.7.$1" tc qdisc replace dev eth0 root tbf rate "$2" burst 64k latency 50ms &&
        tc qdisc replace dev "v$1-$$" root tbf rate "$2" burst 64k latency 50ms
}
via="ip netns exec $tag-{host}"
pairs() { "$mw" bench pairs "10.88.7.[1-$nodes]" --via "$via" --agent "$agent" --length 500ms "$@"; }
exits() { # CODE COMMAND...
    local want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" -eq "$want" ] || { echo "exit code $got instead of $want"; return 1; }
}

ok "equal cables: nobody is blamed" exits 0 pairs
blames() { # NODE ARGS...
    local node=$1 got
    shift
    got=$(pairs --json "$@" 2>"$top/said")
    # two documents: pairs, then causes
    python3 - "$node" "$got" <<'PY' || { cat "$top/said"; echo "$got"; return 1; }
import json, sys
text, docs, at = sys.argv[2], [], 0
decoder = json.JSONDecoder()
while at < len(text):
    doc, end = decoder.raw_decode(text, at)
    docs.append(doc)
    at = end
    while at < len(text) and text[at].isspace():
        at += 1
causes = docs[-1]
assert [(c["cause"], c["node"]) for c in causes] == [("node", sys.argv[1])], causes
PY
}
slow_cable 3 20mbit
ok "a cable at a tenth of the rate: its node is named, and no other" blames 10.88.7.3
ok "and the exit status says so" exits 10 pairs
slow_cable 3 200mbit

ip -n "$tag-10.88.7.5" link set eth0 down
ok "a node whose link is down is silent" exits 10 pairs
silent() { pairs 2>/dev/null | grep -q '^silent *10.88.7.5'; }
ok "and is named so" silent
ip -n "$tag-10.88.7.5" link set eth0 up

# ---- preflight ----
here() {
    "$mw" preflight "10.88.7.[1-$nodes]" --via "$via" --agent "$agent" --level 2 --budget 30s \
        --pass=--dev-root --pass="$top" "$@" # what others write into this kernel's log is not ours
}
ok "nodes that are well" exits 0 here
ok "an expectation that none meets fails all, and names the figure" exits 10 here --set cpus=4096
why() { here --set cpus=4096 2>/dev/null | grep -q '10.88.7.4 *not well .*cpus is .*not = 4096'; }
ok "with the reason beside the node" why
one_missing() {
    local out got=0
    out=$("$mw" preflight "10.88.7.[1-2],nowhere" --via "$via" --agent "$agent" 2>"$top/said") || got=$?
    [ "$got" -eq 8 ] && grep -q '^nowhere *silent' <<<"$out" &&
        grep -q 'to leave out: nowhere' "$top/said"
}
ok "a node that cannot be reached is silent, and is in the list to leave out" one_missing
refused() { here --set 'cpus>=1' 2>&1 | grep -q 'may not be sent'; }
ok "a word that a shell could take for its own is refused" refused
fleet() {
    here --level 3 --only cpu-stream --pass=--memory --pass=64000000 --spread 0 \
        --set cpu-stream=0 --save-fleet "$top/fleet.json" >/dev/null 2>&1
    python3 - "$top/fleet.json" <<'PY' || return 1
import json, sys
fleet = json.load(open(sys.argv[1]))
figure = fleet["figures"]["cpu-stream"]
assert figure["n"] == 6 and figure["p50"] >= figure["p05"] >= figure["p01"] > 0, figure
figure.update(n=600, p50=figure["p50"] * 100, p05=figure["p05"] * 100, p01=figure["p01"] * 100)
json.dump(fleet, open(sys.argv[1], "w"))
PY
    exits 10 "$agent" check --only cpu-stream --memory 64000000 --fleet "$top/fleet.json" >"$top/o" &&
        grep -q '^fail .*cpu-stream .*the fleet: preflight of' "$top/o"
}
ok "the percentiles of a run, made a hundred times faster, refuse this node" fleet

echo "1..$n"
[ "$failed" -eq 0 ]

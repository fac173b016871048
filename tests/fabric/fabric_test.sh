#!/usr/bin/env bash
# The InfiniBand door against the real programs: ibsim's fabric with OpenSM over it, mw-fabric,
# mw-gather and mw serve.  usage: fabric_test.sh BUILD SOURCE
#
# A fabric is imported, and read back gives the same cables; a link that goes down, comes back, and
# a port whose symbol errors grow become findings of that cable, and incidents of the daemon; a
# plug that the site file has elsewhere is named.
set -eu
build=$1
source=$2
cd "$source"
. tests/fabric/lab.sh
missing=$(lab_missing)
if [ -n "$missing" ]; then
    echo "SKIP: $missing is not installed (script/setup)"
    exit 77
fi
mw=$build/src/cli/mw
scratch=$(mktemp -d)
serve=
gather=
stop_all() {
    local pid
    for pid in $gather $serve; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    gather=
    serve=
    lab_stop
    rm -rf "$scratch"
}
trap stop_all EXIT

fail() {
    echo "FAILED: $*" >&2
    tail -30 "$scratch"/*.log >&2 2>/dev/null || true
    exit 1
}

python3 tests/fabric/fat_tree.py --hosts 4 --rails 2 --leaves 2 --spines 2 --ports 8 --links 1 \
    >"$scratch/net"
lab_start "$scratch/net" "gpu0000 mlx5_0" || fail "OpenSM did not bring the subnet up"
cd "$scratch"

# ---- import and check -------------------------------------------------------------------------
lab_run "$mw" import ibnetdiscover --out "$PWD/site.yaml" --serials "$PWD/serials.csv" \
    2>import.log || fail "mw import ibnetdiscover"
"$mw" site check site.yaml 2>check.log || fail "the imported site is not taken"
grep -q 'from: "leaf\[000-001\]", to: "spine\[000-001\]"' site.yaml || fail "cables are not folded"
grep -q '^gpu0003-nic1,0x' serials.csv || fail "GUIDs are not kept"
lab_run "$mw" fabric check "$PWD/site.yaml" >same.txt 2>same.log || fail "the fabric differs"
lab_run ibnetdiscover >listing 2>/dev/null
"$mw" import ibnetdiscover --ibnetdiscover listing --quiet | sed 's/^# Made from.*//' >by-file
sed 's/^# Made from.*//; /^serials:/d' site.yaml | diff - by-file >diff.log ||
    fail "the listing gives another file than the fabric itself"
echo "ok: imported, checked, the same from a listing"

# ---- a real daemon ----------------------------------------------------------------------------
# one cable stands elsewhere in the daemon's file than it is plugged
sed 's/{from: "gpu\[0000-0003\]-nic1", to: "leaf001"}/{from: "gpu[0000-0002]-nic1", to: "leaf001"}\
  - {from: "gpu0003-nic1", to: "leaf001:8"}/; s/from: "leaf\[000-001\]"/from: "leaf[000-001]:5.."/
    /^serials:/d' site.yaml >elsewhere.yaml
"$mw" serve --site elsewhere.yaml --no-slurm --listen 127.0.0.1:0 --http 127.0.0.1:0 \
    --socket "$PWD/mw.sock" --journal "$PWD/journal" --for 180s 2>serve.log &
serve=$!
"$mw" status --socket mw.sock --wait 30s >/dev/null || fail "mw serve did not start"
at=$("$mw" status --socket mw.sock --json | sed -n 's/.*"listens": "\(.*\)".*/\1/p')
cat >doors.yaml <<Y
doors:
  - {kind: infiniband, name: fabric, node: ib0, site: $PWD/elsewhere.yaml, period: 1s}
Y
lab_exec "$build/src/gather/mw-gather" --doors "$PWD/doors.yaml" --daemon "$at" --name g1 \
    2>gather.log &
gather=$!

incident_on() { "$mw" get incidents --socket mw.sock -o csv 2>/dev/null | grep -q "$1"; }
no_incident_on() { ! incident_on "$1"; }
since() { echo "$((($(date +%s%N) - $1) / 1000000)) ms"; }

lab_wait 30 incident_on 'gpu0003' || fail "the plug in another port is not found"
echo "ok: a plug in another port than the file says is an incident"
no_incident_on 'leaf000/5' || fail "there is an incident before the link is down"

began=$(date +%s%N)
lab_say 'Unlink "leaf000"[5]'
lab_wait 40 incident_on 'cable-leaf000/5' || fail "the link down is not found"
echo "ok: a link that is down is an incident of its cable after $(since "$began")"

lab_say 'ReLink "leaf000"[5]'
lab_wait 60 no_incident_on 'cable-leaf000/5' || fail "the link that is back is still an incident"
echo "ok: the link is back and the incident is over"

lab_say 'PerformanceSet "leaf001"[6] PortCounters.SymbolErrorCounter=4242'
lab_wait 40 incident_on 'cable-leaf001/6' || fail "symbol errors are not found"
echo "ok: symbol errors are an incident of the cable"
code=0
"$mw" site diff --site site.yaml --socket mw.sock -o csv >diff.csv 2>diff.log || code=$?
[ $code -eq 10 ] || fail "mw site diff ends with $code"
[ "$(grep -c '^node-missing,gpu000' diff.csv)" -eq 4 ] || { cat diff.csv diff.log; fail "nodes without an agent are not missing"; }
if grep -q '^cable,' diff.csv; then fail "a cable differs from the file of the fabric itself"; fi
code=0
sed 's/from: "leaf\[000-001\]", to: "spine\[000-001\]"/from: "leaf[000-001]", to: "spine000"/' \
    site.yaml >other.yaml # every second uplink is on another spine than this file says
"$mw" site diff --site other.yaml --socket mw.sock -o csv >diff2.csv 2>diff2.log || code=$?
grep -q '^cable,leaf001:5,spine000:2,' diff2.csv && fail "a right cable is said to differ"
echo "ok: the site file is compared with what the fabric says"
kill "$gather"
wait "$gather" 2>/dev/null || true
gather=
kill "$serve"
wait "$serve" || fail "mw serve did not end well"
serve=
"$mw" journal verify journal >/dev/null || fail "the record is not whole"
echo "ok: the record is whole"

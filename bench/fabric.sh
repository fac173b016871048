#!/usr/bin/env bash
# How fast an InfiniBand fabric is found and read: 1,024 host adapters on 32 leaves and 16 spines of
# 64 ports, simulated by ibsim with OpenSM over it.  A round discovers all of it (libibnetdisc) and
# reads the counters of its 3,072 switch ports, as mw-gather does every period.
#
# usage: bench/fabric.sh [BUILD] [ROUNDS]      (script/bench fabric)
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/fabric/lab.sh
build=${1:-build}
rounds=${2:-20}
missing=$(lab_missing)
[ -z "$missing" ] || { echo "bench/fabric.sh: $missing is missing: run script/setup" >&2; exit 1; }
program=$(realpath "$build/src/gather/mw-fabric")
folder=$(mktemp -d)
trap 'lab_stop; rm -rf "$folder"' EXIT

python3 tests/fabric/fat_tree.py --hosts 128 --rails 8 --leaves 32 --spines 16 >"$folder/net"
lab_start "$folder/net"
echo "ibsim with 1,024 adapters, 48 switches, 2,048 links; OpenSM has the subnet up in $LAB_UP_MS ms"

# what: then the options of each round
measure() {
    local what=$1 order=$2 i
    : >"$folder/said"
    for ((i = 0; i < rounds; i += 5)); do # as mw-gather: a program is started anew now and then
        yes "round $order" | head -5 | lab_run timeout 300 "$program" >>"$folder/said" \
            2>"$folder/why" || { cat "$folder/why" >&2; exit 1; }
    done
    awk -v what="$what" 'BEGIN { n = 0 } $1 == "end" {
            discover[n] = $2 / 1e3; read[n] = $3 / 1e3; all[n] = ($2 + $3) / 1e3; asked = $4
            failed += $5; n++ }
        function middle(a,   i, j, t, b) {
            for (i = 0; i < n; i++) b[i] = a[i]
            for (i = 0; i < n; i++) for (j = i + 1; j < n; j++)
                if (b[j] < b[i]) { t = b[i]; b[i] = b[j]; b[j] = t }
            least = b[0]; most = b[n - 1]
            return b[int(n / 2)] }
        END { printf "%s: %d rounds, %d ports, %d unread\n", what, n, asked, failed
            printf "  discover  median %6.0f ms\n", middle(discover)
            printf "  counters  median %6.0f ms\n", middle(read)
            m = middle(all)
            printf "  round     median %6.0f ms   (%.0f to %.0f)\n", m, least, most }' "$folder/said"
}
measure "switch ports" "counters=1 hosts=0"
measure "switch ports and adapters" "counters=1 hosts=1"
began=$(date +%s%N)
lab_run ibnetdiscover >/dev/null 2>&1
echo "for comparison, of infiniband-diags: ibnetdiscover $((($(date +%s%N) - began) / 1000000)) ms"
began=$(date +%s%N)
lab_run ibqueryerrors >/dev/null 2>&1 || true
echo "  ibqueryerrors (discovers, then reads the counters one by one) \
$((($(date +%s%N) - began) / 1000000)) ms"

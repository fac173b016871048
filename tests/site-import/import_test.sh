#!/usr/bin/env bash
# A site file from a running Slurm: `mw site import slurm` asks a real slurmctld of the lab, and
# `mw site check` takes what it wrote.  Prints TAP.
#
# usage: import_test.sh MW SLURM-LAB
set -u
export LC_ALL=C.UTF-8
mw=$1
slurm_lab=$2
top=$(mktemp -d /tmp/mw-import-XXXXXX)
lab=$top/lab
n=0
failed=0

end_all() {
    [ ! -f "$lab/lab.conf" ] || "$slurm_lab" stop "$lab" >/dev/null 2>&1
    rm -rf "$top"
}
trap end_all EXIT

# ok NAME COMMAND...: one test, that the command succeeds.
ok() {
    local name=$1 said
    shift
    n=$((n + 1))
    if said=$("$@" 2>&1); then
        echo "ok $n - $name"
    else
        failed=$((failed + 1))
        echo "not ok $n - $name"
        printf '%s\n' "$said" | tail -n 20 | sed 's/^/# /'
    fi
}
# exits CODE COMMAND...
exits() {
    local want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" -eq "$want" ] || { echo "exit code $got instead of $want"; return 1; }
}
has_nodes() { [ "$("$mw" site show "$top/site.yaml" --kind node -o csv | grep -c '^n[1-4],')" = 4 ]; }
has_gpus() { [ "$("$mw" site show "$top/site.yaml" --kind gpu -o csv | tail -n +2 | wc -l)" = 32 ]; }
named_as_cluster() {
    grep -qxF "site: \"$(awk -F= '$1 == "ClusterName" { print $2 }' "$lab/slurm.conf")\"" \
        "$top/site.yaml"
}

ok "the test cluster starts" "$slurm_lab" start "$lab" --nodes 4 --gpus 8
ok "a running slurmctld is asked" "$mw" site import slurm --slurm "$lab/slurm.conf" \
    --out "$top/site.yaml"
ok "the site file has no problems" "$mw" site check "$top/site.yaml"
ok "it has Slurm's nodes" has_nodes
ok "it has their GPUs" has_gpus
ok "it is named as the cluster" named_as_cluster
ok "a file that exists is not written over" exits 5 "$mw" site import slurm \
    --slurm "$lab/slurm.conf" --out "$top/site.yaml"
ok "the test cluster ends" "$slurm_lab" stop "$lab"
ok "a slurmctld that is gone is said to be so" exits 6 "$mw" site import slurm \
    --slurm "$lab/slurm.conf" --out "$top/other.yaml"
echo "1..$n"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# packaging/slurm on a real Slurm (script/slurm-lab): a job does not start on a node that is not well,
# the node is drained with the reason, what others drained stays theirs.  Prints TAP.
#
# usage: slurm_test.sh MW-AGENT SOURCE-FOLDER
set -u
export LC_ALL=C.UTF-8
agent=$1
source=$2
top=$(mktemp -d /tmp/mw-slurm-check-XXXXXX)
lab=$top/lab
n=0
failed=0
end_all() {
    [ ! -f "$lab/lab.conf" ] || "$source/script/slurm-lab" stop "$lab" >/dev/null 2>&1
    rm -rf "$top"
}
trap end_all EXIT
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
soon() { # within 60 s; the bound is no measure of anything
    local i
    for ((i = 0; i < 600; i++)); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    "$@"
}

chmod 755 "$top"
cp "$source"/packaging/slurm/* "$top"
# a node is bad when a file says so: real checks, an expectation that it cannot meet
cat >"$top/check.conf" <<CONF
MW_AGENT=$agent
export SLURM_CONF=$lab/slurm.conf
PROLOG='--only machine,limits'
EPILOG='--only machine,limits'
HEALTH='--only machine,limits'
EXTRA='--set cpus>=1'
[ ! -f $top/bad-\$NODE ] || EXTRA='--set cpus=4096'
echo "\$0 \$NODE" >>$top/ran
CONF
cat >"$top/extra.conf" <<CONF
Prolog=$top/prolog
PrologFlags=Alloc
Epilog=$top/epilog
HealthCheckProgram=$top/health
HealthCheckInterval=2
HealthCheckNodeState=ANY
CONF
start() { "$source/script/slurm-lab" start "$lab" --nodes 3 --slurm-conf-extra "$top/extra.conf"; }
ok "a cluster starts with the prolog, the epilog and the health program" start
[ "$failed" -eq 0 ] || { echo "1..$n"; exit 1; }
eval "$("$lab/ctl" env)"

reason() { scontrol --oneliner show node "$1" | sed -n 's/.*Reason=\([^[]*\).*/\1/p'; }
state() { scontrol --oneliner show node "$1" | sed -n 's/.*State=\([^ ]*\).*/\1/p'; }
drained() { [[ $(state "$1") == *DRAIN* ]]; }
not() { ! "$@"; }
runs() { timeout 60 srun -w "$1" -N1 true; }
ok "a job runs on a node that is well" runs n1
ran() { grep -q "$1 n1" "$top/ran"; }
ok "the prolog and the epilog did run there" eval 'ran prolog && soon ran epilog'
ok "so did the health program, and it drained nobody" eval 'soon ran health && not drained n1'

by_other() { scontrol update NodeName=n3 State=DRAIN Reason="a person: new cable"; }
ok "a person drains a node" by_other
touch "$top/bad-n3"
stays() { sleep 5; [ "$(reason n3)" = "a person: new cable " ]; }
ok "the health program finds it bad and leaves the person's reason" stays

# the health program must not come before the prolog here
scontrol update NodeName=n2 State=RESUME >/dev/null 2>&1
mv "$top/health" "$top/health.off"
printf '#!/bin/sh\nexit 0\n' >"$top/health"
chmod +x "$top/health"
touch "$top/bad-n2"
refuses() { ! timeout 20 srun -w n2 -N1 touch "$top/started"; [ ! -e "$top/started" ]; }
ok "a job does not start on a node that is not well" refuses
ok "the prolog has drained it" soon drained n2
why() { [[ $(reason n2) == "millwright: not well: cpus is "*"not = 4096"* ]]; }
ok "with what was measured and expected as the reason" why

mv "$top/health.off" "$top/health"
touch "$top/bad-n1"
ok "the health program drains an idle node that has gone bad" soon drained n1
rm "$top"/bad-*
still() { sleep 5; drained n1 && drained n2 && drained n3; }
ok "a node that is well again stays drained until somebody returns it" still

echo "1..$n"
[ "$failed" -eq 0 ]

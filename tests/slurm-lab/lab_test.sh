#!/usr/bin/env bash
# The test cluster itself: real munged, slurmctld and slurmds come up, each fault that `mw inject`
# knows hits what it says and nothing else, and nothing is left behind.  Prints TAP.
#
# usage: lab_test.sh MW SLURM-LAB
set -u
export LC_ALL=C.UTF-8
mw=$1
slurm_lab=$2
top=$(mktemp -d /tmp/mw-slurm-lab-XXXXXX)
lab=$top/a
other=$top/b
n=0
failed=0

end_all() {
    for l in "$lab" "$other"; do
        [ ! -f "$l/lab.conf" ] || "$slurm_lab" stop "$l" >/dev/null 2>&1
    done
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
# soon COMMAND...: within 20 s; the bound is no measure of anything.
soon() {
    local i
    for ((i = 0; i < 200; i++)); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    "$@"
}
inject() { "$mw" inject "$@" --lab "$lab"; }
job_is() { [ "$(squeue -h -j "$1" -o %T 2>/dev/null)" = "$2" ]; }
job_over() { [[ $(scontrol -o show job "$1") == *" JobState=$2 "* ]]; }
node_is() { [ "$(sinfo -h -n "$1" -o %t)" = "$2" ]; }
process() { kill -0 "$(cat "$lab/pids/$1")"; }
not() { ! "$@"; }
in_log() { grep -qF "$2" "$lab/nodes/$1/kmsg"; }
# $$ keeps the tasks of another run of this test apart
tasks_are() { [ "$(pgrep -cx "task$1-$$")" -eq "$2" ]; }
full() { [ "$(stat -f -c %a "$1")" -eq 0 ]; }

submit() { # NODES NAME: a job of that many tasks, one a node, each a process called taskNAME-...
    ln -sf /bin/sleep "$top/task$2-$$"
    printf '#!/bin/sh\nexec srun -K1 %s 600\n' "$top/task$2-$$" >"$top/$2.sh"
    sbatch --parsable -N "$1" --ntasks-per-node=1 --exclusive --no-requeue -o /dev/null "$top/$2.sh"
}

two_labs() {
    "$slurm_lab" start "$lab" --nodes 4 &
    "$slurm_lab" start "$other" --nodes 2 --gpus 4
    local second=$?
    wait $! && [ "$second" -eq 0 ]
}
ok "two clusters start at the same time and do not get in each other's way" two_labs
[ "$failed" -eq 0 ] || { echo "1..$n"; exit 1; }
eval "$("$lab/ctl" env)"
gpus() { [ "$(sinfo -h -N -o %G | sort -u)" = gpu:h100:8 ] && [ "$(sinfo -h -N | wc -l)" -eq 4 ]; }
ok "every node has its GPUs" gpus
ok "the site file that it wrote is accepted" "$mw" site check "$lab/site.yaml"
ok "a folder with a lab in it is not taken for another" exits 1 "$slurm_lab" start "$lab"
ok "nothing listens beyond loopback" not grep -rhqE "LISTEN .*(0\.0\.0\.0|\*):$(
    sed -n 's/^SlurmctldPort=//p' "$lab/slurm.conf") " <(ss -ltn)

job=$(submit 2 A)
ok "a job runs on it" soon tasks_are A 2
ok "a rank is killed and its job ends by it" inject kill-rank "$job:1"
ok "the job has failed" soon job_over "$job" FAILED
ok "a job that has ended has no rank to kill" exits 3 inject kill-rank "$job:1"

ok "an Xid is written to the node's kernel log" inject xid 79 n2
ok "it is there and nowhere else" in_log n2 "): 79, "
ok "other nodes did not hear of it" not in_log n1 "79"
ok "an SXid is written" inject sxid 20034 n2
ok "any kernel line is written" inject kernel "EXT4-fs error (device sda1): bad" n2
ok "a number that is none is refused" exits 1 inject xid many n2
ok "a node that is not there is refused" exits 3 inject xid 79 n5
ok "a node is no path" exits 3 inject xid 79 ../n2
ok "a fault without its target is refused" exits 2 inject xid 79

ok "a slurmd is killed" inject kill-slurmd n1
ok "it is gone" soon not process slurmd-n1
ok "the next is not" process slurmd-n2
ok "it cannot be killed twice" exits 3 inject kill-slurmd n1
ok "it starts again" inject start-slurmd n1
ok "its node is idle" soon node_is n1 idle

job=$(submit 3 B)
ok "a second job runs" soon tasks_are B 3
# slurmctld writes what it knows of jobs behind them, seconds later
touch "$top/now"
soon test "$lab/state/job_state" -nt "$top/now"
ok "slurmctld is killed" inject kill-slurmctld
ok "the job goes on without it" tasks_are B 3
ok "it starts again" inject start-slurmctld
ok "it still knows the job" soon job_is "$job" RUNNING
ok "a whole node is killed" inject kill-node n2
ok "with its part of the job, and no other's" soon tasks_are B 2
ok "it is booted again" inject revive-node n2
ok "its kernel log is empty" not in_log n2 79
ok "a node is frozen" inject freeze-node n3
stands_still() { grep -q '^State:.T' "/proc/$(cat "$lab/pids/$1")/status"; }
ok "its slurmd stands still" soon stands_still slurmd-n3
ok "it is booted again" inject revive-node n3
ok "its slurmd runs" not stands_still slurmd-n3
# its srun goes on waiting for the dead node: n1 stays with it for the 30 s that Slurm gives it
scancel "$job"
ok "no task is left" soon tasks_are B 0

if [ "$(id -u)" -eq 0 ] && mountpoint -q "$lab/nodes/n3/disk"; then
    ok "a disk is filled" inject fill-disk n3
    ok "it is full" full "$lab/nodes/n3/disk"
    ok "and no other" not full "$lab/nodes/n4/disk"
    ok "it is emptied" inject free-disk n3
    ok "it has room" not full "$lab/nodes/n3/disk"
fi
ok "a node without a link of its own says so" exits 5 inject cut-link n4
ok "there is no daemon to kill" exits 3 inject kill-daemon
ok "another's folder is refused" exits 4 "$mw" inject kill-slurmd n1 --lab "$top"

submit 3 C >/dev/null
ok "a third job runs" soon tasks_are C 3
ok "the cluster is stopped" "$slurm_lab" stop "$lab"
ok "its jobs have ended with it" soon tasks_are C 0
nothing_left() { ! pgrep -f "$lab/" && ! grep -F "$lab" /proc/mounts; }
ok "no process and no mount of it is left" soon nothing_left
export SLURM_CONF=$other/slurm.conf
ok "the other cluster did not notice" soon node_is n1 idle
ok "and stops as well" "$slurm_lab" stop "$other"
echo "1..$n"
[ "$failed" -eq 0 ]

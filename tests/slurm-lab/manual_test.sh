#!/usr/bin/env bash
# Runs the commands of docs/slurm.md, "Try it on one machine", as they are printed, and looks
# whether what came out is what the manual says.  Prints TAP.
#
# usage: manual_test.sh MW MW-AGENT SOURCE-ROOT
set -u
export LC_ALL=C.UTF-8
export MW=$1 MW_AGENT=$2
root=$3
top=$(mktemp -d /tmp/mw-manual-XXXXXX)
lab=$top/lab
n=0
failed=0

end_all() {
    [ ! -f "$lab/lab.conf" ] || "$root/script/slurm-lab" stop "$lab" >/dev/null 2>&1
    rm -rf "$top"
}
trap end_all EXIT

ok() {
    local name=$1
    shift
    n=$((n + 1))
    if "$@"; then echo "ok $n - $name"; else
        failed=$((failed + 1))
        echo "not ok $n - $name"
    fi
}

free_port() {
    local p
    for p in $(shuf -i 10000-30000 -n 50); do
        (: <"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
    done
}

# The sh blocks of the section, numbered in the output, with this run's places in them.
sed -n '/^## Try it on one machine/,/^## /p' "$root/docs/slurm.md" |
    awk '/^```sh$/ { on = 1; print "echo \"=== " ++n "\""; next } /^```$/ { on = 0 } on' |
    sed -e "s|/tmp/lab|$lab|g" -e "s|build/mw|$MW|g" -e "s|script/slurm-lab|$root/script/slurm-lab|g" \
        -e "s|127\.0\.0\.1:7377|127.0.0.1:$(free_port)|" >"$top/all.sh"
[ "$(id -u)" -eq 0 ] || sed -i -e 's/ --netns//' -e '/cut-link\|mend-link/d' "$top/all.sh"
# The folder is looked at before it is removed.
sed -i "s|^rm -r $lab|:|" "$top/all.sh"
timeout 240 bash -e "$top/all.sh" >"$top/out" 2>&1
ok "every command of the manual succeeds" [ $? -eq 0 ]
block() { awk -v b="$1" '/^=== / { on = $2 == b } on' "$top/out"; }
says() { block "$1" | grep -qE "$2"; }
ok "the daemon watches and may act" says 1 'MODE +act'
ok "the job runs on four nodes" says 2 ' R .* 4 n\[1-4\]'
ok "the dead node is out, by us" says 2 '^mw:slurmd .* n2$'
ok "the job runs again, elsewhere" says 2 ' R .* 4 n\[(1,3-5|3-6)\]'
ok "the story of the job says so" says 2 'attempt 2: runs'
ok "the node is back" says 3 ' idle n2$'
ok "the GPU's node is out" says 4 '^mw:gpu .* n7$'
ok "and a suspect" says 4 '^n7 .*gpu'
ok "the repaired node is watched" grep -q 'n7: validating -> probation' "$lab/log/mw-serve.log"
ok "the job outlives the daemon" says 5 ' R .* 4 n'
ok "a node that vanished is out" says 5 '^mw:node-silent .* n2$'
if [ "$(id -u)" -eq 0 ]; then
    ok "a node whose agent is cut off is known" \
        grep -q 'found: agent-lost on n8' "$lab/log/mw-serve.log"
fi
nothing_left() { ! pgrep -f "$lab/" >/dev/null && ! grep -F "$lab" /proc/mounts; }
ok "nothing is left running" nothing_left
echo "1..$n"
[ "$failed" -eq 0 ] || { sed 's/^/# /' "$top/out"; tail -n 60 "$lab/log/mw-serve.log" | sed 's/^/#   /'; }
[ "$failed" -eq 0 ]

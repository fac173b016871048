# A simulated InfiniBand fabric for tests: ibsim with a netlist, OpenSM over it, all of it in one
# folder with sockets of its own name.  Sourced, not run.
#
#   lab_start NETLIST [host]   ibsim, then OpenSM until every node of the netlist has a LID
#   lab_say COMMAND            a line for ibsim's console: Unlink "leaf000"[3]
#   lab_run PROGRAM...         a program whose InfiniBand is this fabric
#   lab_exec PROGRAM... &      the same, to be ended by its pid
#   lab_stop                   ends both, removes the folder
# Sets: LAB the folder, LAB_UP_MS how long the subnet took.
lab_sim_so=$(ls /usr/lib/*/umad2sim/libumad2sim.so 2>/dev/null | head -1 || true)

lab_missing() {
    local program
    for program in ibsim opensm ibnetdiscover; do
        PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || { echo "$program"; return; }
    done
    [ -n "$lab_sim_so" ] || echo libumad2sim.so
}

# Becomes the program: after `lab_exec PROGRAM... &` its process is $!.
lab_exec() {
    cd "$LAB" && exec env PATH="$PATH:/usr/sbin" SIM_HOST="${LAB_HOST:-}" \
        IBSIM_SOCKNAME="$LAB_SOCKET" LD_PRELOAD="$lab_sim_so" "$@"
}

lab_run() {
    (lab_exec "$@")
}

lab_say() {
    printf '%s\n' "$1" >&"$LAB_CONSOLE"
}

lab_start() {
    local netlist=$1 began links
    LAB=$(mktemp -d)
    LAB_HOST=${2:-}
    LAB_SOCKET=mw-lab-$(basename "$LAB")
    cp "$netlist" "$LAB/net"
    mkfifo "$LAB/console"
    exec {LAB_CONSOLE}<>"$LAB/console"
    (cd "$LAB" && exec env PATH="$PATH:/usr/sbin" IBSIM_SOCKNAME="$LAB_SOCKET" \
        ibsim -s -N 4000 -S 400 -P 40000 net) <&"$LAB_CONSOLE" >"$LAB/ibsim.log" 2>&1 &
    LAB_IBSIM=$!
    lab_wait 10 grep -qs 'Network simulator ready' "$LAB/ibsim.log" || return 1
    mkdir "$LAB/osm"
    began=$(date +%s%N)
    # ftree leaves the fabric to updn as soon as one link of the tree is missing
    lab_exec env OSM_TMP_DIR="$LAB/osm" OSM_CACHE_DIR="$LAB/osm" \
        opensm -f "$LAB/osm/osm.log" -R ftree,updn >"$LAB/osm/out" 2>&1 &
    LAB_OPENSM=$!
    lab_wait 60 test -s "$LAB/osm/opensm-subnet.lst" || return 1
    LAB_UP_MS=$((($(date +%s%N) - began) / 1000000))
}

# seconds, then a command that is tried until it succeeds
lab_wait() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

lab_stop() {
    [ -n "${LAB:-}" ] || return 0
    local pid
    for pid in ${LAB_OPENSM:-} ${LAB_IBSIM:-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    exec {LAB_CONSOLE}>&-
    LAB_OPENSM=
    LAB_IBSIM=
    rm -rf "$LAB"
    LAB=
}

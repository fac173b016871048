# What prolog, epilog and health share; sourced by them.  Slurm gives its programs next to no
# environment, so everything is found here.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8
NODE=${SLURMD_NODENAME:-$(hostname -s)}
MW_AGENT=mw-agent
PROLOG='--level 2 --budget 10s'
EPILOG='--level 2 --budget 10s'
HEALTH='--level 2 --budget 20s'
EXTRA=
if [ -r "$here/check.conf" ]; then
    . "$here/check.conf"
elif [ -r /etc/millwright/slurm-check.conf ]; then
    . /etc/millwright/slurm-check.conf
fi

note() { logger -t millwright-check -- "$NODE: $*" 2>/dev/null || :; }

# check OPTIONS: 0 well, 10 not well, anything else not known; $said is the reason in one line.
check() {
    report=
    [ ! -d /run/mw-agent/checks ] || report='--report /run/mw-agent/checks'
    # shellcheck disable=SC2086  # words
    said=$("$MW_AGENT" check $1 $report $EXTRA 2>&1)
    code=$?
    said=$(printf '%s\n' "$said" | head -n 1)
    [ "$code" -eq 0 ] || note "status $code: $said"
    return "$code"
}

# Takes the node out, with the reason, unless somebody else already has: a reason that is there stays.
# Nothing here ever returns a node.
drain() {
    case $(scontrol --oneliner show node "$NODE" 2>/dev/null) in
    *State=*DRAIN* | *State=DOWN* | *State=FAIL*) note "already out: $1" ;;
    *) scontrol update NodeName="$NODE" State=DRAIN Reason="millwright: $1" || note "not drained" ;;
    esac
}

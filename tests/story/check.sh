#!/bin/sh
# What `mw` tells of a week is what is in expected/, which was read as a person would read it.
# usage: check.sh MW DIR [--update]     (--update writes DIR/expected anew: read it before committing)
set -eu
mw=$1
dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$mw" replay "$dir/week.yaml" --no-sensitivity --quiet --journal "$work/week" > "$work/report"
"$mw" journal export --quiet "$work/week" > "$work/events"

# The number that a field has in the first event that matches a pattern.
first() {
    grep "$1" "$work/events" | head -n 1 | sed "s/.*\"$2\":\\([0-9]*\\).*/\\1/"
}

mkdir "$work/got"
tell() {
    name=$1
    shift
    "$mw" "$@" --journal "$work/week" > "$work/got/$name.txt"
}
# one switch, many symptoms; a slow part that leaves at a checkpoint; a repair that was stuck
tell explain-switch explain "$(first '"incident.suppressed"' parent)"
tell explain-slow explain "$(first '"step.chosen".*"drain":"at-checkpoint"' incident)"
tell explain-stuck explain "$(first '"order.escalated"' incident)"
# a job that made room for another (class 65533), and one that a slow part held up
tell why-preempted why "$(first '"attempt.stop".*"class":65533' job)"
tell why-evicted why "$(first '"attempt.stop".*"class":1,.*"how":"at-checkpoint"' job)"
tell incidents incidents -o wide
tell orders orders --by place -o wide
tell parts parts
tell odds odds
tell spares spares
tell lemons lemons
tell budget budget
tell history history "$(grep -o 'serial [^ ]* -> [^ "]*' "$work/events" | head -n 1 | sed 's/serial \([^ ]*\) .*/\1/')"

if [ "${3:-}" = --update ]; then
    rm -f "$dir"/expected/*.txt
    cp "$work"/got/*.txt "$dir/expected/"
    exit 0
fi
diff -u "$dir/expected" "$work/got" || {
    echo "the texts have changed: read them, and if they are right: check.sh MW DIR --update"
    exit 1
}

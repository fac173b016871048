#!/bin/sh
# A golden journal: whole, exported to the known bytes, and decided again alike.
# usage: check.sh MW JOURNAL SHA256-OF-EXPORT
set -eu
mw=$1
sum=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$2" "$work/journal"
chmod -R u+w "$work/journal"
"$mw" journal verify "$work/journal"
got=$("$mw" journal export --quiet "$work/journal" | sha256sum | cut -d' ' -f1)
if [ "$got" != "$sum" ]; then
    echo "the export's SHA-256 is $got, not $sum: an old record would be read otherwise"
    exit 1
fi
"$mw" journal rederive "$work/journal"

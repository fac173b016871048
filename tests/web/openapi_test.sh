#!/usr/bin/env bash
# redocly finds nothing in the API's own description.  Prints TAP.
#
# usage: openapi_test.sh MW
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$1" docs openapi >"$dir/openapi.json"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
if (cd "$dir" && "$here/node_modules/.bin/redocly" lint openapi.json >log 2>&1) &&
    ! grep -qi warning "$dir/log"; then
    echo "ok 1 - redocly finds nothing in the description of the API"
else
    sed 's/^/# /' "$dir/log"
    echo "not ok 1 - redocly finds nothing in the description of the API"
fi
echo "1..1"

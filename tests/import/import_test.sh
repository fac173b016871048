#!/usr/bin/env bash
# mw import netbox from a server, page by page with a token; mw import lldp from what real lldpds
# hear in network namespaces (root only).  Prints TAP.  usage: import_test.sh MW SOURCE
set -u
mw=$1
source=$2
top=$(mktemp -d)
n=0
failed=0
pids=
end_all() {
    local pid
    for pid in $pids; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
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
exits() { # CODE WORDS COMMAND...: ends so and says that
    local want=$1 words=$2 got=0 said
    shift 2
    said=$("$@" 2>&1) || got=$?
    [ "$got" -eq "$want" ] && case $said in *"$words"*) true ;; *) false ;; esac ||
        { echo "exit code $got instead of $want: $said"; return 1; }
}
# NAME [elsewhere]: starts a server; its port in $top/NAME
serve() {
    python3 "$source/tests/import/netbox_server.py" "$source/tests/import/netbox" secret "${@:2}" \
        >"$top/$1" 2>"$top/$1.log" &
    pids="$pids $!"
    for _ in $(seq 100); do [ -s "$top/$1" ] && return; sleep 0.1; done
}
same_as_files() {
    "$mw" import netbox --quiet "$source/tests/import/netbox" | grep -v '^# Made' >"$top/files"
    grep -v '^# Made' "$top/url.yaml" | diff - "$top/files"
}

serve port
url=http://127.0.0.1:$(cat "$top/port")
printf 'secret\n' >"$top/token"
printf 'wrong\n' >"$top/wrong"
printf 'secret\n' >"$top/open"
chmod 600 "$top/token" "$top/wrong"
chmod 644 "$top/open"
ok "NetBox is read page by page" "$mw" import netbox --url "$url/" --token-file "$top/token" \
    --out "$top/url.yaml"
ok "it is the same as from saved answers" same_as_files
ok "a wrong token is refused" exits 4 "refuses (status 403)" "$mw" import netbox --url "$url" \
    --token-file "$top/wrong"
ok "a token that others may read is not used" exits 4 "open" "$mw" import netbox --url "$url" \
    --token-file "$top/open"
serve other elsewhere
ok "a page on another server is not followed with the token" exits 4 "on another server" \
    "$mw" import netbox --url "http://127.0.0.1:$(cat "$top/other")" --token-file "$top/token"

if [ "$(id -u)" -eq 0 ] && PATH=$PATH:/usr/sbin command -v lldpd >/dev/null &&
    unshare -n true 2>/dev/null; then
    mkdir "$top/lldp"
    ok "real lldpds hear each other" "$source/tests/import/lldp_lab.sh" "$top/lldp"
    ok "what they hear becomes a site" "$mw" import lldp "$top/lldp" --out "$top/lldp.yaml"
    ok "hosts are joined to the switches they hear" \
        grep -qF '{from: "gpu[001-002]-nic0", to: "tor1"}' "$top/lldp.yaml"
    ok "the switches are joined once" \
        grep -qF '{from: "tor1:8", to: "tor2:8"}' "$top/lldp.yaml"
fi
echo "1..$n"
[ "$failed" -eq 0 ]

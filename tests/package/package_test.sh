#!/usr/bin/env bash
# Builds the Debian packages, installs them in a clean Debian 12, runs them there, removes and
# purges them.  What would break for the user: a library that no package names, a unit that systemd
# does not take, a program that does not find its other half, files that stay behind.
#
# usage: package_test.sh BUILD-TREE
# Exit 77 (skipped) where it cannot be run: not root, or no debootstrap, or no Debian mirror to make
# the clean root from.  That root is kept in the build tree; each run works in a copy.
set -eu

build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
mirror=${MW_DEBIAN_MIRROR:-http://deb.debian.org/debian}
base=$build/package-root
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*"; exit 1; }
step() { echo "-- $*"; }

[ "$(id -u)" = 0 ] || skip "a clean root is made and entered by root only"
# What is mounted here is mounted for this process alone, and goes with it.
[ -n "${MW_PACKAGE_MOUNTS:-}" ] || MW_PACKAGE_MOUNTS=own exec unshare --mount "$0" "$@"
command -v debootstrap >/dev/null || skip "there is no debootstrap"
work=$(mktemp -d)
root=$work/root
serve=
# shellcheck disable=SC2317
tidy_up() {
    [ -z "$serve" ] || kill "$serve" 2>/dev/null || true
    ! mountpoint -q "$root/proc" || umount -l "$root/proc"
    rm -rf --one-file-system "$work"
}
trap tidy_up EXIT

step "the packages, twice"
"$source/script/package" --build "$build" --out "$work/debs"
"$source/script/package" --build "$build" --out "$work/again"
for deb in "$work"/debs/*.deb; do
    cmp "$deb" "$work/again/$(basename "$deb")" || fail "two runs give different bytes"
    ! dpkg-deb -c "$deb" | grep -v ' root/root ' | grep . || fail "files that are not root's"
    case $build in "$source"/*) # elsewhere the compiler was given paths that lead to the sources
        ! dpkg-deb --fsys-tarfile "$deb" | tar -xO 2>/dev/null | grep -qaF "$source/" ||
            fail "$(basename "$deb") names a path of this machine" ;;
    esac
done
mw=$(ls "$work"/debs/mw_*.deb) agent=$(ls "$work"/debs/mw-agent_*.deb)

# A root with what the packages depend on, made once: they are installed without a network.
needs=$( { dpkg-deb -f "$mw" Depends; echo; dpkg-deb -f "$agent" Depends; } | tr ',' '\n' |
    sed 's/^ *//; s/[ (|].*//' | grep . | sort -u | paste -sd,)
if [ ! -f "$base/made" ] || [ "$(cat "$base/made")" != "$needs" ]; then
    step "a clean root with $needs"
    rm -rf --one-file-system "$base"
    timeout 900 debootstrap --variant=minbase --include="$needs" bookworm "$base" "$mirror" \
        >"$work/debootstrap.log" 2>&1 || { tail -n 3 "$work/debootstrap.log"; rm -rf "$base"
            skip "no clean root can be made from $mirror"; }
    rm -rf "$base"/var/cache/apt/archives/*.deb
    echo "$needs" >"$base/made"
fi
cp -a "$base" "$root"
mount -t proc proc "$root/proc" 2>/dev/null || skip "/proc cannot be mounted here"
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }

step "before"
in_root find / -xdev ! -path '/proc*' ! -path '/dev*' ! -path '/tmp*' ! -path '/var/lib/dpkg*' \
    ! -path '/var/log*' ! -path '/var/cache*' ! -path '/run*' | sort >"$work/before"

step "installing"
cp "$mw" "$agent" "$root/tmp/"
in_root dpkg -i "/tmp/$(basename "$mw")" "/tmp/$(basename "$agent")" >"$work/install.log" 2>&1 ||
    { cat "$work/install.log"; fail "dpkg -i"; }
for user in millwright mw-gather mw-agent; do
    in_root getent passwd "$user" >/dev/null || fail "there is no user $user"
done

step "the programs"
in_root mw version
in_root mw-agent --help | grep -q USAGE || fail "mw-agent --help"
in_root mw-agent exec --show | grep -q 'mode shadow' || fail "the executor's policy as installed"
if [ -x "$root/usr/bin/mw-gather" ]; then
    in_root mw-gather --help | grep -q doors || fail "mw-gather --help"
fi
[ -f "$root/usr/share/man/man1/mw.1.gz" ] || fail "no man page"

step "the units"
if command -v systemd-analyze >/dev/null; then
    for unit in "$root"/lib/systemd/system/mw-*.service; do
        systemd-analyze --root "$root" verify "$(basename "$unit")" >"$work/verify.log" 2>&1 || true
        ! grep -iE 'unknown (key|lvalue|section)|invalid|failed to parse' "$work/verify.log" ||
            fail "$(basename "$unit")"
    done
fi

step "a daemon, a join, a beat"
cat >"$root/etc/millwright/site.yaml" <<'SITE'
site: clean
models:
  - {name: box, gpus: 8, nics: 0, power_w: 10kW}
halls:
  - {name: hall}
breakers:
  - {name: main, limit_w: 100kW}
pdus:
  - {name: pdu, breaker: main}
racks:
  - {name: k1, hall: hall, feeds: [pdu]}
nodes:
  - {name: n1, model: box, rack: k1}
SITE
in_root mkdir -p /run/millwright
as() { local user=$1; shift; in_root setpriv --reuid "$user" --regid "$user" --clear-groups "$@"; }
in_root chown millwright /run/millwright
as millwright mw serve --site /etc/millwright/site.yaml --no-slurm --journal /var/lib/millwright/journal \
    --listen 127.0.0.1:0 --agents-tls --http none --socket /run/millwright/millwright.sock \
    --for 120s >"$work/serve.log" 2>&1 &
serve=$!
in_root mw status --socket /run/millwright/millwright.sock --wait 30s >/dev/null ||
    { cat "$work/serve.log"; fail "mw serve does not answer"; }
status() { in_root mw status --socket /run/millwright/millwright.sock --json; }
listens=$(status | sed -n 's/.*"listens": *"\([^"]*\)".*/\1/p' | head -n 1)
token=$(as millwright mw agent token new --journal /var/lib/millwright/journal --quiet | grep -o 'mwj1[^ ]*')
echo "$token" >"$root/tmp/token"
chmod 600 "$root/tmp/token"
in_root chown mw-agent /tmp/token
as mw-agent mw-agent join --daemon "$listens" --node n1 --token /tmp/token || fail "mw-agent join"
as mw-agent timeout 60 mw-agent run --daemon "$listens" --node n1 \
    --state-dir /var/lib/mw-agent >"$work/agent.log" 2>&1 &
heard() { status | grep -q '"watched": *1'; }
for _ in $(seq 100); do
    ! heard || break
    sleep 0.1
done
heard || { cat "$work/agent.log" "$work/serve.log"; fail "no beat was heard"; }

step "removing"
kill "$serve" && wait "$serve" 2>/dev/null || true
serve=
in_root dpkg -r mw mw-agent >/dev/null || fail "dpkg -r"
[ ! -e "$root/usr/bin/mw-agent" ] || fail "mw-agent is there after its removal"
[ -f "$root/etc/millwright/exec.conf" ] || fail "a removal takes no configuration away"
in_root dpkg -P mw mw-agent >/dev/null || fail "dpkg -P"
rm -f "$root"/tmp/* "$root/etc/millwright/site.yaml"
in_root rmdir /etc/millwright 2>/dev/null || true
in_root find / -xdev ! -path '/proc*' ! -path '/dev*' ! -path '/tmp*' ! -path '/var/lib/dpkg*' \
    ! -path '/var/log*' ! -path '/var/cache*' ! -path '/run*' | sort >"$work/after"
# What users were made stays, with the copies that adduser keeps of its files.
if diff "$work/before" "$work/after" | grep '^>' | grep -v -E '^> /etc/(passwd|group|shadow|gshadow|subuid|subgid)-$'; then
    fail "files stayed behind"
fi
echo "as it must be"

# Shared by the scripts beside it; sourced, never run.  Moves to the top of the
# checkout, so that no script depends on the caller's directory.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$top"
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# configure DIR COMPILER [meson options]: a build tree made by this checkout, or made anew;
# meson reads the list of *_fuzz.c itself and must look again when it changed.
configure() {
    local dir=$1 compiler=$2 fuzz
    shift 2
    fuzz=$(find src -name '*_fuzz.c' | sort)
    if [ ! -f "$dir/build.ninja" ] ||
        ! grep -qF "\"source\": \"$top\"" "$dir/meson-info/meson-info.json" 2>/dev/null; then
        rm -rf "$dir"
        CC=$compiler meson setup "$dir" "$@" || return
    elif [ "$fuzz" != "$(cat "$dir/fuzz.list" 2>/dev/null)" ]; then
        meson setup --reconfigure "$dir" || return
    fi
    printf '%s\n' "$fuzz" >"$dir/fuzz.list"
}

# compile DIR [targets]: quiet when all is well.
compile() {
    local dir=$1
    shift
    ninja --quiet -C "$dir" "$@"
}

# link_mw DIR: DIR/mw, wherever meson put the program.
link_mw() {
    [ -x "$1/src/cli/mw" ] || die "$1/src/cli/mw was not built"
    [ -e "$1/mw" ] || ln -s src/cli/mw "$1/mw"
}

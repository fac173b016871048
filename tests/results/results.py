"""The generated parts of docs/results.md; script/results runs it."""
import argparse
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures
import sections_checks
import sections_fleet
import sections_job

SECTIONS = {**sections_job.SECTIONS, **sections_fleet.SECTIONS, **sections_checks.SECTIONS}


def begin(name):
    return f"<!-- written by script/results {name}: begin -->"


def end(name):
    return f"<!-- written by script/results {name}: end -->"


def replaced(text, name, body):
    """The text with the section's part between its marks exchanged; Failed when it has no such marks."""
    pattern = re.escape(begin(name)) + r".*?" + re.escape(end(name))
    made = f"{begin(name)}\n{body.strip()}\n{end(name)}"
    new, found = re.subn(pattern, lambda _: made, text, flags=re.S)
    if found != 1:
        raise figures.Failed(f"section {name} has {found} places, not one")
    return new


def records(text):
    """The rows of the record, of all sections that are in the text."""
    head = figures.table(figures.RECORD, [], right=False)
    rows = []
    for name in SECTIONS:
        part = text.split(begin(name))[-1].split(end(name))[0] if begin(name) in text else ""
        if head in part:
            rest = part.split(head, 1)[1]
            rows += [line for line in rest.split("\n\n", 1)[0].splitlines() if line.startswith("|")]
    return head + "\n".join(rows) + "\n"


def written(text, name, body):
    """The text with a section's part and the record at its top brought up to date."""
    text = replaced(text, name, body)
    return replaced(text, "record", records(text)) if begin("record") in text else text


def options(words):
    p = argparse.ArgumentParser(prog="script/results", description=__doc__)
    p.add_argument("sections", nargs="*", metavar="SECTION",
                   help="only these of: " + ", ".join(SECTIONS))
    p.add_argument("--mw", required=True, help=argparse.SUPPRESS)
    p.add_argument("--out", default="docs/results.md", help="the file whose parts are exchanged")
    p.add_argument("--runs", type=int, default=20, help="seeds, where a section does not say (20)")
    p.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    p.add_argument("--print", action="store_true", help="print the parts, write nothing")
    a = p.parse_args(words)
    unknown = [s for s in a.sections if s not in SECTIONS]
    if unknown:
        p.error(f"no section {unknown[0]}: one of {', '.join(SECTIONS)}")
    return a


def main(words):
    a = options(words)
    mw = figures.Mw(a.mw, a.runs, a.seed, lambda text: print(f"  {text}", file=sys.stderr))
    for name in a.sections or SECTIONS:
        print(f"{name} ...", file=sys.stderr)
        body = SECTIONS[name](mw)
        if a.print:
            print(body)
            continue
        with open(a.out, encoding="utf-8") as f:
            text = written(f.read(), name, body)
        with open(a.out, "w", encoding="utf-8") as f:
            f.write(text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except figures.Failed as e:
        print(f"error: {e}", file=sys.stderr)
        sys.exit(1)

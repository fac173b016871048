#!/usr/bin/python3
"""Makes the C tables of Xid and SXid codes from data/xid/{xid,nvlink5,sxid}.csv.

usage: tools/gen_xid.py XID.CSV NVLINK5.CSV SXID.CSV OUTPUT.C

Fails, with file:line, on a row it does not understand: a table with a hole is worse than none.
"""
import csv
import sys

ARCHS = ["a100", "h100", "b100", "gb200"]
KINDS = {"non-fatal": "SXID_NON_FATAL", "fatal": "SXID_FATAL", "always-fatal": "SXID_ALWAYS_FATAL"}


def fail(path, line, text):
    sys.exit(f"{path}:{line}: {text}")


def c_string(text):
    text = " ".join(text.split())
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read(path):
    with open(path, newline="", encoding="utf-8") as f:
        reader = csv.DictReader(f)
        return [(reader.line_num, row) for row in reader]


def xid_row(path, line, row):
    try:
        code = int(row["code"] if "code" in row else row["xid"])
        archs = sum(int(row[name]) << i for i, name in enumerate(ARCHS))
        used = "true" if int(row["used"]) else "false"
    except (KeyError, ValueError) as e:
        fail(path, line, f"not a row of the Xid table: {e}")
    texts = [row["mnemonic"], row["immediate_action"], row["investigatory_action"], row["xid154"]]
    return code, f"    {{ {code}, {used}, {archs}, {', '.join(map(c_string, texts))} }},"


def bits(path, line, text):
    """'--01' -> the bits that count and their value."""
    if text == "":
        return "{ 0, 0 }"
    if len(text) != 32 or set(text) - set("-01"):
        fail(path, line, f"{text!r} is not 32 of 0, 1 and -")
    mask = int("".join("0" if c == "-" else "1" for c in text), 2)
    return f"{{ {mask:#010x}, {int(text.replace('-', '0'), 2):#010x} }}"


def statuses(path, line, text):
    try:
        values = [int(v, 16) for v in text.split("/") if v]
    except ValueError:
        fail(path, line, f"error status {text!r} is not hexadecimal")
    if len(values) > 2:
        fail(path, line, f"error status {text!r} has more than two values")
    shown = ", ".join(f"{v:#010x}" for v in values + [0] * (2 - len(values)))
    return f"{len(values)}, {{ {shown} }}"


def nvlink_row(path, line, row):
    masks = [bits(path, line, row[name]) for name in (
        "intrinfo_before_r575", "intrinfo_from_r575", "action2_before_r575", "action2_from_r575")]
    texts = [row[name] for name in (
        "action", "action2", "investigatory_action", "severity", "hw_sw", "consequences")]
    return (f"    {{ {int(row['xid'])}, {c_string(row['subcode'])},\n"
            f"      {{ {masks[0]}, {masks[1]} }}, {{ {masks[2]}, {masks[3]} }},\n"
            f"      {statuses(path, line, row['error_status'])},\n"
            f"      {', '.join(map(c_string, texts))} }},")


def sxid_row(path, line, row):
    if row["kind"] not in KINDS:
        fail(path, line, f"kind {row['kind']!r} is none of {', '.join(KINDS)}")
    code = int(row["sxid"])
    return code, f"    {{ {code}, {KINDS[row['kind']]}, {c_string(row['name'])} }},"


def in_order(path, rows):
    codes = [code for code, _ in rows]
    if codes != sorted(set(codes)):
        sys.exit(f"{path}: codes must be unique and in order")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    xid_path, nvlink_path, sxid_path, out_path = sys.argv[1:]
    rows = [xid_row(xid_path, line, row) for line, row in read(xid_path)]
    in_order(xid_path, rows)
    switch = [sxid_row(sxid_path, line, row) for line, row in read(sxid_path)]
    in_order(sxid_path, switch)
    links = [nvlink_row(nvlink_path, line, row) for line, row in read(nvlink_path)]
    with open(out_path, "w", encoding="utf-8") as f:
        f.write("/* Made by tools/gen_xid.py from data/xid; do not edit. */\n"
                '#include "signal/xid.h"\n\n'
                "const struct xid_row xid_rows[] = {\n" + "\n".join(text for _, text in rows) +
                f"\n}};\nconst uint32_t xid_rows_count = {len(rows)};\n\n"
                "const struct xid_nvlink_row xid_nvlink_rows[] = {\n" + "\n".join(links) +
                f"\n}};\nconst uint32_t xid_nvlink_rows_count = {len(links)};\n\n"
                "const struct sxid_row sxid_rows[] = {\n" + "\n".join(text for _, text in switch) +
                f"\n}};\nconst uint32_t sxid_rows_count = {len(switch)};\n")


if __name__ == "__main__":
    main()

"""What script/drill measured: read from its table in docs/results.md."""
import re

import figures

BEGIN, END = "<!-- written by script/drill: begin -->", "<!-- written by script/drill: end -->"
COLUMNS = ["detect", "decide", "place", "start", "catch up", "whole"]


class Drills:
    """p90 seconds: detect["node"], ..., checkpoint."""

    def __init__(self, text):
        part = text.split(BEGIN)[1].split(END)[0] if BEGIN in text else ""
        self.p90 = {}
        for line in part.splitlines():
            cells = [c.strip() for c in line.strip("|").split("|")]
            if len(cells) != 2 + len(COLUMNS) or not cells[1].isdigit():
                continue
            for name, cell in zip(COLUMNS, cells[2:]):
                numbers = re.findall(r"\d+\.\d+", cell)
                if len(numbers) == 3:
                    self.p90[cells[0], name] = float(numbers[1])
        stop = re.search(r"A checkpoint stopped the work for ([\d.]+) / ([\d.]+) / ([\d.]+) s", part)
        if ("node", "detect") not in self.p90 or not stop:
            raise figures.Failed("docs/results.md has no table of script/drill")
        self.checkpoint = float(stop.group(2))

    @property
    def detect(self):
        return self.p90["node", "detect"]

    @property
    def restart(self):
        """From the order to requeue to the first step's end."""
        return self.p90["node", "place"] + self.p90["node", "start"]


def read(path="docs/results.md"):
    with open(path, encoding="utf-8") as f:
        return Drills(f.read())

#!/usr/bin/python3 -B
"""The table of phases says what the record and the logs say."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measure

S = 10**9


def phase(t, name, rank=0, code=0, step=0):
    return (f"utc_ns={t} mono_ns=1 job=7 restart=0 rank={rank} node=n2 pid=5 phase={name} "
            f"step={step} code={code}\n")


class Table(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, *lines):
        with open(f"{self.folder.name}/phases-0.log", "w", encoding="utf-8") as f:
            f.writelines(lines)

    def drill(self, kind, **more):
        return dict({"kind": kind, "job": 7, "dir": self.folder.name, "node": "n2",
                     "t_ns": 100 * S}, **more)

    def test_a_lost_node_is_split_at_finding_order_process_step_and_high_water(self):
        self.write(phase(90 * S, "started"), phase(105 * S, "started"))
        events = [
            {"kind": "finding.opened", "time_ns": 99 * S, "body": {"node": 1}},
            {"kind": "finding.opened", "time_ns": 100 * S + 1, "body": {"node": 0}},
            {"kind": "finding.opened", "time_ns": 101 * S, "body": {"node": 1}},
            {"kind": "engine.order", "time_ns": 102 * S, "body": {"verb": "down", "job": 0}},
            {"kind": "engine.order", "time_ns": 103 * S, "body": {"verb": "requeue", "job": 7}},
        ]
        drill = self.drill("node", first_ns=109 * S, caught_ns=114 * S)
        text = measure.table([drill], [json.dumps(e) for e in events] + [""])
        self.assertIn("| node | 1 | 1.00 / 1.00 / 1.00 | 2.00 / 2.00 / 2.00 | 2.00 / 2.00 / 2.00 "
                      "| 4.00 / 4.00 / 4.00 | 5.00 / 5.00 / 5.00 | 14.00 / 14.00 / 14.00 |", text)

    def test_a_lost_rank_is_noticed_by_its_peers_and_needs_no_decision(self):
        self.write(phase(101 * S, "ended", code=75), phase(102 * S, "started"))
        drill = self.drill("rank", first_ns=103 * S, caught_ns=102 * S)
        found = measure.split(drill, [], measure.phases_of(self.folder.name))
        self.assertEqual([found[p] for p in measure.PHASES], [1, 0, 1, 1, 0, 3])

    def test_what_disturbs_no_job_has_only_the_time_until_it_is_back(self):
        self.write()
        text = measure.table([self.drill("daemon", back_ns=100 * S + S // 4)], [])
        self.assertIn("| daemon | 1 | – | – | – | – | – | 0.25 / 0.25 / 0.25 |", text)

    def test_a_checkpoint_says_how_long_it_took(self):
        self.write(phase(1 * S, "saved", step=50).replace("\n", f" took_ns={S // 50}\n"),
                   phase(2 * S, "ended"))
        text = measure.table([self.drill("daemon", back_ns=101 * S)], [])
        self.assertIn("A checkpoint stopped the work for 0.02 / 0.02 / 0.02 s.", text)

    def test_shares_are_nearest_rank(self):
        values = [float(n) for n in range(10, 0, -1)]
        self.assertEqual(measure.cell(values), "5.00 / 9.00 / 10.00")
        self.assertEqual(measure.cell([None]), "–")

    def test_only_what_stands_between_the_marks_is_replaced(self):
        path = f"{self.folder.name}/results.md"
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"before\n{measure.BEGIN}\nold\n{measure.END}\nafter\n")

        class Arguments:
            drills, seed, steps, ranks, nodes, pace = 50, 1, 1500, 4, 12, 20
        measure.write(path, Arguments, "| new |", 50, 7)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.assertTrue(text.startswith(f"before\n{measure.BEGIN}\n"))
        self.assertTrue(text.endswith(f"{measure.END}\nafter\n"))
        self.assertIn("| new |", text)
        self.assertNotIn("old", text)


if __name__ == "__main__":
    unittest.main()

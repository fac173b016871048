#!/usr/bin/python3 -B
"""script/results says what the runs say, and changes nothing else.  Usage: results_test.py MW"""
import contextlib
import io
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import drills
import figures
import results
import sections_job

MW = None


class Figures(unittest.TestCase):
    def test_an_interval_is_the_textbooks(self):
        e = figures.Estimate([4, 6, 8, 10])
        self.assertEqual(e.mean, 7)
        self.assertAlmostEqual(e.half, 4.10846, 4)
        self.assertEqual(figures.Estimate([5]).text(1), "5.0")

    def test_a_change_is_of_pairs_of_one_seed(self):
        change = figures.Estimate([10, 20, 30]) - figures.Estimate([9, 19, 29])
        self.assertEqual((change.mean, change.half), (1, 0))
        self.assertEqual(change.scaled(-1).text(1, True), "−1.0 ± 0.0")

    def test_the_binomial_law_gives_the_published_standbys(self):
        for machines, standbys in sections_job.STANDBYS:
            self.assertEqual(figures.binomial_quantile(machines, 0.0012, 0.99), standbys)
        self.assertEqual(figures.binomial_quantile(10, 1e-9, 0.999), 0)

    def test_the_closed_form_is_that_of_ettr_check(self):
        # StepFun's rate at 1,024 GPUs, case B: MTTF 44.6 h, restart 5 min, write 1 min
        mttf = 1000 / 4.2 / 128 * 86400
        interval = (2 * 60 * mttf) ** 0.5
        self.assertAlmostEqual(figures.ettr_exact(mttf, 300, 60, interval), 0.971, 3)


class Page(unittest.TestCase):
    def page(self):
        marks = "\n".join(f"{results.begin(n)}\nold\n{results.end(n)}" for n in ("record", "c4", "rsc"))
        return f"# Results\n{marks}\nby hand\n"

    def test_only_the_named_part_is_exchanged(self):
        text = results.replaced(self.page(), "rsc", "new \\1")
        self.assertIn(f"{results.begin('rsc')}\nnew \\1\n{results.end('rsc')}", text)
        self.assertIn(f"{results.begin('c4')}\nold\n", text)
        self.assertTrue(text.endswith("by hand\n"))

    def test_a_page_without_the_part_is_refused(self):
        with self.assertRaises(figures.Failed):
            results.replaced(self.page(), "llama3", "new")

    def test_the_record_gathers_what_the_parts_say(self):
        text = self.page()
        for name, verdict in (("rsc", "missed"), ("c4", "reached")):
            row = [name, "1", "2", verdict]
            text = results.written(text, name, figures.record(row) + "| no | row |\n| of | it |\n")
        record = text.split(results.begin("record"))[1].split(results.end("record"))[0]
        self.assertEqual([line.split(" | ")[0] for line in record.strip().splitlines()[2:]],
                         ["| c4", "| rsc"])

    def test_the_drills_are_read_from_their_table(self):
        d = drills.read(os.path.join(HERE, "../../docs/results.md"))
        self.assertTrue(0 < d.detect < 60 and 0 < d.restart < 600)
        with self.assertRaises(figures.Failed):
            drills.Drills("no table")


class Program(unittest.TestCase):
    def test_a_tiny_section_is_written(self):
        def tiny(mw):
            r = mw.run("scenarios/small.yaml", {"horizon": "2d"}, runs=3)
            return figures.table(["ETTR"], [[r.percent("ettr").text()]]) + f"`{r.command}`\n"
        with tempfile.TemporaryDirectory() as folder:
            out = f"{folder}/page.md"
            with open(out, "w", encoding="utf-8") as f:
                f.write(f"{results.begin('tiny')}\n{results.end('tiny')}\n")
            results.SECTIONS["tiny"] = tiny
            with contextlib.redirect_stderr(io.StringIO()):
                results.main(["--mw", MW, "--out", out, "tiny"])
            del results.SECTIONS["tiny"]
            with open(out, encoding="utf-8") as f:
                text = f.read()
        self.assertRegex(text, r"\| \d\d\.\d\d ± \d+\.\d\d \|")
        self.assertIn("`mw sim run scenarios/small.yaml --set horizon=2d --runs 3 --seed 1`", text)

    def test_what_fails_is_said(self):
        with self.assertRaisesRegex(figures.Failed, "no-such-key"):
            figures.Mw(MW).run("scenarios/small.yaml", {"no-such-key": 1}, runs=2)

    def test_a_trace_is_compared_under_three_policies(self):
        doc = figures.Mw(MW).json("replay", f"{HERE}/tiny.yaml", "--compare", "--runs", "3")
        was, care, everything = doc["columns"]
        self.assertEqual([c["key"] for c in doc["columns"]], ["as-it-was", "care", "all"])
        self.assertEqual(doc["basis"], "traced faults, modelled jobs")
        # two of the four repairs are stuck: 6 d and 8 d, over after 1 d and 12 h when escalated
        self.assertGreater(was["value"]["out_share"]["mean"], 0.014)
        self.assertLess(care["value"]["out_share"]["mean"], 0.006)
        self.assertEqual(was["value"]["spare_share"]["mean"], 0)
        self.assertGreater(everything["value"]["spare_share"]["mean"], 0)
        self.assertLess(everything["change"]["out_share"]["hi"], 0)
        self.assertTrue(any("escalated" in s["assumption"] for s in doc["sensitivity"]))
        self.assertGreaterEqual(len(doc["cannot_know"]), 5)

    def test_every_lever_is_a_setting_that_changes_the_policy(self):
        doc = figures.Mw(MW).json("sim", "levers", f"{HERE}/tiny.yaml", "--runs", "2", "--set",
                                  "policy.backfill=true", "--set", "policy.preempt=true", "--set",
                                  "policy.retire=true", "--set", "policy.node_worth_usd=100000")
        keys = [c["key"] for c in doc["columns"]]
        self.assertEqual((keys[0], keys[-2:]), ("as-is", ["none", "clairvoyant"]))
        self.assertEqual(len(keys), 14 + 3)
        value = {c["key"]: c["value"] for c in doc["columns"]}
        self.assertGreaterEqual(value["clairvoyant"]["ettr"]["mean"], value["as-is"]["ettr"]["mean"])
        self.assertEqual(value["spares"]["spare_share"]["mean"], 0)


if __name__ == "__main__":
    MW = os.path.abspath(sys.argv.pop())
    os.chdir(os.path.join(HERE, "../.."))
    unittest.main()

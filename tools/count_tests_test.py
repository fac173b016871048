#!/usr/bin/python3
"""Proves that tools/count_tests never turns a failure, a crash or nothing into a pass."""
import json
import os
import subprocess
import tempfile
import unittest

COUNT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "count_tests")


class CountTest(unittest.TestCase):
    def count(self, *entries):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            f.writelines(json.dumps(e) + "\n" for e in entries)
            f.flush()
            done = subprocess.run([COUNT, f.name], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def test_the_cases_of_every_group_are_added(self):
        group = "[==========] 3 test(s) run.\n[  PASSED  ] 3 test(s).\n"
        self.assertEqual(self.count({"result": "OK", "stdout": group + group}), "6 0")

    def test_failed_cases_are_counted_where_cmocka_prints_them(self):
        self.assertEqual(self.count({
            "result": "FAIL", "stdout": "[  PASSED  ] 2 test(s).\n",
            "stderr": "[  FAILED  ] core: 2 test(s), listed below:\n[  FAILED  ] a\n"}), "2 2")

    def test_a_plain_program_counts_as_one(self):
        self.assertEqual(self.count({"result": "OK"}, {"result": "OK", "stdout": "hello"}), "2 0")

    def test_a_crash_a_timeout_and_an_unexpected_pass_are_failures(self):
        for result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
            self.assertEqual(self.count({"result": result, "stdout": "[  PASSED  ] 2 test(s).\n"}),
                             "2 1")

    def test_a_failure_that_the_exit_code_hides_is_a_failure(self):
        self.assertEqual(self.count({
            "result": "OK", "stdout": "[  PASSED  ] 2 test(s).\n",
            "stderr": "[  FAILED  ] 1 test(s), listed below:\n"}), "2 1")

    def test_nothing_is_a_failure(self):
        self.assertEqual(self.count(), "0 1")
        self.assertEqual(self.count({"result": "SKIP"}), "0 1")
        done = subprocess.run([COUNT, "/nonexistent"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "0 1")


if __name__ == "__main__":
    unittest.main()

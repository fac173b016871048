#!/usr/bin/python3
"""Proves that each rule of tools/tidy fires on a small tree that breaks it, and only then."""
import os
import shutil
import subprocess
import tempfile
import unittest

TIDY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tidy")
GOOD_H = '''/* Adds. */
#ifndef MW_CORE_ADD_H
#define MW_CORE_ADD_H

#include "base/base.h"

int add_numbers(int a, int b);

#endif
'''
GOOD_C = '''/* Adds; printf("strcpy(") in a comment or a string is no call. */
#include "core/add.h"

static const char *const words[] = {"strcpy(a)", "/* no comment"};

int add_numbers(int a, int b)
{
    static const int zero = 0;
    must(words[0]);
    return a + b + zero;
}
'''
BASE_H = '''#ifndef MW_BASE_BASE_H
#define MW_BASE_BASE_H
#define must(c) ((void)(c))
#endif
'''


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="tidy-test-")
        self.addCleanup(shutil.rmtree, self.root)
        self.write("src/base/base.h", BASE_H)
        self.write("src/core/add.h", GOOD_H)
        self.write("src/core/add.c", GOOD_C)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)

    def append(self, path, text):
        with open(os.path.join(self.root, path), "a", encoding="utf-8") as f:
            f.write(text)

    def tidy(self, *arguments):
        return subprocess.run([TIDY, "--root", self.root, *arguments], capture_output=True,
                              text=True, check=False)

    def assert_clean(self, *arguments):
        done = self.tidy(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" 0 violations", done.stdout)

    def assert_fires(self, rule, place, *arguments):
        """Exactly one message: that rule at that place."""
        done = self.tidy(*arguments)
        found = [line for line in done.stdout.splitlines() if line.endswith("]")]
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(found), 1, done.stdout)
        self.assertTrue(found[0].startswith(place + ":"), found[0])
        self.assertTrue(found[0].endswith(f"[{rule}]"), found[0])

    def test_a_good_tree_passes_and_prints_its_row(self):
        self.assert_clean()
        row = [x for x in self.tidy().stdout.splitlines() if x.startswith("| millwright")][0]
        self.assertEqual(row, "| millwright | 3 | 9 / 11 / 11 | 6 / 6 / 6 | 0.0 % | 1.00 | 8 % "
                              "| 100 % |")

    def test_a_file_of_1000_lines_passes_and_one_more_fails(self):
        self.append("src/core/add.c", "\n" * 989)
        self.assert_clean()
        self.append("src/core/add.c", "\n")
        self.assert_fires("file", "src/core/add.c:1001")

    def test_a_function_of_70_lines_passes_and_one_more_fails(self):
        body = "\nint long_one(void);\nint long_one(void)\n{\n    int a = 0;\n%s    return a;\n}\n"
        self.append("src/core/add.c", body % ("    a++;\n" * 65))
        self.assert_clean()
        self.write("src/core/add.c", GOOD_C + body % ("    a++;\n" * 66))
        self.assert_fires("function", "src/core/add.c:14")

    def test_a_line_counts_characters_and_fails_past_100(self):
        self.append("src/core/add.c", "/* " + "ä" * 94 + " */\n")
        self.assert_clean()
        self.append("src/core/add.c", "/* " + "ä" * 95 + " */\n")
        self.assert_fires("columns", "src/core/add.c:13")

    def test_a_script_is_no_wider_and_a_document_may_be(self):
        self.write("docs/a.md", "x" * 101)
        self.assert_clean()
        self.write("script/a", "#" * 101)
        self.assert_fires("columns", "script/a:1")

    def test_a_tab_fails(self):
        self.append("src/core/add.c", "\t/* x */\n")
        self.assert_fires("tab", "src/core/add.c:12")

    def test_a_seventh_parameter_fails_and_a_callbacks_own_do_not_count(self):
        body = "\n{\n    return a;\n}\n"
        self.append("src/core/add.c", "static int f(int a, int b, int c, int d, int e,\n"
                                      "             int (*g)(int, int, int))" + body)
        self.assert_clean()
        self.append("src/core/add.c", "static int h(int a, int b, int c, int d, int e,\n"
                                      "             int f, int g)" + body)
        self.assert_fires("parameters", "src/core/add.c:17")

    def test_a_function_that_calls_itself_fails_and_a_member_of_that_name_does_not(self):
        self.append("src/core/add.c", "static int f(struct s *p)\n{\n    return p->f(p);\n}\n")
        self.assert_clean()
        self.append("src/core/add.c", "static int again(int a)\n{\n    return again(a - 1);\n}\n")
        self.assert_fires("recursion", "src/core/add.c:16")

    def test_variables_that_outlive_calls_fail_unless_const_or_in_tests(self):
        self.write("src/core/add_test.c", '#include "core/add.h"\nstatic int counter;\n')
        self.assert_clean()
        for text in ("static int counter;\n", "static const char *name;\n", "int table[3];\n",
                     "static void f(void)\n{\n    static int calls;\n    calls++;\n}\n"):
            self.write("src/core/add.c", GOOD_C + text)
            line = 14 if "calls" in text else 12
            self.assert_fires("global", f"src/core/add.c:{line}")

    def test_a_typedef_of_a_struct_fails_and_of_a_function_does_not(self):
        self.append("src/core/add.c", "typedef int add_fn(struct add *a);\n")
        self.assert_clean()
        self.append("src/core/add.c", "typedef struct add *add_t;\n")
        self.assert_fires("typedef", "src/core/add.c:13")

    def test_includes_go_down_only_and_planes_never_meet(self):
        def header(room, name, extra=""):
            guard = f"MW_{room}_{name}_H".upper()
            self.write(f"src/{room}/{name}.h",
                       f"#ifndef {guard}\n#define {guard}\n{extra}\n#endif\n")
        header("care", "care", '#include "core/add.h"')
        header("work", "work")
        self.assert_clean()
        header("care", "care", '#include "work/work.h"')
        self.assert_fires("floors", "src/care/care.h:3")
        header("care", "care")
        header("core", "up", '#include "work/work.h"')
        self.assert_fires("floors", "src/core/up.h:3")

    def test_includes_name_a_room_that_exists(self):
        self.write("src/core/x.h", "")
        for target in ("x.h", "nowhere/x.h"):
            self.write("src/core/b.c", f'#include "core/add.h"\n#include "{target}"\n')
            done = self.tidy().stdout
            self.assertIn("src/core/b.c:2: ", done)
            self.assertIn("[include]", done)

    def test_the_own_header_comes_first_or_the_modules_private_one(self):
        self.write("src/core/add_private.h", GOOD_H.replace("ADD_H", "ADD_PRIVATE_H"))
        self.write("src/core/add.c", GOOD_C.replace("core/add.h", "core/add_private.h"))
        self.assert_clean()
        self.write("src/core/add.c", GOOD_C.replace('#include "core',
                                                    '#include "base/base.h"\n#include "core'))
        self.assert_fires("own-header", "src/core/add.c:2")

    def test_a_header_needs_a_guard_of_its_own(self):
        self.write("src/core/none.h", "#pragma once\nint none(void);\n")
        self.assert_fires("guard", "src/core/none.h:1")
        self.write("src/core/none.h", GOOD_H)
        self.assert_fires("guard", "src/core/none.h:1")

    def test_a_header_compiles_alone(self):
        self.write("src/core/b.h", "#ifndef B_H\n#define B_H\nsize_t b(void);\n#endif\n")
        self.assert_fires("alone", "src/core/b.h:1")

    def test_banned_calls_fail_everywhere_but_not_as_members(self):
        self.append("src/core/add.c", "static void f(struct s *s)\n{\n    s->system(1);\n}\n")
        self.assert_clean()
        self.write("tests/a.c", "void f(char *a, char *b)\n{\n    strcpy(a, b);\n}\n")
        self.assert_fires("banned", "tests/a.c:3")

    def test_plane_code_may_not_print_and_its_tests_may(self):
        text = "static void f(void)\n{\n    printf(\"x\");\n}\n"
        self.write("src/core/add_test.c", text)
        self.write("src/store/b.c", text)
        self.assert_clean()
        self.append("src/core/add.c", text)
        self.assert_fires("plane-call", "src/core/add.c:14")

    def test_paths_of_one_machine_fail_and_a_room_of_that_name_does_not(self):
        self.write("docs/a.md", "see src/wo" "rk/work.h\n")
        self.assert_clean()
        self.append("docs/a.md", "see /wo" "rk/main\n")
        self.assert_fires("words", "docs/a.md:2")

    def build(self, path):
        folder = os.path.join(self.root, "build", os.path.dirname(path), "libroom.a.p")
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["gcc", "-O2", "-fno-builtin", "-w", "-Isrc", "-c", path, "-o",
                        os.path.join(folder, os.path.basename(path) + ".o")],
                       cwd=self.root, check=True)

    def test_plane_objects_may_need_only_what_the_list_allows(self):
        build = os.path.join(self.root, "build")
        self.write("src/base/more.c", "int more(int a)\n{\n    return a;\n}\n")
        self.write("src/core/add.c", GOOD_C + "int more(int);\nvoid *memcpy(void *, const void *, "
                   "unsigned long);\nint g(void *p)\n{\n    memcpy(p, p, 1);\n"
                   "    return more(1);\n}\n")
        self.build("src/base/more.c")
        self.build("src/core/add.c")
        self.assert_clean("--build", build)
        self.append("src/core/add.c", "int h(void)\n{\n    return socket(1, 2, 3);\n}\n")
        self.build("src/core/add.c")
        self.assert_fires("symbols", "src/core/add.c:21", "--build", build)

    def test_plane_objects_may_not_need_a_room_above(self):
        self.write("src/sim/up.c", "int up(void)\n{\n    return 1;\n}\n")
        self.append("src/core/add.c", "int up(void);\nint g(void)\n{\n    return up();\n}\n")
        self.build("src/sim/up.c")
        self.build("src/core/add.c")
        self.assert_fires("symbols", "src/core/add.c:12", "--build",
                          os.path.join(self.root, "build"))

    def test_a_build_tree_without_plane_objects_is_an_error(self):
        build = os.path.join(self.root, "build")
        self.assert_fires("symbols", build + ":1", "--build", build)


if __name__ == "__main__":
    unittest.main()

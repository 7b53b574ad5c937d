#!/usr/bin/env python3
"""Runs qmctl as a script would: what it prints where, and what it ends with. Needs no server.

    command_line_test.py QMCTL DATA_FOLDER
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

QMCTL = sys.argv.pop(1)
DATA = pathlib.Path(sys.argv.pop(1))
# Port 1 is nobody's: the connection is refused at once.
NOBODY = ("--server", "127.0.0.1:1")


def qmctl(*arguments, **environment):
    return subprocess.run([QMCTL, *arguments], capture_output=True, text=True, timeout=50, check=False,
                          env={"PATH": os.environ["PATH"], **environment})


class CommandLineTest(unittest.TestCase):
    def expect(self, done, code, words, stream="stderr"):
        self.assertEqual(done.returncode, code, done)
        self.assertIn(words, getattr(done, stream), done)

    def test_help_documents_the_exit_codes(self):
        self.expect(qmctl("--help"), 0, "Exit codes: 0 done", "stdout")
        self.assertIn("verified does not fit", qmctl("verify", "--help").stdout)
        self.expect(qmctl("import", "--help"), 0, "kind issuer number line item lot", "stdout")

    def test_mistakes_on_the_command_line_are_usage(self):
        self.expect(qmctl(), 2, "which command?")
        self.expect(qmctl("bord"), 2, "bord")
        self.expect(qmctl("board", "--unt", "x"), 2, "--unt")
        self.expect(qmctl("board", "-o", "xml"), 2, "xml")
        self.expect(qmctl("post", "EAT", "mask/s-1=2", "--at", "east/store"), 2, "no reason EAT")
        self.expect(qmctl("post", "CONSUME", "mask=2", "--at", "east/store"), 2, "ITEM/LOT=AMOUNT")
        self.expect(qmctl("transfer", "receive", "x", "--line", "1:eaten=2"), 2, "accepted")
        self.expect(qmctl("trace", "mask"), 2, "ITEM/LOT")
        self.expect(qmctl("prove", "--progress", "x"), 2, "--from-lines")
        self.expect(qmctl("prove", "--as-of", "2026-11-22T08:00:00Z"), 2, "--from-lines")
        self.assertNotIn("--as-of-occurred", qmctl("prove", "--help").stdout)
        self.expect(qmctl("prove", "--from-lines", "--progress", str(DATA / "units.csv")), 2, "cut short")
        self.expect(qmctl("trace", "mask/s-1", "--as-of", "yesterday", *NOBODY), 2, "yesterday")

    def test_a_call_with_an_unknown_field_is_not_sent(self):
        self.expect(qmctl("call", "Ledger/GetMovement", "-d", '{"nme": "x"}', *NOBODY), 2, "nme")
        self.expect(qmctl("call", "Ledger/Eat", *NOBODY), 2, "no method Ledger/Eat")

    def test_an_unknown_field_is_told_with_its_message_and_what_comes_near(self):
        nested = '{"lines": [{"lot": "x", "quantity": {"amont": 1}}]}'
        self.expect(qmctl("call", "Ledger/PostMovement", "-d", nested, *NOBODY), 2,
                    "no field amont in Quantity; did you mean amount?")
        self.expect(qmctl("call", "Ledger/GetMovement", "-d", '{"foo": 1}', *NOBODY), 2,
                    "no field foo in GetMovementRequest; there are name, asOf")

    def test_what_is_posted_otherwise_is_said(self):
        post = ("mask/s-1=2", "--at", "east/store")
        self.expect(qmctl("post", "--help"), 0, "WRITE_OFF, FIND, OPEN_BOOKS", "stdout")
        self.assertNotIn("REVERSE", qmctl("post", "--help").stdout)
        self.expect(qmctl("post", "EAT", *post), 2, "there are RECEIVE, CONSUME, GIVE")
        self.expect(qmctl("post", "REVERSE", *post), 2, "qmctl reverse")
        self.expect(qmctl("post", "DISPATCH", *post), 2, "qmctl transfer")
        self.expect(qmctl("post", "RELOCATE", *post), 2, "needs --to")
        self.expect(qmctl("post", "RECEIVE", *post, "--source-state", "SHOP"), 2, "there are AVAILABLE")

    def test_a_watch_takes_no_option_that_it_would_leave_aside(self):
        for option in ("--unit", "--method", "--resource"):
            self.expect(qmctl("watch", "--heads", option, "x", *NOBODY), 2, "excludes")
        self.expect(qmctl("watch", "--from", "-1"), 2, "--from: Value -1 not in range 0 to 9223372036854775807")

    def test_a_lot_is_read_as_everywhere(self):
        self.expect(qmctl("balances", "east", "--lot", "mask", *NOBODY), 2, "--lot is written ITEM/LOT")

    def test_progress_that_cannot_be_kept_is_told_before_the_first_page(self):
        done = qmctl("prove", "--from-lines", "--progress", "/nonexistent/p", *NOBODY)
        self.expect(done, 2, "cannot write /nonexistent/p")
        with tempfile.TemporaryDirectory() as directory:
            self.expect(qmctl("prove", "--from-lines", "--progress", directory + "/p", *NOBODY), 3, "No answer")
            self.assertEqual(os.listdir(directory), [])

    def test_help_is_true(self):
        everything = qmctl("--help").stdout
        self.assertIn("./quartermaster status --json", everything)
        self.assertIn("help and errors are English", " ".join(everything.split()))
        imported = qmctl("import", "--help").stdout
        self.assertIn("arrived_time", imported)
        self.assertIn("in two rounds", imported)

    def test_every_method_is_listed_with_its_permission(self):
        self.expect(qmctl("call", "--list"), 0, "Ledger/PostMovement", "stdout")
        self.assertIn("ledger.post", qmctl("call", "--list").stdout)

    def test_nobody_there_is_an_exit_code_of_its_own(self):
        self.expect(qmctl("units", *NOBODY), 3, "No answer from 127.0.0.1:1")

    def test_a_token_does_not_cross_a_network_in_clear(self):
        done = qmctl("units", "--server", "depot.example:9090", QMCTL_TOKEN="secret")
        self.expect(done, 2, "in clear")
        self.assertNotIn("secret", done.stdout + done.stderr)

    def test_an_import_tells_every_mistake_with_its_row_and_sends_nothing(self):
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory) / "data"
            shutil.copytree(DATA, folder)
            units = (folder / "units.csv").read_text(encoding="utf-8")
            (folder / "units.csv").write_text(units.replace(",CITY,", ",TOWN,", 1), encoding="utf-8")
            lots = (folder / "lots.csv").read_text(encoding="utf-8")
            (folder / "lots.csv").write_text(lots.replace("2022-01-31", "2022-02-31", 1), encoding="utf-8")

            done = qmctl("import", str(folder), QMCTL_RECEIVER_TOKEN="x", *NOBODY)

        self.expect(done, 2, 'units.csv:2: column kind, "TOWN"')
        self.assertIn('lots.csv:2: column expiry_date, "2022-02-31"', done.stderr)
        self.assertIn("2 problems; nothing was sent", done.stderr)

    def test_an_empty_export_verifies_nothing(self):
        with tempfile.TemporaryDirectory() as directory:
            empty = pathlib.Path(directory) / "export.json"
            empty.write_bytes(b"")
            self.expect(qmctl("verify", str(empty)), 2, "no records")
            self.expect(qmctl("verify", str(empty), "--heads", str(empty)), 2, "there are none")

    def test_a_file_without_columns_is_one_problem(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "units.csv"
            for content, words in (("编号,名称\n".encode("gbk"), "not UTF-8"), (b"", "the file is empty")):
                file.write_bytes(content)
                done = qmctl("import", "units", str(file), *NOBODY)
                self.expect(done, 2, words)
                self.assertIn("1 problems", done.stderr)

    def test_transfers_that_arrive_need_a_second_person(self):
        self.expect(qmctl("import", str(DATA), *NOBODY), 2, "signed for by a second person")
        self.expect(qmctl("import", str(DATA), "--lang", "zh", *NOBODY), 2, "须由第二人签收")

    def test_what_cannot_be_imported_is_named(self):
        self.expect(qmctl("import", "/nowhere", *NOBODY), 2, "neither a folder nor units")
        self.expect(qmctl("import", "units", "/nowhere.csv", *NOBODY), 2, "cannot read /nowhere.csv")


if __name__ == "__main__":
    unittest.main()

"""Runs one named test of a program that carries a planted bug; succeeds only if that test goes red.

A crash, a time-out, a test that is not there and a test that passes are all failures of this check:
none of them shows that the test sees the bug.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def find_result(report: dict, name: str) -> dict | None:
    """Returns what the report says about the test of that full name."""
    for suite in report.get("testsuites", []):
        for test in suite.get("testsuite", []):
            if f"{suite['name']}.{test['name']}" == name:
                return test
    return None


def judge(program: str, name: str, timeout_seconds: int) -> str | None:
    """Returns what is wrong, or nothing if the test ran to its end and failed."""
    with tempfile.TemporaryDirectory() as folder:
        report_file = pathlib.Path(folder, "report.json")
        command = [program, f"--gtest_filter={name}", f"--gtest_output=json:{report_file}"]
        try:
            done = subprocess.run(command, timeout=timeout_seconds, check=False)
        except subprocess.TimeoutExpired:
            return f"{name} did not end within {timeout_seconds} s"
        if done.returncode < 0:
            return f"the program was ended by signal {-done.returncode}"
        if not report_file.exists():
            return f"the program left no report and exited with {done.returncode}"
        result = find_result(json.loads(report_file.read_text()), name)
    if result is None or result.get("status") != "RUN":
        return f"there is no test {name}"
    if not result.get("failures"):
        return f"{name} passes although the bug is there: it does not see it"
    if done.returncode != 1:
        return f"the program exited with {done.returncode}, not with 1"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", required=True, help="full name, as gtest prints it")
    parser.add_argument("--timeout-seconds", type=int, default=100)
    parser.add_argument("program")
    arguments = parser.parse_args()
    wrong = judge(arguments.program, arguments.test, arguments.timeout_seconds)
    if wrong is not None:
        print(f"planted bug: {wrong}", file=sys.stderr)
        return 1
    print(f"planted bug: {arguments.test} went red, as it must")
    return 0


if __name__ == "__main__":
    sys.exit(main())

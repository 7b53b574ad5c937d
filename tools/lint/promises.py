"""Tests that the documents name are there: a promise points to what holds it."""

import re

from tree import Finding, Tree

NAMED = re.compile(r"`(?P<suite>\w+Test)\.(?P<case>\w+|\*)`")
DEFINED = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", re.MULTILINE)


def check_named_tests(tree: Tree) -> list[Finding]:
    """Every `SuiteTest.Case` in a document is defined by a test; `SuiteTest.*` needs one case."""
    defined = {pair for path in tree.paths("_test.cc") for pair in DEFINED.findall(tree.texts[path])}
    suites = {suite for suite, _ in defined}
    findings = []
    for path in tree.paths(".md"):
        for number, line in tree.lines(path):
            for match in NAMED.finditer(line):
                suite, case = match.group("suite", "case")
                if not (suite in suites if case == "*" else (suite, case) in defined):
                    findings.append(Finding(path, number, f"there is no test {suite}.{case}"))
    return findings

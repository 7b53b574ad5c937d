"""Words that have no place in the repository: promises put off, and one machine's own paths."""

import re

from tree import Finding, Tree

# Written in pieces, so that this file does not break its own rule.
PUT_OFF = re.compile(
    r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|\bGTEST_SK" r"IP\b|\bDISA" r"BLED_[A-Z]\w*|\b(it|test|describe)\.sk" r"ip\b"
)
MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(wo" r"rk|ho" r"me|ro" r"ot|Us" r"ers)/")
REGISTRIES = re.compile(
    r"\b(?:deb|security|ftp(?:\.\w+)?|snapshot|archive)\.(?:deb" r"ian|ubu" r"ntu)\.(?:org|com)\b"
    r"|\bregistry\.np" r"mjs\.org\b|\bpy" r"pi\.org\b|\bproxy\.gol" r"ang\.org\b|\bcra" r"tes\.io\b"
)
RULES = (
    (PUT_OFF, "a promise put off: do it, or say it in an issue"),
    (MACHINE_PATHS, "a path of one machine"),
    (REGISTRIES, "a registry's address: the machine's own configuration knows it"),
)


def check_words(tree: Tree) -> list[Finding]:
    """No put-off promises, no machine's paths, no registry's addresses."""
    findings = []
    for path in tree.paths():
        for number, line in tree.lines(path):
            for pattern, message in RULES:
                match = pattern.search(line)
                if match:
                    findings.append(Finding(path, number, f"'{match.group(0)}': {message}"))
    return findings

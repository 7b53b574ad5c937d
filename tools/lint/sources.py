"""Sources are built, formatted and readable by the shell that a fresh machine has."""

import os
import re
import shutil
import subprocess

from tree import Finding, Tree


def check_built(tree: Tree) -> list[Finding]:
    """Every C++ source is named by a CMakeLists.txt."""
    cmake = "\n".join(tree.texts[path] for path in tree.paths("CMakeLists.txt", ".cmake"))
    named = set(re.findall(r"[\w.-]+\.cc\b", cmake))
    return [
        Finding(path, 1, "no CMakeLists.txt names it")
        for path in tree.paths(".cc")
        if path.rpartition("/")[2] not in named
    ]


def check_format(tree: Tree) -> list[Finding]:
    """C++ sources are as clang-format writes them."""
    files = tree.paths(".cc", ".h")
    if not files:
        return []
    program = shutil.which("clang-format")
    if program is None:
        return [Finding(".clang-format", 1, "clang-format is not installed")]
    share_count = os.cpu_count() or 1
    shares = [share for index in range(share_count) if (share := files[index::share_count])]
    command = [program, "--dry-run", "-Werror", "--ferror-limit=1"]
    running = [subprocess.Popen(command + share, cwd=tree.root, stderr=subprocess.PIPE, text=True) for share in shares]
    unformatted = set()
    for process in running:
        _, said = process.communicate()
        unformatted.update(re.findall(r"^(.+?):\d+:\d+: error:", said, re.MULTILINE))
        if process.returncode != 0 and not unformatted:
            unformatted.add(said.strip() or "clang-format failed")
    return [Finding(path, 1, "not formatted; run ./quartermaster fmt") for path in sorted(unformatted)]


def check_shell(tree: Tree) -> list[Finding]:
    """The script parses in the plain shell."""
    scripts = [path for path in tree.paths() if path == "quartermaster" or path.endswith(".sh")]
    findings = []
    for path in scripts:
        parsed = subprocess.run(["sh", "-n"], input=tree.texts[path], text=True, capture_output=True, check=False)
        if parsed.returncode != 0:
            findings.append(Finding(path, 1, parsed.stderr.strip()))
    return findings

"""Migrations are frozen once they are merged, and say who may touch the tables that they make."""

import hashlib
import pathlib
import re

from tree import Finding, Tree


CREATED = re.compile(r"^\s*CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
GRANT = re.compile(r"^(?P<privileges>[A-Z].*) ON (?P<table>\w+)$")
# Made by the migration runner itself.
RUNNER_TABLES = {"schema_steps"}


def check_frozen(tree: Tree) -> list[Finding]:
    """Each migration has its line in the lock, `<sha256>  <file>`, and nothing else has."""
    findings = []
    folders = {path.rpartition("/")[0] for path in tree.paths() if "/migrations/" in path}
    for folder in sorted(folders):
        lock_path = f"{folder}/migrations.lock"
        files = {path.rpartition("/")[2]: path for path in tree.paths(".sql") if path.rpartition("/")[0] == folder}
        locked: dict[str, tuple[int, str]] = {}
        for number, line in tree.lines(lock_path) if lock_path in tree.texts else []:
            if line.strip() and not line.startswith("#"):
                checksum, _, name = line.partition("  ")
                locked[name.strip()] = (number, checksum)
        for name, path in sorted(files.items()):
            checksum = hashlib.sha256(tree.texts[path].encode()).hexdigest()
            if name not in locked:
                findings.append(Finding(lock_path, 1, f"has no line for {name}; lint.py --freeze adds it"))
            elif locked[name][1] != checksum:
                message = "was edited after it was frozen; write a new migration instead"
                findings.append(Finding(path, 1, message))
        for name in sorted(locked.keys() - files.keys()):
            findings.append(Finding(lock_path, locked[name][0], f"{name} is gone"))
    return findings


def freeze(root: pathlib.Path, tree: Tree) -> None:
    """Adds a line to the lock for each migration that has none. What is frozen stays as it is."""
    for path in tree.paths(".sql"):
        folder, _, name = path.rpartition("/")
        if not folder.endswith("/migrations"):
            continue
        lock = root / folder / "migrations.lock"
        locked = lock.read_text(encoding="utf-8") if lock.exists() else ""
        if not re.search(rf"  {re.escape(name)}$", locked, re.MULTILINE):
            checksum = hashlib.sha256(tree.texts[path].encode()).hexdigest()
            lock.write_text(f"{locked}{checksum}  {name}\n", encoding="utf-8")


def check_grants(tree: Tree) -> list[Finding]:
    """`runtime.grants` has a line for each table, so that nothing is granted by default."""
    findings = []
    folders = {path.rpartition("/")[0] for path in tree.paths(".sql") if "/migrations/" in path}
    for folder in sorted(folders):
        path = f"{folder}/runtime.grants"
        granted: dict[str, int] = {}
        for number, line in tree.lines(path) if path in tree.texts else []:
            match = GRANT.match(line)
            if match:
                granted[match.group("table")] = number
            elif line.strip() and not line.startswith("#"):
                findings.append(Finding(path, number, "not of the form '<privileges> ON <table>'"))
        files = [file for file in tree.paths(".sql") if file.rpartition("/")[0] == folder]
        created = {table for file in files for table in CREATED.findall(tree.texts[file])}
        for table in sorted(created - granted.keys()):
            findings.append(Finding(path, 1, f"has no line for {table}"))
        for table in sorted(granted.keys() - created - RUNNER_TABLES):
            findings.append(Finding(path, granted[table], f"no migration makes {table}"))
    return findings

"""Migrations are frozen once they are merged: migrations.lock holds a checksum of each."""

import hashlib

from tree import Finding, Tree


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
                findings.append(Finding(lock_path, 1, f"has no line for {name}: {checksum}  {name}"))
            elif locked[name][1] != checksum:
                message = "was edited after it was frozen; write a new migration instead"
                findings.append(Finding(path, 1, message))
        for name in sorted(locked.keys() - files.keys()):
            findings.append(Finding(lock_path, locked[name][0], f"{name} is gone"))
    return findings

"""The README's map of the tree, and a README in every folder."""

import re

from tree import Finding, Tree

README_LINES_MAX = 12
# Lists that the lint writes do not count.
WRITTEN = re.compile(r"<!-- (?P<what>[\w ]+) -->\n.*?<!-- end of (?P=what) -->\n", re.DOTALL)
LIMITS = re.compile(r"\b(Not|Never) here:")
MAP_HEADING = "## The tree"
MAP_LINE = re.compile(r"^(?P<folder>[A-Za-z0-9._-]+)/")


def check_map(tree: Tree) -> list[Finding]:
    """The README's map names every top folder that exists, and no other."""
    exist = {path.split("/")[0] for path in tree.paths() if "/" in path}
    named: dict[str, int] = {}
    in_section = in_block = False
    for number, line in tree.lines("README.md") if "README.md" in tree.texts else []:
        if line.startswith("#"):
            in_section = line.strip() == MAP_HEADING if not in_block else in_section
        if in_section and line.startswith("```"):
            in_block = not in_block
        elif in_section and in_block and (match := MAP_LINE.match(line)):
            named[match.group("folder")] = number
    findings = [
        Finding("README.md", 1, f"the map under '{MAP_HEADING}' does not name {folder}/")
        for folder in sorted(exist - named.keys())
    ]
    gone = sorted(named.keys() - exist)
    return findings + [Finding("README.md", named[name], f"{name}/ is gone") for name in gone]


def _folders(tree: Tree) -> set[str]:
    """Top folders and the folders in them, but for hidden ones."""
    found = set()
    for path in tree.paths():
        parts = path.split("/")[:-1]
        if parts and not parts[0].startswith("."):
            found.update("/".join(parts[:depth]) for depth in (1, 2) if len(parts) >= depth)
    return found


def check_readmes(tree: Tree) -> list[Finding]:
    """Every folder says in a few lines what lives there and what must not."""
    findings = []
    for folder in sorted(_folders(tree)):
        path = f"{folder}/README.md"
        if path not in tree.texts:
            findings.append(Finding(path, 1, "missing: say what lives there and what must not"))
            continue
        line_count = len(WRITTEN.sub("", tree.texts[path]).splitlines())
        if line_count > README_LINES_MAX:
            findings.append(Finding(path, line_count, f"longer than {README_LINES_MAX} lines"))
        if not LIMITS.search(tree.texts[path]):
            findings.append(Finding(path, 1, "does not say 'Not here:' and what must not live there"))
    return findings

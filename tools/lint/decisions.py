"""docs/adr: one number, one decision, and all of them in the folder's list."""

import pathlib
import posixpath
import re

from tree import Finding, Tree

FOLDER = "docs/adr"
PAGE = f"{FOLDER}/README.md"
FILE = re.compile(r"^(?P<number>\d{4})-[a-z0-9-]+\.md$")
TITLE = re.compile(r"^# (?P<number>\d{4}): (?P<title>.+)$")
LIST = re.compile(r"(?P<begin><!-- decisions -->\n)(?P<list>.*?)(?P<end><!-- end of decisions -->)", re.DOTALL)


def _names(tree: Tree) -> list[str]:
    """Returns the names of the decisions' files, in the order of their numbers."""
    paths = tree.paths(".md")
    return sorted(posixpath.basename(path) for path in paths if posixpath.dirname(path) == FOLDER and path != PAGE)


def _title(tree: Tree, name: str) -> re.Match[str] | None:
    return TITLE.match(tree.texts[f"{FOLDER}/{name}"].split("\n", 1)[0])


def check_numbers(tree: Tree) -> list[Finding]:
    """Each decision has a number of its own, which its file's name and its title agree on."""
    findings = []
    holders: dict[str, str] = {}
    for name in _names(tree):
        path = f"{FOLDER}/{name}"
        file, title = FILE.match(name), _title(tree, name)
        if not file:
            findings.append(Finding(path, 1, "is not named as a decision: four digits, a dash, words with dashes"))
        elif not title or title["number"] != file["number"]:
            findings.append(Finding(path, 1, f"does not begin with '# {file['number']}: ' and its title"))
        elif file["number"] in holders:
            findings.append(Finding(path, 1, f"has the number of {holders[file['number']]}; take the next free one"))
        else:
            holders[file["number"]] = name
    return findings


def render(tree: Tree) -> str:
    """Renders the list."""
    titles = {name: _title(tree, name) for name in _names(tree)}
    return "\n".join(f"- [{match['number']}]({name}): {match['title']}" for name, match in titles.items() if match)


def check_list(tree: Tree) -> list[Finding]:
    """The list names every decision by number and title, and no other."""
    if not _names(tree):
        return []
    listed = LIST.search(tree.texts.get(PAGE, ""))
    if not listed:
        return [Finding(PAGE, 1, "has no list between '<!-- decisions -->' and '<!-- end of decisions -->'")]
    have, want = listed["list"].split("\n"), render(tree).split("\n")
    changes = [f"does not have '{line}'" for line in want if line not in have]
    changes += [f"has '{line}', which is gone or changed" for line in have if line and line not in want]
    return [Finding(PAGE, 1, f"the list {change}; run ./quartermaster fmt") for change in changes]


def write_list(root: pathlib.Path, tree: Tree) -> None:
    """Writes the list."""
    page = root / PAGE
    text = page.read_text(encoding="utf-8")
    written = LIST.sub(lambda match: f"{match['begin']}\n{render(tree)}\n\n{match['end']}", text)
    page.write_text(written, encoding="utf-8")

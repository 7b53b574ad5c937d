"""The settings tables of docs/operations.md are what the programs print about themselves."""

import pathlib
import re
import subprocess

from tree import Finding, Tree

PAGE = "docs/operations.md"
TABLE = re.compile(
    r"(?P<begin><!-- settings of (?P<program>[\w-]+) -->\n)(?P<table>.*?)(?P<end><!-- end of settings -->)", re.DOTALL
)


def printed(build: pathlib.Path, program: str) -> str | None:
    """Returns what the program prints about its settings; nothing if it is not built."""
    folder = {"qm-demo-issuer": "tools/demo_issuer"}.get(program, program)
    path = build / folder / program
    if not path.is_file():
        return None
    return subprocess.run([path, "--print-settings"], check=True, capture_output=True, text=True, timeout=20).stdout


def check_tables(tree: Tree, build: pathlib.Path | None) -> list[Finding]:
    """Each table equals what its program prints. Programs that are not built are not asked."""
    findings = []
    for match in TABLE.finditer(tree.texts.get(PAGE, "")):
        table = printed(build, match.group("program")) if build else None
        if table is not None and table.strip() != match.group("table").strip():
            line = tree.texts[PAGE].count("\n", 0, match.start()) + 1
            message = f"the settings of {match.group('program')} have changed; run ./quartermaster fmt"
            findings.append(Finding(PAGE, line, message))
    return findings


def write_tables(root: pathlib.Path, build: pathlib.Path) -> None:
    """Writes each program's settings into its table."""
    page = root / PAGE

    def table(match: re.Match[str]) -> str:
        text = printed(build, match.group("program"))
        inner = match.group("table") if text is None else f"\n{text.strip()}\n\n"
        return match.group("begin") + inner + match.group("end")

    page.write_text(TABLE.sub(table, page.read_text(encoding="utf-8")), encoding="utf-8")

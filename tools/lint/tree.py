"""The files that a rule looks at, and what it finds in them."""

import dataclasses
import pathlib
import subprocess

# Read as text; everything else (pictures, archives) is known by name only.
TEXT_SUFFIXES = {
    "", ".cc", ".cmake", ".csv", ".css", ".grants", ".h", ".html", ".js", ".json", ".lock", ".md", ".proto",
    ".py", ".sh", ".sql", ".supp", ".svg", ".txt", ".yaml", ".yml",
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """A broken rule at a place."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    """Paths relative to the checkout's root, with the texts of those that hold text."""

    def __init__(self, texts: dict[str, str], root: pathlib.Path | None = None):
        self.texts = texts
        self.root = root

    @classmethod
    def of_checkout(cls, root: pathlib.Path) -> "Tree":
        """Reads what git tracks and what it would track if it were added."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
        texts = {}
        for name in sorted(listed.decode().split("\0")):
            path = root / name
            # A file that was removed, but not yet from the index, is no part of the tree.
            if not name or not path.is_file():
                continue
            is_text = path.suffix in TEXT_SUFFIXES
            texts[name] = path.read_text(encoding="utf-8") if is_text else ""
        return cls(texts, root)

    def paths(self, *suffixes: str) -> list[str]:
        """Returns the paths that end in one of the suffixes, all without any."""
        return [path for path in self.texts if not suffixes or path.endswith(suffixes)]

    def lines(self, path: str) -> list[tuple[int, str]]:
        """Returns the numbered lines of a file."""
        return list(enumerate(self.texts[path].splitlines(), start=1))

"""What every method of the API declares, and that each documented error has a test."""

import re

from tree import Finding, Tree

RPC = re.compile(r"^\s*rpc\s+(?P<name>\w+)\s*\(")
REASON = re.compile(r"[Rr]easons?\s+((?:`[A-Z][A-Z0-9_]+`(?:,\s+|\s+or\s+|\s+and\s+)?)+)")
OPTIONS = {
    "google.api.http": re.compile(r"option\s*\(google\.api\.http\)\s*=\s*\{[^}]*\w+\s*:\s*\""),
    "permission": re.compile(r'option\s*\([\w.]*\bpermission\)\s*=\s*"[a-z_]+(\.[a-z_]+)+"'),
    "call_class": re.compile(r"option\s*\([\w.]*\bcall_class\)\s*=\s*(?!CALL_CLASS_UNSPECIFIED)[A-Z]+"),
}


# Between our own programs: what is here has no route, so that nobody takes it for a part of the API.
INTERNAL = "protos/quartermaster/internal/"


def api_protos(tree: Tree) -> list[str]:
    """Returns the paths of our protos; tests have protos of their own, which nobody serves."""
    return [path for path in tree.paths(".proto") if path.startswith("protos/")]


def _body(text: str, start: int) -> str:
    """Returns the text from `start` to the end of the method's braces, or its semicolon."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return text[start:position]
        elif text[position] == ";" and depth == 0:
            return text[start:position]
    return text[start:]


def check_methods(tree: Tree) -> list[Finding]:
    """Every method has a comment, an HTTP rule unless it is internal, a permission and a call class."""
    findings = []
    for path in api_protos(tree):
        text, offset, before = tree.texts[path], 0, ""
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            match = RPC.match(line)
            if match:
                name = match.group("name")
                if not before.strip().startswith("//"):
                    findings.append(Finding(path, number, f"{name} has no comment"))
                body = _body(text, offset)
                for option, pattern in OPTIONS.items():
                    if option == "google.api.http" and path.startswith(INTERNAL):
                        if pattern.search(body):
                            findings.append(Finding(path, number, f"{name} is internal and has a route"))
                    elif not pattern.search(body):
                        findings.append(Finding(path, number, f"{name} has no {option}"))
            before, offset = line, offset + len(line)
    return findings


def documented_reasons(text: str) -> set[str]:
    """Returns the error reasons that the comments of a proto name."""
    comments = " ".join(line.strip().lstrip("/ ") for line in text.splitlines() if line.strip().startswith("//"))
    return {reason for found in REASON.findall(comments) for reason in re.findall(r"[A-Z][A-Z0-9_]+", found)}


def check_reasons(tree: Tree) -> list[Finding]:
    """Every documented error reason is expected by a test of the service."""
    tests = [path for path in tree.paths(".cc", ".h") if path.startswith("tests/service/")]
    if not tests:
        return []
    tested = "\n".join(tree.texts[path] for path in tests)
    findings = []
    for path in api_protos(tree):
        for reason in sorted(documented_reasons(tree.texts[path])):
            if not re.search(rf"\b{reason}\b", tested):
                findings.append(Finding(path, 1, f"no test under tests/service expects {reason}"))
    return findings


API_FILES = "protos/api_files.cc"


def check_api_files(tree: Tree) -> list[Finding]:
    """Whoever goes through all interfaces sees each: its file is in the list."""
    listed = tree.texts.get(API_FILES, "")
    findings = []
    for path in api_protos(tree):
        header = path.removeprefix("protos/").removesuffix(".proto") + ".pb.h"
        if re.search(r"^service ", tree.texts[path], re.MULTILINE) and f'"{header}"' not in listed:
            findings.append(Finding(path, 1, f"is not listed in {API_FILES}, so nobody sees its methods"))
    return findings

"""Who may include whom: main -> api -> lanes -> domain <- storage, and platform beneath."""

import re

from tree import Finding, Tree

SERVICES = ("inventory-svc", "procurement-svc", "recognition-svc", "gateway", "qmctl")

# What the pure layer may use of the platform: values, and nothing that reads or writes.
DOMAIN_PLATFORM = ("platform/base/", "platform/document/", "platform/status/", "platform/values/")

CONNECTOR = re.compile(r"^((mysql|mariadb|cppconn)/.*|(mysql|mysql_driver|mysql_connection|mysqld_error|errmsg)\.h)$")
WIRE = re.compile(r"^(grpc|grpcpp|google)/|\.pb\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')

# Each of these says that all is well on a dead connection (docs/adr has the story).
DECEITFUL_CALLS = re.compile(r"(->|\.)((commit|rollback|reconnect)\s*\(\s*\)|setAutoCommit\s*\()")
CLOCKS = re.compile(r"absl::Now\s*\(|(system|steady|high_resolution)_clock::now\s*\(")
# Debian's abseil is not built for ThreadSanitizer: what such a lock guards is reported as a race.
# Which locks gRPC takes of it is set in one place.
UNSEEN_LOCKS_SET = "platform/rpc/run_server.cc"
UNSEEN_LOCKS = re.compile(r"absl::(\w*Mutex\w*|CondVar|Notification|BlockingCounter|Barrier)\b|absl/synchronization/")


def _forbidden(path: str, included: str) -> str | None:
    """Returns why `path` may not include `included`, if it may not."""
    if CONNECTOR.match(included) and not path.startswith("platform/mysql/"):
        return "only platform/mysql speaks to the connector"
    top, _, rest = path.partition("/")
    if top == "platform" and included.startswith(tuple(f"{name}/" for name in SERVICES + ("tests",))):
        if not path.endswith("_test.cc"):
            return "platform/ knows no program"
    if top not in SERVICES:
        return None
    foreign = tuple(f"{name}/" for name in SERVICES if name != top)
    if included.startswith(foreign):
        return f"{top} knows no other program"
    layer = rest.partition("/")[0]
    own = {name: f"{top}/{name}/" for name in ("api", "domain", "lanes", "storage")}
    if layer == "domain":
        if WIRE.search(included):
            return "domain/ knows neither gRPC nor protobuf"
        if included.startswith((own["api"], own["lanes"], own["storage"])):
            return "domain/ is what the other layers rest on, not the other way round"
        is_test = path.endswith("_test.cc")
        if included.startswith("platform/") and not included.startswith(DOMAIN_PLATFORM) and not is_test:
            return "domain/ uses values only: " + " ".join(DOMAIN_PLATFORM)
    if layer == "lanes":
        if included.startswith((own["api"], own["storage"], "platform/mysql/")):
            return "lanes/ run what domain/ decides, wherever it is kept and whoever calls"
        if WIRE.search(included):
            return "lanes/ knows neither gRPC nor protobuf"
    if layer == "storage":
        if included.startswith(own["api"]):
            return "storage/ does not know api/"
        if WIRE.search(included):
            return "storage/ knows neither gRPC nor protobuf"
    if layer == "api" and included.startswith((own["storage"], "platform/mysql/")):
        return "api/ reaches rows through domain/ only"
    return None


def check_includes(tree: Tree) -> list[Finding]:
    """The include graph follows the layers."""
    findings = []
    for path in tree.paths(".cc", ".h"):
        for number, line in tree.lines(path):
            match = INCLUDE.match(line)
            why = _forbidden(path, match.group(1)) if match else None
            if why:
                findings.append(Finding(path, number, f"may not include {match.group(1)}: {why}"))
    return findings


def check_calls(tree: Tree) -> list[Finding]:
    """Nothing calls what lies or locks unseen, and domain/ does not ask for the time."""
    findings = []
    for path in tree.paths(".cc", ".h"):
        is_product = path.startswith(("platform/", *SERVICES)) and not path.endswith("_test.cc")
        for number, line in tree.lines(path):
            code = line.partition("//")[0]
            if DECEITFUL_CALLS.search(code) and not path.startswith("tests/planted/"):
                message = "this call reports success on a dead connection; execute the SQL instead"
                findings.append(Finding(path, number, message))
            if UNSEEN_LOCKS.search(code) and path != UNSEEN_LOCKS_SET:
                message = "ThreadSanitizer does not see this lock; use platform/base/mutex.h, or std::latch and std::barrier"
                findings.append(Finding(path, number, message))
            if is_product and "/domain/" in path and CLOCKS.search(code):
                findings.append(Finding(path, number, "domain/ is told the time, it does not ask"))
    return findings

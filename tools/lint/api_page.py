"""docs/api.md: every method with its route, permission and errors, as the protos say them."""

import pathlib
import re

from protos import INTERNAL, api_protos
from tree import Finding, Tree

PAGE = "docs/api.md"
SERVICE = re.compile(r"^service (?P<name>\w+) \{$")
RPC = re.compile(r"^  rpc (?P<name>\w+)\((?P<request>[\w.]+)\) returns \((?P<stream>stream )?(?P<response>[\w.]+)\) \{$")
ROUTE = re.compile(r"(?P<verb>get|post|patch|put|delete): \"(?P<path>[^\"]+)\"")
PERMISSION = re.compile(r"permission\) = \"(?P<permission>[^\"]+)\"")
HEAD = """# The API

Made from the comments in `protos/`, which are the contract; `./quartermaster fmt` writes this page and
`./quartermaster test lint` compares it. The messages that a method takes and answers are described in its
file. Callers reach every method through the gateway, by gRPC or, but for streams, as JSON under the route
given here; other systems call the services directly, by gRPC with their own certificate.

Every call brings a token of the issuer that the gateway trusts. In the demo that `./quartermaster up` starts,
`./quartermaster status --json` has one for each person:

```sh
token=$(./quartermaster status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["demoTokens"]["quartermaster-qiao"])')
curl -H "Authorization: Bearer $token" http://127.0.0.1:8080/v1/units/swat:situation
curl -H "Authorization: Bearer $token" -H "Content-Type: application/json" http://127.0.0.1:8080/v1/movements:post -d '{
  "request_id": "018f3b5e-7a1c-7d2e-9b3f-2a6c1d4e5f60", "reason": "CONSUME", "lines": [{
    "lot": "items/mask/lots/supplier-2", "quantity": {"amount": "50"},
    "source": {"location": "units/swat/locations/store", "state": "AVAILABLE"},
    "destination": {"location": "units/swat/locations/store", "state": "CONSUMED"}}]}'
```

What lies in a message of the request is written with a dot in a query. So the books of a past moment are asked
for; the next page is the same with `&page_token=` and the `nextPageToken` of the one before:

```sh
balances="http://127.0.0.1:8080/v1/units/swat/balances?as_of.occurred_time=2020-02-01T00:00:00Z&page_size=2"
curl -H "Authorization: Bearer $token" "$balances"
```

`build/dev/qmctl/qmctl call --list` names the methods, `call Ledger/PostMovement -d …` makes one.

JSON follows the proto3 mapping: 64-bit numbers are strings, fields with default values are present, times
are RFC 3339. An unknown field or parameter is an error that names it. Errors are `google.rpc.Status` with
the reason and every dynamic part in an `ErrorInfo`, and all broken fields in a `BadRequest`.

Any method may fail with `RESOURCE_EXHAUSTED`, reason `OVERLOADED`, while too many calls wait for their turn;
once half as many do, reason `CALLER_OVERLOADED` to a caller who would have more than a quarter of the places.
Metadata: `waiting`, `waiting_max`. Both say in a `RetryInfo` when to try again.
"""


def _comment(lines: list[str], end: int) -> list[str]:
    """Returns the comment that stands right above line `end`, without its slashes."""
    start = end
    while start > 0 and lines[start - 1].strip().startswith("//"):
        start -= 1
    return [line.strip().removeprefix("//").removeprefix(" ") for line in lines[start:end]]


def render(tree: Tree) -> str:
    """Renders the page."""
    parts = [HEAD]
    for path in sorted(path for path in api_protos(tree) if not path.startswith(INTERNAL)):
        text = tree.texts[path]
        package = re.search(r"^package (.+);$", text, re.MULTILINE)
        lines = text.splitlines()
        for number, line in enumerate(lines):
            service, rpc = SERVICE.match(line), RPC.match(line)
            if service and package:
                parts.append(f"## {service['name']}\n\n`{package[1]}.{service['name']}` (`{path}`)\n")
                parts.append("\n".join(_comment(lines, number)) + "\n")
            if rpc:
                body = "\n".join(lines[number:lines.index("  }", number)])
                route, permission = ROUTE.search(body), PERMISSION.search(body)
                parts.append(f"### {rpc['name']}\n")
                if route and permission:
                    way = "by gRPC alone" if rpc["stream"] else f"`{route['verb'].upper()} {route['path']}`"
                    answer = f"a stream of `{rpc['response']}`" if rpc["stream"] else f"`{rpc['response']}`"
                    parts.append(f"{way} · `{rpc['request']}`, answered by {answer} · permission `{permission['permission']}`\n")
                parts.append("\n".join(_comment(lines, number)) + "\n")
    return "\n".join(parts)


def check_page(tree: Tree) -> list[Finding]:
    """The page is what the protos say."""
    if tree.texts.get(PAGE) == render(tree):
        return []
    return [Finding(PAGE, 1, "is not what the protos say; run ./quartermaster fmt")]


def write_page(root: pathlib.Path, tree: Tree) -> None:
    """Writes the page."""
    (root / PAGE).write_text(render(tree), encoding="utf-8")

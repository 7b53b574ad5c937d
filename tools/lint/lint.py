"""Checks the rules of the house that a program can check. Exits 1 if one is broken.

Each rule has a planted violation in lint_test.py.
"""

import argparse
import pathlib
import sys

import api_page
import decisions
import folders
import layers
import migrations
import promises
import protos
import settings
import sources
import words
from tree import Tree

RULES = (
    layers.check_includes,
    layers.check_calls,
    folders.check_map,
    folders.check_readmes,
    migrations.check_frozen,
    migrations.check_grants,
    protos.check_methods,
    protos.check_reasons,
    protos.check_api_files,
    api_page.check_page,
    decisions.check_numbers,
    decisions.check_list,
    promises.check_named_tests,
    words.check_words,
    sources.check_built,
    sources.check_format,
    sources.check_shell,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path, help="the checkout")
    parser.add_argument("--build", type=pathlib.Path, help="build folder; its programs are asked for their settings")
    parser.add_argument("--write", action="store_true", help="write docs/api.md, the settings tables and the list of decisions")
    parser.add_argument("--freeze", action="store_true", help="freeze the migrations that are not frozen yet")
    arguments = parser.parse_args()
    tree = Tree.of_checkout(arguments.root)
    if arguments.write:
        settings.write_tables(arguments.root, arguments.build)
        api_page.write_page(arguments.root, tree)
        decisions.write_list(arguments.root, tree)
        return 0
    if arguments.freeze:
        migrations.freeze(arguments.root, tree)
        return 0
    findings = [finding for rule in RULES for finding in rule(tree)]
    findings += settings.check_tables(tree, arguments.build)
    for finding in findings:
        print(finding)
    print(f"{len(tree.texts)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

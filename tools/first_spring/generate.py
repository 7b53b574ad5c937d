#!/usr/bin/env python3
"""Writes the invented part of tests/data/first-spring: locations, lots and movements.

The totals come from figures.csv, which holds what was printed; units.csv and items.csv are written by
hand. What is made up here is the split: over units, days and lots. The same seed gives the same
bytes; the test beside this file runs it again and compares.

    python3 tools/first_spring/generate.py [--output DIRECTORY]
"""

import argparse
import collections
import pathlib
import random
import sys

import books
import plan

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "first-spring"
SEED = 20200123


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=DATA, help="where to write")
    arguments = parser.parse_args()

    figures = books.read_figures(DATA / "figures.csv")
    # The root is the city bureau, which has the depot.
    units = [row for row in books.read_rows(DATA / "units.csv") if row["parent"] != ""]
    story = plan.tell(random.Random(SEED), figures, units)

    arguments.output.mkdir(parents=True, exist_ok=True)
    books.write_rows(arguments.output / "locations.csv", books.LOCATION_COLUMNS, story.locations)
    books.write_rows(arguments.output / "lots.csv", books.LOT_COLUMNS, story.lots)
    books.write_rows(arguments.output / "movements.csv", books.MOVEMENT_COLUMNS, story.movements)
    kinds = collections.Counter(row["kind"] for row in story.movements)
    print(f"{len(story.lots)} lots, {kinds['movement']} movement rows, {kinds['transfer']} transfer rows")


if __name__ == "__main__":
    sys.exit(main())

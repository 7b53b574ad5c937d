#!/usr/bin/env python3
"""Checks the demo's data: that it is what the script writes, and that it adds up to what was printed."""

import collections
import csv
import fractions
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[1] / "tests" / "data" / "first-spring"
GENERATED = ("locations.csv", "lots.csv", "movements.csv")

# What one printed unit is, in a unit of items.csv. Written anew here: the script's own table is
# what is under test.
PRINTED = {
    ("只", "gloves"): "piece", ("只", "mask"): "piece", ("个", "n95-mask"): "piece",
    ("个", "goggles"): "piece", ("个", "thermometer"): "piece", ("件", "coverall"): "piece",
    ("件", "isolation-gown"): "piece", ("套", "isolation-gown"): "set", ("双", "gloves"): "pair",
    ("双", "shoe-cover"): "pair", ("箱", "milk"): "case", ("箱", "instant-noodles"): "case",
    ("顶", "tent"): "piece", ("桶", "disinfectant-barrel"): "barrel", ("吨", "alcohol"): "tonne",
    ("吨", "disinfectant-84"): "tonne", ("升", "alcohol"): "litre", ("盒", "medicine-box"): "box",
    ("元", "medicine-value"): "yuan",
}


def rows(name):
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def base_units():
    """Returns, by item and unit, how many base units one is."""
    table = {}
    for item in rows("items.csv"):
        table[item["item_id"], item["base_unit"]] = 1
        for unit in filter(None, item["units"].split("; ")):
            name, factor = unit.split("=")
            table[item["item_id"], name] = int(factor)
    return table


def printed_base_quantity(figure, table):
    unit = figure["unit"]
    factor = 10000 if unit.startswith("万") else 1
    name = PRINTED[unit.removeprefix("万"), figure["item"]]
    return fractions.Fraction(figure["amount"]) * factor * table[figure["item"], name]


class FirstSpringTest(unittest.TestCase):
    def setUp(self):
        self.table = base_units()
        self.figures = {row["claim"]: row for row in rows("figures.csv")}
        self.movements = rows("movements.csv")

    def base(self, row):
        return int(row["quantity"]) * self.table[row["item"], row["unit"]]

    def total(self, column, claim, kind):
        chosen = [row for row in self.movements if row[column] == claim and row["kind"] == kind
                  and row["outcome"] != "draft"]
        for row in chosen:
            self.assertEqual(row["item"], self.figures[claim]["item"], row)
        return sum(self.base(row) for row in chosen)

    def test_committed_data_is_what_the_script_writes(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([sys.executable, HERE / "generate.py", "--output", directory], check=True,
                           stdout=subprocess.DEVNULL)
            for name in GENERATED:
                written = (pathlib.Path(directory) / name).read_bytes()
                self.assertEqual(written, (DATA / name).read_bytes(), f"{name}: run generate.py")

    def test_receipts_equal_what_was_printed(self):
        checked = 0
        for claim, figure in self.figures.items():
            if figure["carried"] != "yes" or figure["measure"] not in (
                    "allocated-by-ministry", "allocated-by-province", "purchased-and-issued"):
                continue
            self.assertEqual(self.total("claim", claim, "movement"),
                             printed_base_quantity(figure, self.table), claim)
            checked += 1
        self.assertEqual(checked, 22)

    def test_issues_equal_what_was_printed(self):
        checked = 0
        for claim, figure in self.figures.items():
            printed = None
            if figure["carried"] != "yes":
                continue
            if figure["measure"] == "purchased-and-issued":
                printed, issued = printed_base_quantity(figure, self.table), self.total("claim", claim, "transfer")
            elif figure["measure"] == "issued":
                printed, issued = printed_base_quantity(figure, self.table), self.total("event", claim, "transfer")
            if printed is not None:
                self.assertEqual(issued, printed, claim)
                checked += 1
        self.assertEqual(checked, 19)

    def test_what_came_from_above_is_not_issued_beyond_what_came(self):
        for claim, figure in self.figures.items():
            if figure["carried"] == "yes" and figure["measure"].startswith("allocated"):
                self.assertLessEqual(self.total("claim", claim, "transfer"),
                                     printed_base_quantity(figure, self.table), claim)

    def test_figures_of_other_measures_are_never_posted(self):
        posted = {row[column] for row in self.movements for column in ("claim", "event")}
        for claim, figure in self.figures.items():
            if figure["measure"] != "organisation":
                self.assertEqual(claim in posted, figure["carried"] == "yes", claim)

    def test_forty_units_beneath_the_city(self):
        beneath = [row for row in rows("units.csv") if row["parent"] != ""]
        self.assertEqual(len(beneath), int(self.figures["units-of-bureau"]["amount"]))
        receivers = {row["destination"].split("/")[0] for row in self.movements if row["kind"] == "transfer"}
        self.assertEqual(receivers, {row["unit_id"] for row in beneath})

    def test_no_shelf_falls_below_zero_in_the_order_of_the_file(self):
        shelves = collections.Counter()
        for row in self.movements:
            lot = (row["item"], row["lot"])
            quantity = self.base(row)
            if row["kind"] == "transfer":
                if row["outcome"] == "draft":
                    continue
                shelves[row["source"], lot] -= quantity
                if row["outcome"] == "received":
                    lost = sum(int(row[column] or 0) for column in ("damaged", "short"))
                    arrived = quantity - lost * self.table[row["item"], row["unit"]]
                    shelves[row["destination"], lot] += arrived
            elif row["reason"] in ("RECEIVE", "OPEN_BOOKS"):
                shelves[row["destination"], lot] += quantity
            else:
                shelves[row["source"], lot] -= quantity
            for place in (row["source"], row["destination"]):
                self.assertGreaterEqual(shelves[place, lot], 0, row)

    def test_every_row_has_its_paper_and_says_what_is_invented(self):
        papers = set()
        for row in self.movements:
            self.assertRegex(row["issuer"], r"^[a-z0-9._-]{1,64}$")
            self.assertTrue(row["number"] and row["line"].isdigit(), row)
            self.assertIn(row["basis"], ("printed", "invented"))
            paper = (row["issuer"], row["number"], row["line"], row["item"], row["lot"])
            self.assertNotIn(paper, papers)
            papers.add(paper)

    def test_flammables_rest_in_stores_apart(self):
        kinds = {f"{row['unit']}/{row['location_id']}": row["kind"] for row in rows("locations.csv")}
        hazards = {row["item_id"]: row["hazard"] for row in rows("items.csv")}
        for row in self.movements:
            if hazards[row["item"]] == "FLAMMABLE":
                for place in filter(None, (row["source"], row["destination"])):
                    self.assertEqual(kinds[place], "FLAMMABLES_STORE", row)


if __name__ == "__main__":
    unittest.main()

"""The files of the demo: their columns, how they are read and written, and what a printed unit is."""

import csv
import decimal

LOCATION_COLUMNS = ["unit", "location_id", "kind", "title_zh", "title_en", "custodian", "basis"]
LOT_COLUMNS = ["item", "lot_id", "origin", "origin_reference", "owner", "expiry_date", "basis"]
MOVEMENT_COLUMNS = [
    "kind", "issuer", "number", "line", "occurred_time", "arrived_time", "reason", "item", "lot", "quantity", "unit",
    "source", "source_state", "destination", "destination_state", "outcome", "damaged", "short",
    "note", "claim", "event", "basis",
]

# What one printed unit is, in a unit that items.csv declares. 万 is a count of ten thousand.
PRINTED_UNITS = {
    "只": "piece", "个": "piece", "件": "piece", "套": "piece", "顶": "piece", "双": "pair",
    "箱": "case", "桶": "barrel", "盒": "box", "吨": "tonne", "升": "litre", "万元": "wan-yuan",
}


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_figures(path):
    """Returns, by claim, the figures that the movements carry: amount and unit of the catalog."""
    figures = {}
    for row in read_rows(path):
        if row["carried"] == "yes" and row["measure"] != "organisation":
            amount, unit = from_printed(row["amount"], row["unit"])
            figures[row["claim"]] = {"item": row["item"], "amount": amount, "unit": unit}
    return figures


def from_printed(amount, unit):
    """Returns the whole amount and the catalog's unit: 2.2 万双 is 22000 pair."""
    whole = decimal.Decimal(amount)
    if unit not in PRINTED_UNITS:
        whole, unit = whole * 10000, unit.removeprefix("万")
    catalog_unit = PRINTED_UNITS[unit]
    if whole != whole.to_integral_value():
        # A part of a tonne is written in kilograms.
        if catalog_unit != "tonne":
            raise ValueError(f"{amount} {unit} is not whole")
        whole, catalog_unit = whole * 1000, "kilogram"
    return int(whole), catalog_unit


def write_rows(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

"""The story of the demo: what arrives at the city depot, who gets it, who uses it.

Everything here but the totals is invented. Amounts are kept in one unit per item, the one it is
issued in; `STEP` keeps them as round as people write them.
"""

import collections
import datetime

CITY = "jiangcheng"
DEPOT = "jiangcheng/main-depot"
FLAMMABLES = "jiangcheng/flammables"

# Items that are kept in a store apart.
FLAMMABLE_ITEMS = {"alcohol"}
# The unit an item is issued in, and the step that amounts are rounded to.
ISSUE_UNIT = {
    "mask": ("piece", 50), "n95-mask": ("piece", 20), "isolation-gown": ("set", 5),
    "coverall": ("set", 5), "goggles": ("piece", 5), "gloves": ("pair", 10),
    "shoe-cover": ("pair", 10), "disinfectant-84": ("kilogram", 1),
    "disinfectant-barrel": ("barrel", 1), "alcohol": ("litre", 5), "thermometer": ("piece", 1),
    "medicine-value": ("wan-yuan", 1), "medicine-box": ("box", 5), "milk": ("case", 2),
    "instant-noodles": ("case", 2), "tent": ("piece", 1), "raincoat": ("piece", 1),
}
# How many issue units a printed amount is: numerator, denominator.
TO_ISSUE = {("piece", "set"): (1, 1), ("piece", "pair"): (1, 2), ("tonne", "litre"): (1250, 1)}
# What is not used up.
NOT_CONSUMED = {"thermometer", "tent", "raincoat", "goggles", "medicine-value"}
# Expiry is invented and far off, so that the demo does not expire as a whole; NEAR_EXPIRY are the
# lots that a board should warn of.
FAR_EXPIRY = "2035-06-30"
NEAR_EXPIRY = {("milk", 1): "2020-07-20", ("instant-noodles", 2): "2020-08-31",
               ("medicine-box", 2): "2020-12-31", ("disinfectant-84", 1): "2021-01-31",
               ("mask", 1): "2022-01-31"}
EXPIRING = {"mask", "n95-mask", "isolation-gown", "coverall", "gloves", "disinfectant-84",
            "disinfectant-barrel", "alcohol", "medicine-box", "milk", "instant-noodles"}

# claim: the days its lots arrive and their shares in percent.
PURCHASES = {
    "issued-masks": [(22, 40), (28, 35), (33, 25)],
    "issued-gowns": [(25, 50), (32, 50)],
    "issued-thermometers": [(26, 100)],
    "issued-goggles": [(25, 60), (33, 40)],
    "issued-gloves": [(25, 55), (32, 45)],
    "issued-shoe-covers": [(26, 60), (33, 40)],
    "issued-disinfectant": [(24, 50), (32, 50)],
    "issued-alcohol": [(24, 60), (33, 40)],
    "issued-medicine": [(27, 50), (34, 50)],
}
ALLOCATIONS = {
    "province-alcohol": [(27, 100)], "province-gloves": [(27, 100)],
    "province-masks": [(27, 100)], "province-goggles": [(27, 100)],
    "province-disinfectant": [(27, 100)], "ministry-medicine": [(30, 100)],
    "ministry-n95": [(30, 60), (34, 40)], "ministry-gloves": [(30, 100)],
    "ministry-goggles": [(30, 100)], "ministry-coveralls": [(30, 50), (34, 50)],
    "ministry-milk": [(29, 50), (35, 50)], "ministry-noodles": [(29, 40), (35, 60)],
    "ministry-tents": [(31, 100)],
}
# Stock that was there before, and what peers and donors gave: item, unit, amount, origin.
OPENING = [("mask", 60000), ("gloves", 8000), ("goggles", 600), ("disinfectant-84", 300),
           ("alcohol", 400), ("raincoat", 1200), ("thermometer", 24)]
GIFTS = [("mask", 30000, "PEER", "lianjiang-bureau", 31), ("coverall", 1500, "PEER", "lianjiang-bureau", 31),
         ("mask", 12000, "DONOR", "heming-foundation", 32), ("milk", 300, "DONOR", "heming-foundation", 32),
         ("instant-noodles", 500, "DONOR", "qingmu-foods", 34)]

# The dated issues: day, how many minutes past midnight is left to the reader; who may get some.
AIRPORT_AND_STATIONS = ["airport-post", "railway-post", "coach-post"]
SHORT_OF_PROTECTION = ["beiguan-bureau", "yuntai-bureau", "qingxi-bureau", "liulin-bureau",
                       "shiqiao-bureau", "gucheng-bureau"]
THE_PAIR = ["songshan-bureau", "luzhou-bureau"]
EVENTS = [
    ("event-0123", 23, AIRPORT_AND_STATIONS, ["masks"]),
    ("event-0129", 29, SHORT_OF_PROTECTION, ["masks", "gowns", "gloves", "goggles", "shoe-covers"]),
    ("event-pair", 34, THE_PAIR, ["masks", "gowns", "goggles", "gloves"]),
]
# The rounds in which everything else goes out: the first day of each.
ROUNDS = [24, 30, 36]
USE_DAYS = [27, 31, 35, 38, 41]
PRIORITY_WEIGHT = {"KEY": 3, "URGENT": 2, "FRONTLINE": 2, "REGULAR": 1}

Story = collections.namedtuple("Story", ["locations", "lots", "movements"])


def day_of(number):
    """Days are counted from 2019-12-31 on, so that 23 is January 23 and 33 February 2."""
    return datetime.date(2019, 12, 31) + datetime.timedelta(days=number)


def stamp(number):
    return day_of(number).strftime("%Y%m%d")


def share(total, step, weights):
    """Splits `total` by `weights` into multiples of `step`; what is left over goes to the largest."""
    whole = sum(weights)
    parts = [total * weight // whole // step * step for weight in weights]
    parts[weights.index(max(weights))] += total - sum(parts)
    return parts


def tell(random, figures, units):
    return Teller(random, figures, units).tell()


class Teller:
    """Writes the rows in the order in which things happened."""

    def __init__(self, random, figures, units):
        self.random = random
        self.figures = figures
        self.units = units
        self.lots = []
        self.lot_count = collections.Counter()
        self.numbers = collections.Counter()
        # By day, the rows of that day; receipts before issues before use.
        self.days = collections.defaultdict(lambda: ([], [], []))
        # (item, claim) -> [lot, day, amount left] at the depot.
        self.depot = collections.defaultdict(list)
        # (unit, item) -> [day, lot, amount left] at the unit.
        self.shelves = collections.defaultdict(list)
        self.stores = {unit["unit_id"]: f"{unit['unit_id']}/store" for unit in units}
        self.flammables = {unit["unit_id"]: f"{unit['unit_id']}/flammables" for unit in units
                           if unit["kind"] not in ("STATION", "CHECKPOINT", "PARTNER")
                           or unit["unit_id"] == "hospital-room"}

    def tell(self):
        self.open_books()
        for claim, arrivals in PURCHASES.items():
            self.receive(claim, arrivals, "SUPPLIER", "SUPPLIER", "zhoucheng-trading")
        for claim, arrivals in ALLOCATIONS.items():
            tier = claim.split("-")[0]
            self.receive(claim, arrivals, tier.upper(), tier.upper() + "_SOURCE", tier)
        self.receive_gifts()
        for event, day, receivers, goods in EVENTS:
            self.issue_event(event, day, receivers, goods)
        for number, first_day in enumerate(ROUNDS):
            self.issue_round(number, first_day)
        self.leave_open_ends()
        for day in USE_DAYS:
            self.use(day)
        self.hold()
        movements = [row for day in sorted(self.days) for part in self.days[day] for row in part]
        return Story(self.locations(), self.lots, movements)

    # Places and lots.

    def locations(self):
        rows = [
            place(CITY, "main-depot", "DEPOT", "市局总库", "City depot", ""),
            place(CITY, "flammables", "FLAMMABLES_STORE", "市局易燃品库", "City flammables store", ""),
        ]
        for unit in self.units:
            name, title = unit["unit_id"], unit["title_zh"]
            is_post = unit["kind"] in ("CHECKPOINT", "PARTNER")
            custodian = f"custodian-{name}" if is_post else ""
            rows.append(place(name, "store", "DUTY_POINT" if is_post else "STORE_ROOM",
                              title + ("执勤点" if is_post else "库房"),
                              unit["title_en"] + (" duty point" if is_post else " store"), custodian))
            if name in self.flammables:
                rows.append(place(name, "flammables", "FLAMMABLES_STORE", title + "易燃品柜",
                                  unit["title_en"] + " flammables store", ""))
        return rows

    def add_lot(self, item, origin, reference, owner=CITY, basis="invented"):
        self.lot_count[item] += 1
        number = self.lot_count[item]
        expiry = NEAR_EXPIRY.get((item, number), FAR_EXPIRY) if item in EXPIRING else ""
        lot = f"{'opening' if origin == 'UNKNOWN' else origin.lower()}-{number}"
        self.lots.append({"item": item, "lot_id": lot, "origin": origin, "origin_reference": reference,
                          "owner": owner, "expiry_date": expiry, "basis": basis})
        return lot

    def paper(self, prefix, day):
        self.numbers[prefix, day] += 1
        return f"{prefix}-{stamp(day)}-{self.numbers[prefix, day]:03d}"

    # What arrives.

    def open_books(self):
        number = self.paper("QC", 20)
        for line, (item, amount) in enumerate(OPENING, start=1):
            lot = self.add_lot(item, "UNKNOWN", "opening stock")
            self.arrive(20, "OPEN_BOOKS", "OPENING", number, line, item, lot, amount, "")
            self.depot[item, ""].append([lot, 20, amount])

    def receive(self, claim, arrivals, origin, state, supplier):
        figure = self.figures[claim]
        item = figure["item"]
        unit, step = ISSUE_UNIT[item]
        numerator, denominator = TO_ISSUE.get((figure["unit"], unit), (1, 1))
        total = figure["amount"] * numerator // denominator
        amounts = share(total, step, [percent for _, percent in arrivals])
        for (day, _), amount in zip(arrivals, amounts):
            lot = self.add_lot(item, origin, f"{supplier} {stamp(day)}")
            row = self.arrive(day, "RECEIVE", state, self.paper("RK", day), 1, item, lot, amount, claim)
            if len(arrivals) == 1:
                # All of it on one paper: as it was printed.
                row.update({"quantity": figure["amount"], "unit": figure["unit"], "basis": "printed"})
            self.depot[item, claim].append([lot, day, amount])

    def receive_gifts(self):
        for item, amount, origin, giver, day in GIFTS:
            lot = self.add_lot(item, origin, f"{giver} {stamp(day)}")
            self.arrive(day, "RECEIVE", origin, self.paper("JZ", day), 1, item, lot, amount, "")
            self.depot[item, ""].append([lot, day, amount])

    def arrive(self, day, reason, state, number, line, item, lot, amount, claim):
        depot = FLAMMABLES if item in FLAMMABLE_ITEMS else DEPOT
        row = {
            "kind": "movement", "issuer": "jc-depot", "number": number, "line": line,
            "occurred_time": f"{day_of(day)}T08:00:00+08:00", "reason": reason, "item": item, "lot": lot,
            "quantity": amount, "unit": ISSUE_UNIT[item][0], "source_state": state,
            "destination": depot, "claim": claim, "basis": "invented"}
        self.days[day][0].append(row)
        return row

    # What goes out.

    def issue_event(self, event, day, receivers, goods):
        parts = collections.defaultdict(list)
        for good in goods:
            figure = self.figures[f"{event}-{good}"]
            item = figure["item"]
            amounts = share(figure["amount"], ISSUE_UNIT[item][1], [3, 2, 1, 2, 1, 1][:len(receivers)])
            for receiver, amount in zip(receivers, amounts):
                parts[receiver] += self.take(item, f"issued-{good}", amount, day, f"{event}-{good}")
        if event == "event-pair":
            for receiver, amount in zip(receivers, (60, 40)):
                parts[receiver] += self.take("disinfectant-84", "issued-disinfectant", amount, day, "")
        for receiver in receivers:
            self.transfer(day, DEPOT, receiver, parts[receiver])

    def issue_round(self, number, first_day):
        parts = collections.defaultdict(list)
        for (item, claim), lots in sorted(self.depot.items()):
            if claim == "":
                continue
            since = ROUNDS[number - 1] if number > 0 else 0
            ready = sum(left for _, day, left in lots if since < day <= first_day)
            if not claim.startswith("issued-"):
                # What came from above is issued too, but nobody printed how much: a part stays.
                ready = ready * 9 // 10 // ISSUE_UNIT[item][1] * ISSUE_UNIT[item][1]
            if number == len(ROUNDS) - 1 and claim.startswith("issued-"):
                assert ready == sum(left for _, _, left in lots), "all that was bought is issued"
            receivers = self.receivers_of(item)
            amounts = share(ready, ISSUE_UNIT[item][1], [self.weight(unit) for unit in receivers])
            for unit, amount in zip(receivers, amounts):
                if amount > 0:
                    parts[unit["unit_id"]] += self.take(item, claim, amount, first_day, "")
        for position, unit in enumerate(self.units):
            day = first_day + position % 3
            goods = parts[unit["unit_id"]]
            self.transfer(day, DEPOT, unit["unit_id"],
                          [part for part in goods if part["item"] not in FLAMMABLE_ITEMS])
            self.transfer(day, FLAMMABLES, unit["unit_id"],
                          [part for part in goods if part["item"] in FLAMMABLE_ITEMS])

    def receivers_of(self, item):
        if item in FLAMMABLE_ITEMS:
            return [unit for unit in self.units if unit["unit_id"] in self.flammables]
        if item == "tent":
            return [unit for unit in self.units
                    if unit["kind"] == "CHECKPOINT" or unit["unit_id"] == "hospital-room"]
        if item in ("medicine-value", "disinfectant-barrel"):
            return [unit for unit in self.units if unit["unit_id"] in ("custody", "swat", "hospital-room")]
        if item in ("goggles", "coverall", "n95-mask", "mask", "gloves"):
            return self.units
        # Not every unit gets everything in every round.
        return [unit for unit in self.units if self.random.random() < 0.6]

    def weight(self, unit):
        size = 20 + int(unit["establishment"]) // 10
        return size * PRIORITY_WEIGHT[unit["priority"]] * self.random.randint(8, 12)

    def take(self, item, claim, amount, day, event):
        """Takes from the depot's lots of a claim, first come first out."""
        parts = []
        for entry in self.depot[item, claim]:
            if amount == 0:
                break
            if entry[1] > day or entry[2] == 0:
                continue
            taken = min(amount, entry[2])
            entry[2] -= taken
            amount -= taken
            parts.append({"item": item, "lot": entry[0], "amount": taken, "claim": claim, "event": event})
        assert amount == 0, f"{item} of {claim} runs out on day {day}"
        return parts

    def transfer(self, day, source, receiver, parts, outcome="received"):
        if not parts:
            return
        is_flammable = source == FLAMMABLES
        destination = self.flammables[receiver] if is_flammable else self.stores[receiver]
        number = self.paper("DB", day)
        for line, part in enumerate(parts, start=1):
            damaged, short = self.mishap(day, line, part) if outcome == "received" else (0, 0)
            self.days[day][1].append({
                "kind": "transfer", "issuer": "jc-supplies", "number": number, "line": line,
                "occurred_time": f"{day_of(day)}T10:00:00+08:00",
                "arrived_time": f"{day_of(day)}T15:00:00+08:00" if outcome == "received" else "",
                "item": part["item"], "lot": part["lot"], "quantity": part["amount"],
                "unit": ISSUE_UNIT[part["item"]][0], "source": source, "destination": destination,
                "outcome": outcome, "damaged": damaged or "", "short": short or "",
                "claim": part["claim"], "event": part["event"], "basis": "invented"})
            if outcome == "received":
                left = part["amount"] - damaged - short
                self.shelves[receiver, part["item"]].append([day, part["lot"], left])

    def mishap(self, day, line, part):
        """Now and then something arrives broken or not at all."""
        step = ISSUE_UNIT[part["item"]][1]
        if line != 1 or part["amount"] < 20 * step or part["event"] or day < 28:
            return 0, 0
        chance = self.random.random()
        if chance < 0.08:
            return 2 * step, 0
        if chance < 0.13:
            return 0, 4 * step
        return 0, 0

    def leave_open_ends(self):
        """Leaves some goods on the road and some drafts on the desk, so that there is work to do."""
        on_the_way = [("swat", "mask", 4000), ("hospital-room", "gloves", 600), ("north-toll-post", "mask", 1500),
                      ("airport-post", "raincoat", 60), ("east-bureau", "disinfectant-84", 60),
                      ("ferry-post", "thermometer", 2)]
        for receiver, item, amount in on_the_way:
            self.transfer(41, DEPOT, receiver, self.take(item, "", amount, 41, ""), "on-the-way")
        drafts = [("custody", "mask", 3000), ("bridge-post", "raincoat", 40), ("luzhou-bureau", "goggles", 80)]
        for receiver, item, amount in drafts:
            self.transfer(41, DEPOT, receiver, self.take(item, "", amount, 41, ""), "draft")

    # What is used.

    def use(self, day):
        for unit in self.units:
            name = unit["unit_id"]
            number = f"RB-{stamp(day)}"
            # One movement per store: a flammables store reports for itself.
            for line, (place_name, items) in enumerate(self.places_of(name), start=1):
                rows = []
                for item in items:
                    rows += self.consume(name, item, day)
                for row in rows[:6]:
                    row.update({"kind": "movement", "issuer": name, "number": number, "line": line,
                                "occurred_time": f"{day_of(day)}T20:00:00+08:00", "reason": "CONSUME",
                                "source": place_name, "basis": "invented"})
                    self.days[day][2].append(row)

    def places_of(self, name):
        held = sorted(item for unit, item in self.shelves
                      if unit == name and item not in NOT_CONSUMED and item not in FLAMMABLE_ITEMS)
        chosen = self.random.sample(held, min(len(held), 3)) if held else []
        places = [(self.stores[name], sorted(set(chosen) | ({"mask"} & set(held))))]
        if name in self.flammables:
            places.append((self.flammables[name], sorted(FLAMMABLE_ITEMS)))
        return places

    def consume(self, name, item, day):
        unit, step = ISSUE_UNIT[item]
        rows = []
        shelf = [entry for entry in self.shelves[name, item] if entry[0] < day and entry[2] > 0]
        for entry in shelf[:1]:
            used = entry[2] * self.random.randint(20, 45) // 100 // step * step
            if used > 0:
                entry[2] -= used
                rows.append({"item": item, "lot": entry[1], "quantity": used, "unit": unit})
        return rows

    def hold(self):
        """A few pieces of the depot wait for inspection."""
        for item, amount in (("mask", 2000), ("goggles", 40)):
            for part in self.take(item, "", amount, 41, ""):
                self.days[41][2].append({
                    "kind": "movement", "issuer": "jc-depot", "number": self.paper("DJ", 41), "line": 1,
                    "occurred_time": f"{day_of(41)}T21:00:00+08:00", "reason": "HOLD", "item": item,
                    "lot": part["lot"], "quantity": part["amount"], "unit": ISSUE_UNIT[item][0],
                    "source": DEPOT, "note": "waiting for inspection", "basis": "invented"})


def place(unit, location, kind, title_zh, title_en, custodian):
    return {"unit": unit, "location_id": location, "kind": kind, "title_zh": title_zh,
            "title_en": title_en, "custodian": custodian, "basis": "invented"}

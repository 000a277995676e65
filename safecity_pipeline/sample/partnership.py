"""Synthetic extracts of the partnership and its smaller services, in the forms that they send.

Here: mediation cases (the year before last sent twice, the second time mended), a register of
actions, places on a programme, test purchases below a title, the Late Night Levy, and emerging
issues between titles and a note. The published figures of 2014-15 hold for any seed. A few rows are
bad. Not here: any real case, action or test.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from math import floor

import numpy as np

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import ASSESSED, Plan

_MEDIATION, _REGISTER, _PROGRAMME, _TESTS, _LEVY, _ISSUES = range(360, 366)
NEIGHBOURHOODS = (
    *("Bargate", "Bassett", "Bevois", "Bitterne", "Bitterne Park", "Coxford", "Freemantle"),
    *("Harefield", "Millbrook", "Peartree", "Portswood", "Redbridge", "Shirley", "Sholing"),
    *("Swaythling", "Woolston"),
)
Cells = Sequence[str | int]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the files of six sources."""
    years = [int(year[:4]) for year in plan.years]
    return [
        *(_mediation(plan.seed, year, mended=True) for year in years),
        _mediation(plan.seed, int(ASSESSED[:4]) - 1, mended=False),
        *(_register(plan.seed, year, years[-1]) for year in years),
        *(_programme(plan.seed, year) for year in years),
        *(_tests(plan.seed, year) for year in years),
        _levy(plan.seed, years[-1]),
        _issues(plan.seed, years),
    ]


def _label(year: int) -> str:
    return f"{year}-{(year + 1) % 100:02d}"


def _file(source: str, name: str, extracted: str) -> str:
    return f"{source}/synthetic-southampton-{name}-extracted-{extracted}.csv"


def _written(day: date) -> str:
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def _day_of(year: int, chance: np.random.Generator, within: int = 365) -> date:
    """A day among the first of a financial year."""
    return date(year, 4, 1) + timedelta(int(chance.integers(within)))


def _dealt(chance: np.random.Generator, deck: Sequence[str]) -> list[str]:
    keys = chance.random(len(deck)).tolist()
    return [answer for _, answer in sorted(zip(keys, deck, strict=True))]


def _nearest(total: int, share: float) -> int:
    return floor(total * share + 0.5)


# --- mediation ------------------------------------------------------------------------------------

_CASES = ("Case ref", "Date referred", "Accepted?", "Date closed", "Outcome", "Referred by")


def _mediation(seed: int, year: int, *, mended: bool) -> Delivery:
    """Nine in ten of the cases closed are resolved. As first sent, some outcomes of the last months
    were not in yet."""
    chance = stream(seed, _MEDIATION, year)
    closed = 120 + int(chance.integers(24))
    share = 0.90 if year == int(ASSESSED[:4]) else 0.84 + 0.05 * float(chance.random())
    resolved = _nearest(closed, share)
    partly = (closed - resolved) // 2
    deck = ["Resolved"] * resolved + ["Partly resolved"] * partly
    deck += ["Not resolved"] * (closed - resolved - partly - 2) + ["Withdrawn"] * 2
    rows: list[Cells] = [_CASES]
    for outcome in _dealt(chance, deck):
        rows.append(_closed_case(year, len(rows), outcome, chance, mended))
    for accepted in ("Yes",) * (9 + int(chance.integers(5))) + ("No",) * 18:
        day = _written(_day_of(year, chance))
        rows.append((_case(year, len(rows)), day, accepted, "", "", "Housing"))
    bad = _bad_cases(year, len(rows)) if mended else []
    extracted = f"{year + 1}-{'06-30' if mended else '04-17'}"
    return Delivery(
        _file("mediation", f"mediation-cases-{_label(year)}", extracted),
        "mediation",
        table_to_bytes([*rows, *bad], "\r\n"),
        len(rows) + len(bad),
        extracted,
        planted=len(bad),
        delivered_twice=0 if mended else len(rows) - 1,
    )


def _closed_case(
    year: int, number: int, outcome: str, chance: np.random.Generator, mended: bool
) -> Cells:
    closed = _day_of(year, chance)
    referred = closed - timedelta(20 + int(chance.integers(70)))
    late = not mended and (closed.year, closed.month) == (year + 1, 3)
    end = ("", "") if late else (_written(closed), outcome)
    return (_case(year, number), _written(referred), "Yes", *end, "Self")


def _case(year: int, number: int) -> str:
    return f"IM{year % 100:02d}-{number:03d}"


def _bad_cases(year: int, number: int) -> list[Cells]:
    """A case closed before it was referred; in the assessed year one closed without outcome too."""
    day, before = date(year, 9, 2), date(year, 5, 2)
    bad: list[Cells] = [
        (_case(year, number), _written(day), "Yes", _written(before), "Resolved", "Self")
    ]
    if _label(year) == ASSESSED:
        bad.append((_case(year, number + 1), _written(before), "Yes", _written(day), "", "Self"))
    return bad


# --- register of actions --------------------------------------------------------------------------

_ACTIONS = (
    *("Ref", "Kind", "Item", "Neighbourhood", "Due", "Status", "Date done", "Priorities agreed"),
    "Lead agency",
)
_PREVENT, _EVENT = "Prevent action", "Event"
_PREVENT_ACTIONS = (
    *("Training of school staff", "Training of housing staff", "Referral pathway reviewed"),
    *("Venue guidance issued", "Web filtering checked", "Faith forum held", "Risk profile agreed"),
    *("Further education network", "Communications plan", "Channel panel reviewed"),
    *("Safer recruitment guidance", "Annual report"),
)
_FIRST_PREVENT, _ALL_MEET, _TITLED_FROM = 2012, 2014, 2012
_PREVENT_DONE = {2012: 5, 2013: 6, 2014: 7, 2015: 10, 2016: 11}
_ARTSMARK = {2012: ("Silver", True), 2015: ("Gold", False), 2016: ("Gold", True)}
_EVENT_DAY, _EVENT_REGISTER = date(2015, 9, 16), 2014


def _register(seed: int, year: int, last: int) -> Delivery:
    """The register of 2014-15, kept until October, has the event of September 2015 already."""
    chance = stream(seed, _REGISTER, year)
    end = date(year + 1, 3, 31)
    actions: list[Cells] = [*_meetings(year, end, chance), *_prevent(year, end, chance)]
    if year in _ARTSMARK:
        level, gained = _ARTSMARK[year]
        done = ("Complete", _written(date(year, 7, 8))) if gained else ("In progress", "")
        actions.append(("Artsmark award", level, "", _written(end), *done, "", "Schools"))
    event = (_EVENT, "Prevent engagement event", "", *_held(_EVENT_DAY), "", "Police")
    early = year == _EVENT_REGISTER
    if early or year == _EVENT_REGISTER + 1:
        actions.append(event)
    bad = _bad_actions(end) if early else []
    rows = [(f"A{year % 100:02d}{at:02d}", *one) for at, one in enumerate([*actions, *bad], 1)]
    above = _above(year) if year >= _TITLED_FROM else []
    extracted = "2015-10-05" if early else f"{year + 1}-06-30"
    return Delivery(
        _file("partnership_action", f"partnership-register-{_label(year)}", extracted),
        "partnership_action",
        table_to_bytes([*above, _ACTIONS, *rows], "\r\n"),
        len(above) + 1 + len(rows),
        extracted,
        planted=len(bad),
        left_out=len(above) + 1,
        delivered_twice=1 if early and last > _EVENT_REGISTER else 0,
    )


def _above(year: int) -> list[Cells]:
    """A title, and how many neighbourhoods there are; the empty cells are a spreadsheet's."""
    title = f"Partnership register of actions {year}/{(year + 1) % 100:02d}"
    said = (title, f"Neighbourhoods in the area: {len(NEIGHBOURHOODS)}")
    return [(cell, *[""] * (len(_ACTIONS) - 1)) for cell in said]


def _held(day: date) -> tuple[str, str, str]:
    return _written(day), "Complete", _written(day)


def _meetings(year: int, end: date, chance: np.random.Generator) -> list[Cells]:
    """Every neighbourhood has meetings and three priorities since 2014-15."""
    lacking = max(0, _ALL_MEET - year)
    without = set(_dealt(chance, NEIGHBOURHOODS)[:lacking])
    rows: list[Cells] = []
    for place in NEIGHBOURHOODS:
        day = _written(_day_of(year, chance))
        done: Cells = ("Not started", "", 0) if place in without else ("Complete", day, 3)
        rows.append(
            ("PACT meetings", "Meetings of the year", place, _written(end), *done, "Police")
        )
    return rows


def _prevent(year: int, end: date, chance: np.random.Generator) -> list[Cells]:
    if year < _FIRST_PREVENT:
        return []
    done = set(_dealt(chance, _PREVENT_ACTIONS)[: _PREVENT_DONE[year]])
    rows: list[Cells] = []
    for action in _PREVENT_ACTIONS:
        day = _written(_day_of(year, chance))
        state = ("Complete", day) if action in done else ("In progress", "")
        rows.append((_PREVENT, action, "", _written(end), *state, "", "Council"))
    return rows


def _bad_actions(end: date) -> list[Cells]:
    """Complete without a day, and a neighbourhood's second row."""
    return [
        (_PREVENT, "Leaflet", "", _written(end), "Complete", "", "", "Council"),
        ("PACT meetings", "Meetings of the year", "Shirley", *_held(end), 3, "Police"),
    ]


# --- programme ------------------------------------------------------------------------------------

_PLACES = (
    *("Course", "Course start", "Completed (Y/N)", "Date completed"),
    "Progression within 3 months",
)
_PROGRESSED = ("Employment", "Education", "Training")
_COURSE_DAYS = ((4, 28), (9, 8), (1, 12))


def _programme(seed: int, year: int) -> Delivery:
    """About 100 attendees a year, of whom four in five complete the course."""
    chance = stream(seed, _PROGRAMME, year)
    attendees = 90 + int(chance.integers(20))
    rising = 0.60 + 0.012 * (year - 2009) + 0.02 * float(chance.random())
    progressed = _nearest(attendees, rising)
    followed = [_PROGRESSED[at % 3] for at in range(progressed)]
    followed += ["None" if at % 4 else "Not known" for at in range(attendees - progressed)]
    rows: list[Cells] = [_PLACES]
    for at, what in enumerate(_dealt(chance, followed)):
        completes = float(chance.random()) < (0.88 if what in _PROGRESSED else 0.66)
        rows.append(_place(year, at % len(_COURSE_DAYS), what, completes))
    bad: list[Cells] = []
    if _label(year) == ASSESSED:
        bad = [(*_place(year, 0, "None", True)[:3], "", "None")]
    extracted = f"{year + 1}-07-31"
    return Delivery(
        _file("programme", f"princes-trust-attendees-{_label(year)}", extracted),
        "programme",
        table_to_bytes([*rows, *bad], "\r\n"),
        len(rows) + len(bad),
        extracted,
        planted=len(bad),
    )


def _place(year: int, course: int, followed: str, completes: bool) -> Cells:
    month, day = _COURSE_DAYS[course]
    start = date(year + (month < 4), month, day)
    end = _written(start + timedelta(82)) if completes else ""
    number = f"PT-{(year - 2009) * 3 + course + 1:02d}"
    return (number, _written(start), "Y" if completes else "N", end, followed)


# --- test purchases -------------------------------------------------------------------------------

_TEST = ("Test ref", "Date of test", "Premises type", "Intelligence-led (Y/N)", "Sold (Y/N)")
_PREMISES = ("Off-licence", "Supermarket", "Convenience store", "Pub or bar")


def _tests(seed: int, year: int) -> Delivery:
    """Two of three tests follow intelligence; of those more are failed."""
    chance = stream(seed, _TESTS, year)
    tests = 60 + int(chance.integers(30))
    rows: list[Cells] = [
        (f"Test purchases of alcohol {year}/{(year + 1) % 100:02d}", "", "", "", ""),
        ("", "", "", "", ""),
        _TEST,
    ]
    for at in range(1, tests + 1):
        led = float(chance.random()) < 0.66
        sold = float(chance.random()) < (0.22 if led else 0.12)
        day, kind = _written(_day_of(year, chance)), _PREMISES[int(chance.integers(4))]
        rows.append((f"TP{year % 100}-{at:03d}", day, kind, "NY"[led], "NY"[sold]))
    bad: list[Cells] = []
    if _label(year) == ASSESSED:
        bad = [
            (f"TP{year % 100}-900", "31/06/2014", "Pub or bar", "N", "N"),
            (f"TP{year % 100}-901", "12/06/2014", "Petrol station", "N", "N"),
        ]
    extracted = f"{year + 1}-05-29"
    return Delivery(
        _file("test_purchase", f"test-purchases-{_label(year)}", extracted),
        "test_purchase",
        table_to_bytes([*rows, *bad], "\r\n"),
        len(rows) + len(bad),
        extracted,
        planted=len(bad),
        left_out=3,
    )


# --- Late Night Levy ------------------------------------------------------------------------------

_STATEMENT = (
    *("Levy year from", "Levy year to", "Levy income (£)", "Administration costs (£)"),
    *("Paid to the Police and Crime Commissioner (£)", "Kept by the council (£)"),
    *("Report published (Y/N)", "Date of report"),
)
_FIRST_LEVY = 2014


def _levy(seed: int, last: int) -> Delivery:
    """Levy years from November; the first one's report is there, whatever the sample's last year:
    it is what the assessment promised."""
    rows: list[Cells] = [_STATEMENT]
    for year in range(_FIRST_LEVY, max(_FIRST_LEVY, last - 1) + 1):
        chance = stream(seed, _LEVY, year)
        income, costs = 142_000 + int(chance.integers(16_000)), 11_000 + int(chance.integers(2_000))
        police = (income - costs) * 7 // 10 + 1
        span = (_written(date(year, 11, 1)), _written(date(year + 1, 10, 31)))
        shares = (f"{income:,}", f"{costs:,}", f"{police:,}", f"{income - costs - police:,}")
        rows.append((*span, *shares, "Y", _written(date(year + 2, 1, 29))))
    extracted = f"{max(_FIRST_LEVY, last - 1) + 2}-02-12"
    return Delivery(
        _file("late_night_levy", "late-night-levy", extracted),
        "late_night_levy",
        table_to_bytes(rows, "\r\n"),
        len(rows),
        extracted,
    )


# --- emerging issues ------------------------------------------------------------------------------

# Issue, how many a quarter at first, and how many more each year as recording improves; invented.
_RECORDED = {
    "Missing, exploited and trafficked children": (58, 6),
    "Modern slavery": (1, 1),
    "Female genital mutilation": (0, 1),
    "Honour-based violence": (7, 2),
}
_FEWEST_SHOWN = 5


def _issues(seed: int, years: Sequence[int]) -> Delivery:
    """One table of all quarters, made anew each year."""
    extracted = date(years[-1] + 1, 5, 12)
    rows: list[Cells] = [
        ("Safeguarding partners: emerging issues, synthetic", "", ""),
        (f"Extracted: {_written(extracted)}", "", ""),
        ("", "", ""),
        ("Quarter", "Issue", "Recorded"),
    ]
    rows += [row for year in years for quarter in range(1, 5) for row in _of(seed, year, quarter)]
    bad: list[Cells] = [("Q5 2014/15", "Modern slavery", 6), ("Q4 2014/15", "Forced marriage", 7)]
    note: Cells = ("* fewer than 5 are not shown", "", "")
    return Delivery(
        f"emerging_issue/synthetic-southampton-emerging-issues-{_label(years[-1])}.csv",
        "emerging_issue",
        table_to_bytes([*rows, *bad, note], "\r\n"),
        len(rows) + len(bad) + 1,
        extracted.isoformat(),
        planted=len(bad),
        left_out=5,
    )


def _of(seed: int, year: int, quarter: int) -> list[Cells]:
    rows: list[Cells] = []
    for number, (issue, (first, more)) in enumerate(_RECORDED.items()):
        chance = stream(seed, _ISSUES, year, quarter, number)
        count = first + more * (year - 2009) + int(chance.integers(first // 4 + 3))
        shown = "*" if 0 < count < _FEWEST_SHOWN else count
        rows.append((f"Q{quarter} {year}/{(year + 1) % 100:02d}", issue, shown))
    return rows

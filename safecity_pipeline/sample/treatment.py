"""Synthetic report tables of drug and alcohol treatment, in the form of NDTMS.

Here: clients in treatment and those who completed it, by area, substance group and rolling twelve
months, `*` below five; calibrated so that in 2014/15 the city's alcohol clients complete in 47 %
and England's in 38 %. Earlier years are one plain download, later ones a report each, with titles
and notes; the newest report was sent in autumn too, three of its four periods, with a few
completions fewer. A few rows of Portsmouth are wrong on purpose.
Not here: areas and their sizes (`upper_tier`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import ASSESSED, FIRST_YEAR, Plan
from safecity_pipeline.sample.upper_tier import AREAS, AUTHORITY, CHILDREN, COUNTRY, Area

FOLDER = "treatment/synthetic-ndtms-"
DOWNLOAD_TO = 2012
_STREAM, _AREA_STREAM = 250, 251
_CITY, _ENGLAND, _SPOILT = "Southampton", "England", "Portsmouth"
_AREAS = tuple(area for area in AREAS if area.level in (COUNTRY, AUTHORITY))
_FEWEST = 5
_HIDDEN = "*"
DOWNLOAD_HEAD = (
    *("Area", "Drug group", "Period", "Numerator", "Denominator", "Rate", "National rate"),
)
REPORT_HEAD = (
    *("Local authority", "Substance group", "Rolling 12 months"),
    *("Completed and did not re-present (n)", "All in treatment (n)"),
    *("Completed and did not re-present (%)", "England (%)", "Direction of travel"),
)
_TITLES = (
    "National Drug Treatment Monitoring System (invented figures)",
    "Clients who completed treatment and did not re-present within six months",
    "Adults aged 18 and over; rolling twelve months by the day of their end",
)
_NOTES = (
    "Note: * stands for numbers below five and for what would tell them.",
    "A client is in one substance group.",
)


@dataclass(frozen=True)
class Group:
    """A substance group: its names in both forms, clients in treatment per 1,000 children of an
    area (which says how large it is), and the share that completes in 2014-15, in England and in
    the city."""

    name: str
    plural: str
    per_thousand: float
    england: float
    city: float
    yearly: float


_GROUPS = (
    Group("Opiate", "Opiates", 31, 0.075, 0.083, -0.002),
    Group("Non-opiate only", "Non-opiates only", 5, 0.395, 0.412, 0.004),
    Group("Alcohol only", "Alcohol only", 20, 0.38, 0.47, 0.012),
    Group("Alcohol and non-opiate", "Alcohol and non-opiates", 6, 0.36, 0.371, 0.006),
)
_QUARTERS = ((6, 30), (9, 30), (12, 31), (3, 31))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Rolling:
    """Twelve months that end with a quarter of the financial year that begins in `year`."""

    year: int
    quarter: int

    @property
    def ends(self) -> tuple[int, int, int]:
        month, day = _QUARTERS[self.quarter]
        return self.year + (self.quarter == 3), month, day

    @property
    def by_end(self) -> str:
        year, month, day = self.ends
        return f"to {day}/{month:02d}/{year}"

    @property
    def by_both(self) -> str:
        year, month, _ = self.ends
        first = year - (month < 12)
        return f"{_MONTHS[month % 12]} {first % 100:02d} to {_MONTHS[month - 1]} {year % 100:02d}"


@dataclass(frozen=True)
class Figure:
    """One row before it is printed."""

    area: str
    group: Group
    rolling: Rolling
    completed: int
    in_treatment: int
    england: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        hidden = self.completed < _FEWEST
        return (
            _HIDDEN if hidden else str(self.completed),
            _HIDDEN if self.in_treatment < _FEWEST else str(self.in_treatment),
            _HIDDEN if hidden else _percent(self.completed, self.in_treatment),
            self.england,
        )


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the download, a report for each later year, and the report sent too early."""
    years = [int(year[:4]) for year in plan.years]
    made = [_download(plan, [year for year in years if year <= DOWNLOAD_TO])]
    made += [_report(plan, year) for year in years if year > DOWNLOAD_TO]
    return [*made, _early(plan, int(ASSESSED[:4]))]


def figures(plan: Plan, year: int, quarters: Sequence[int] = range(4)) -> Iterator[Figure]:
    """Every area, group and rolling twelve months that end in a financial year."""
    for quarter in quarters:
        for number, group in enumerate(_GROUPS):
            made = [_counts(plan, area, number, year, quarter) for area in _AREAS]
            england = _percent(*made[0])
            for area, (completed, of) in zip(_AREAS, made, strict=True):
                yield Figure(area.name, group, Rolling(year, quarter), completed, of, england)


def _counts(plan: Plan, area: Area, number: int, year: int, quarter: int) -> tuple[int, int]:
    """Clients who complete and clients in treatment."""
    group, at = _GROUPS[number], _AREAS.index(area)
    chance = stream(plan.seed, _STREAM, year, quarter, number, at)
    size = area.total(CHILDREN) / 1_000 * group.per_thousand
    of = int(size * (0.985 + 0.03 * float(chance.random())) + float(chance.random()))
    ago = int(ASSESSED[:4]) - year + (3 - quarter) / 4
    share = _share(plan, area, number) - group.yearly * ago
    # By chance a little more or less, but for the year that the assessment speaks of.
    moved = 0.02 * share * (float(chance.random()) - 0.5) if ago > 0 else 0.0
    return round(of * (share + moved)), of


def _share(plan: Plan, area: Area, number: int) -> float:
    group = _GROUPS[number]
    if area.name in (_CITY, _ENGLAND):
        return group.city if area.name == _CITY else group.england
    level = float(stream(plan.seed, _AREA_STREAM, _AREAS.index(area), number).random())
    return group.england * (0.82 + 0.36 * level)


def _percent(completed: int, of: int) -> str:
    """To one decimal, halves up."""
    tenths = (2_000 * completed + of) // (2 * of) if of else 0
    return f"{tenths // 10}.{tenths % 10}"


# --- files ----------------------------------------------------------------------------------------


def _download(plan: Plan, years: Sequence[int]) -> Delivery:
    rows: list[Sequence[str]] = [DOWNLOAD_HEAD]
    planted = 0
    for figure in (one for year in years for one in figures(plan, year)):
        row = [figure.area, figure.group.plural, figure.rolling.by_both, *figure.cells]
        planted += _spoil(row, figure)
        rows.append(row)
    file = f"{FOLDER}{FIRST_YEAR}-to-{DOWNLOAD_TO + 1}.csv"
    content = table_to_bytes(rows, "\n")
    return Delivery(file, "treatment", content, len(rows), "2013-11-14", planted=planted)


def _spoil(row: list[str], figure: Figure) -> int:
    """Spoil some rows of Portsmouth in the year's last period, one a year in turn of three ways."""
    turn = figure.rolling.year - FIRST_YEAR
    is_meant = figure.group is _GROUPS[turn % 4] and figure.rolling.quarter == 3
    if figure.area != _SPOILT or not is_meant:
        return 0
    if turn % 3 == 0:
        row[5] = f"{float(row[5]) + 3:.1f}"
    elif turn % 3 == 1:
        row[3:6] = [row[4], row[3], "-"]
    else:
        row[2] = row[2].replace("Mar", "Feb").replace("31/03", "28/02").replace("to 28", "to 27")
    return 1


def _report(plan: Plan, year: int) -> Delivery:
    made = list(figures(plan, year))
    rows = [_reported(figure) for figure in made]
    planted = sum(_spoil(row, figure) for row, figure in zip(rows, made, strict=True))
    name = f"completions-{year}-{(year + 1) % 100:02d}.csv"
    return _titled(name, rows, f"{year + 1}-11-12", planted=planted)


def _early(plan: Plan, year: int) -> Delivery:
    """Three periods of the report, which sends them again: late records were still missing."""
    rows = []
    for figure in figures(plan, year, range(3)):
        fewer = figure.completed - figure.completed // 50 * (figure.area != _ENGLAND)
        late = Figure(
            *(figure.area, figure.group, figure.rolling, fewer),
            *(figure.in_treatment, figure.england),
        )
        rows.append(_reported(late))
    name = f"completions-{year}-{(year + 1) % 100:02d}-to-december.csv"
    return _titled(name, rows, f"{year + 1}-08-13", delivered_twice=len(rows))


def _reported(figure: Figure) -> list[str]:
    row = [figure.area, figure.group.name, figure.rolling.by_end, *figure.cells]
    return [*row, "" if figure.area == _ENGLAND else "-"]


def _titled(
    name: str,
    data: Sequence[Sequence[str]],
    published_on: str,
    planted: int = 0,
    delivered_twice: int = 0,
) -> Delivery:
    above = [*([title] for title in _TITLES), [], REPORT_HEAD]
    below = [[], *([note] for note in _NOTES)]
    rows = [*above, *data, *below]
    return Delivery(
        FOLDER + name,
        "treatment",
        table_to_bytes(rows, "\r\n"),
        len(rows),
        published_on,
        planted=planted,
        delivered_twice=delivered_twice,
        left_out=len(above) + len(below),
        vouched=len(data),
    )

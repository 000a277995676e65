"""Synthetic Youth Data Summaries in the form of the Youth Justice Board's quarterly workbook.

Here: workbooks of year-end quarters with three sheets of figures: titles, a head of two rows whose
first is merged over the twelve months, a row a team, the family's, the region's and the country's
figure beside the team's own. Each brings the year before too, so that of the older years every
other workbook was kept; of the last two both were, and what is printed of the year before the last
is not quite what was printed first. Two rows are wrong: a team that stands twice under use of
custody, and a reoffending rate ten times too large, in the oldest workbook and the next. Not here:
the counts (`youth_service`), and how a workbook is written (`workbook`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from safecity_pipeline.sample import workbook, youth_service
from safecity_pipeline.sample.delivery import Delivery, stream
from safecity_pipeline.sample.plan import FIRST_YEAR, Plan
from safecity_pipeline.sample.workbook import Sheet
from safecity_pipeline.sample.youth_service import CHILDREN, SOUTHAMPTON

FILE = "youth_summary/synthetic-youth-data-summary-{}-Q4.xlsx"
STANDS_TWICE, TEN_TIMES_TOO_LARGE = "Luton", "Derby"
NOT_AVAILABLE = "-"
_NO_FREQUENCY = "Slough"
_REVISION, _COHORT, _AGAIN = 320, 321, 322
_TEAMS = tuple(CHILDREN)
_FAMILY = 5  # the teams after it in the list
_HEAD_ROW, _FIRST_ROW = 6, 8
_COHORT_YEARS_BACK = 2

Cell = str | int | float
Cells = dict[tuple[int, int], Cell]
Numbers = Mapping[str, int]


@dataclass(frozen=True)
class Rates:
    """A sheet of a count and its rate. `per` and `decimals`: of the rate as printed."""

    sheet: str
    title: str
    number: str
    rate: str
    per: int
    decimals: int
    counts: Callable[[int, int], Numbers]


_ENTRANTS = Rates(
    "FTE (PNC)",
    "First time entrants to the youth justice system (Police National Computer)",
    "Number of first time entrants",
    "Rate per 100,000 aged 10-17",
    100_000,
    0,
    youth_service.entrants,
)
_CUSTODY = Rates(
    "Use of Custody",
    "Use of custody",
    "Number of custodial sentences",
    "Rate per 1,000 aged 10-17",
    1_000,
    2,
    youth_service.custody,
)
_REOFFENDING = (
    *("Number in the cohort", "Number of reoffenders", "Number of reoffences"),
    *("Binary rate (%)", "Frequency rate"),
)
_NOTES = ("Notes", "Every figure of this workbook is invented.", "- not available")


@dataclass(frozen=True)
class Edition:
    """The workbook of a financial year's last quarter, and what is odd in it: a team that stands
    twice, a rate ten times too large, first-time entrants of whom some were found later."""

    seed: int
    year: int
    twice: bool
    too_large: bool
    not_all_found: bool


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the last two workbooks, and of those before every other one."""
    kept = sorted([plan.years[-1], *plan.years[-2::-2]])
    return [
        _summary(Edition(plan.seed, int(label[:4]), at == 0, at == 1, at == len(kept) - 2), label)
        for at, label in enumerate(kept)
    ]


def _summary(edition: Edition, label: str) -> Delivery:
    notes = Sheet("Notes", {(row, 1): note for row, note in enumerate(_NOTES, 1)})
    figures = [_rates(edition, _ENTRANTS), _rates(edition, _CUSTODY), _again(edition)]
    sheets = (notes, *figures)
    rows = sum(sheet.rows for sheet in sheets)
    data = sum(_data_rows(sheet) for sheet in figures)
    return Delivery(
        FILE.format(label),
        "youth_summary",
        workbook.to_bytes(sheets),
        rows,
        f"{edition.year + 1}-09-{10 + edition.year % 5}",
        planted=edition.twice + edition.too_large,
        left_out=rows - data,
        vouched=data,
    )


def _data_rows(sheet: Sheet) -> int:
    return sum(column == 1 and value in CHILDREN for (_, column), value in sheet.cells.items())


def _span(year: int) -> str:
    return f"Apr {year} - Mar {year + 1}"


# --- a count and its rate ------------------------------------------------------------------------


def _rates(edition: Edition, kind: Rates) -> Sheet:
    cells, merged = _top(kind.title, edition.year)
    heads = [kind.number, kind.rate, "Change in rate (%)", "Family average rate"]
    heads += ["Region or PCC area rate", "England and Wales rate"]
    merged += _head(cells, 2, _span(edition.year), heads)
    merged += _head(cells, 2 + len(heads), _span(edition.year - 1), (kind.number, kind.rate))
    now, before = kind.counts(edition.seed, edition.year), _before(edition, kind)
    if kind is _ENTRANTS and edition.not_all_found:
        now = {team: number - _found_later(edition, team) for team, number in now.items()}
    teams = [*_TEAMS]
    if kind is _CUSTODY and edition.twice:
        teams.insert(teams.index(STANDS_TWICE), STANDS_TWICE)
    for row, team in enumerate(teams, _FIRST_ROW):
        for column, value in enumerate(_row(kind, team, now, before), 1):
            cells[row, column] = value
    return _closed(kind.sheet, cells, _FIRST_ROW + len(teams), merged)


def _row(kind: Rates, team: str, now: Numbers, before: Numbers) -> list[Cell]:
    """A team's row; its change is made from the rates as printed."""
    rate, earlier = _rate(kind, [team], now), _rate(kind, [team], before)
    change: Cell = round(100 * (rate / earlier - 1), 1) if earlier else NOT_AVAILABLE
    beside = [_rate(kind, others, now) for others in _beside(team)]
    return [team, now[team], rate, change, *beside, before[team], earlier]


def _rate(kind: Rates, teams: Sequence[str], counts: Numbers) -> int | float:
    total = sum(counts[team] for team in teams)
    rate = kind.per * total / sum(CHILDREN[team] for team in teams)
    return round(rate, kind.decimals) if kind.decimals else round(rate)


def _beside(team: str) -> tuple[Sequence[str], ...]:
    """Who stands for the family, the region and the country."""
    place = _TEAMS.index(team)
    circle = [*_TEAMS[place + 1 :], *_TEAMS[:place]]
    return circle[:_FAMILY], [team, *circle[-3:]], _TEAMS


def _before(edition: Edition, kind: Rates) -> Numbers:
    if edition.year > FIRST_YEAR:
        return kind.counts(edition.seed, edition.year - 1)
    first = kind.counts(edition.seed, edition.year)
    return {team: number * 11 // 10 for team, number in first.items()}


def _found_later(edition: Edition, team: str) -> int:
    """First-time entrants that are lacking where a year is published first."""
    chance = stream(edition.seed, _REVISION, _TEAMS.index(team), edition.year)
    return int(chance.integers(1, 4))


# --- reoffending ---------------------------------------------------------------------------------


def _again(edition: Edition) -> Sheet:
    cells, merged = _top("Reoffending within twelve months", edition.year)
    cohort = edition.year - _COHORT_YEARS_BACK
    heads = [*_REOFFENDING, "Change in binary rate (% points)", "Family average binary rate (%)"]
    heads += ["Region or PCC area binary rate (%)", "England and Wales binary rate (%)"]
    merged += _head(cells, 2, _span(cohort), heads)
    merged += _head(cells, 2 + len(heads), _span(cohort - 1), _REOFFENDING)
    for row, team in enumerate(_TEAMS, _FIRST_ROW):
        for column, value in enumerate(_row_of_reoffending(edition, team, cohort), 1):
            cells[row, column] = value
    return _closed("Reoffending", cells, _FIRST_ROW + len(_TEAMS), merged)


def _row_of_reoffending(edition: Edition, team: str, cohort: int) -> list[Cell]:
    seed = edition.seed
    now, before = _offenders(seed, team, cohort), _offenders(seed, team, cohort - 1)
    rate, earlier = _binary(now), _binary(before)
    beside = [_binary(_together(seed, others, cohort)) for others in _beside(team)]
    wrong = edition.too_large and team == TEN_TIMES_TOO_LARGE
    printed = round(10 * rate, 1) if wrong else rate
    hidden = edition.not_all_found and team == _NO_FREQUENCY
    frequency: Cell = NOT_AVAILABLE if hidden else round(now[2] / now[0], 2)
    change = round(rate - earlier, 1)
    last = [*before, earlier, round(before[2] / before[0], 2)]
    return [team, *now, printed, frequency, change, *beside, *last]


def _offenders(seed: int, team: str, cohort: int) -> tuple[int, int, int]:
    """Cohort, reoffenders and reoffences of the financial year that begins in `cohort`."""
    chance = stream(seed, _COHORT, _TEAMS.index(team), cohort)
    level = 1.4 if team == SOUTHAMPTON else 0.7 + 0.5 * float(chance.random())
    size = int(CHILDREN[team] * 0.011 * level * 0.9 ** (cohort - FIRST_YEAR)) + 20
    share = 0.35 + 0.1 * float(stream(seed, _AGAIN, _TEAMS.index(team)).random())
    again = int(size * share + float(chance.random()))
    return size, again, int(again * (2.6 + 0.5 * float(chance.random())))


def _together(seed: int, teams: Sequence[str], cohort: int) -> tuple[int, int, int]:
    found = [_offenders(seed, team, cohort) for team in teams]
    size, again, offences = (sum(part) for part in zip(*found, strict=True))
    return size, again, offences


def _binary(offenders: tuple[int, int, int]) -> float:
    return round(100 * offenders[1] / offenders[0], 1)


# --- what every sheet has ------------------------------------------------------------------------


def _top(title: str, year: int) -> tuple[Cells, list[str]]:
    cells: Cells = {
        (1, 1): "Youth Data Summary",
        (2, 1): title,
        (3, 1): f"Quarter 4 of {year}/{(year + 1) % 100:02d}: twelve months to March {year + 1}",
        (4, 1): "Restricted until published. Invented",
        (_HEAD_ROW, 1): "Youth offending team",
    }
    return cells, [f"A{_HEAD_ROW}:A{_HEAD_ROW + 1}"]


def _head(cells: Cells, column: int, over: str, heads: Sequence[str]) -> list[str]:
    """Write a group of heads; return the cells that are merged over it."""
    cells[_HEAD_ROW, column] = over
    for place, head in enumerate(heads, column):
        cells[_HEAD_ROW + 1, place] = head
    first, last = (chr(ord("A") + at - 1) for at in (column, column + len(heads) - 1))
    return [f"{first}{_HEAD_ROW}:{last}{_HEAD_ROW}"]


def _closed(name: str, cells: Cells, row: int, merged: Sequence[str]) -> Sheet:
    cells[row + 1, 1] = "Source: invented"
    cells[row + 2, 1] = "Teams are those of April 2014."
    return Sheet(name, cells, merged)

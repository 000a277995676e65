"""Synthetic returns of perpetrators in programmes, by the Probation Trust and the company after it.

Here: perpetrators identified, referred, beginning and completing by local authority and quarter,
`<5` for small numbers; the Trust's years are one file, the company's a file each, and 2014/15 was
extracted twice, the first time with fewer. Two rows are wrong on purpose, none of the city's.
Not here: offenders and arrests as the police have them.
"""

from collections.abc import Sequence

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import ASSESSED, FIRST_YEAR, Plan

FILE = "perpetrator_programme/synthetic-hampshire-{}-perpetrators-{}-extracted-{}.csv"
TRUST, COMPANY, LAST_OF_TRUST = "probation-trust", "crc", 2013
TRUST_HEAD = (
    *("Team", "Area", "Period", "DV perpetrators", "Referrals to IDAP", "IDAP commencements"),
    "IDAP completions",
)
COMPANY_HEAD = (
    *("LDU", "Local authority", "Quarter", "DA perpetrators identified", "Referred to BBR"),
    *("Started BBR", "Completed BBR"),
)
_STREAM = 280
# Perpetrators identified a quarter in 2014-15, by local delivery unit and authority; invented.
_AREAS = {
    "Southampton": ("Southampton and Eastleigh", 190),
    "Eastleigh": ("Southampton and Eastleigh", 44),
    "Portsmouth": ("Portsmouth", 165),
    "New Forest": ("New Forest", 52),
}
_SPOILT = "New Forest"
_FEWEST = 5
_QUARTERS = ("Apr-Jun", "Jul-Sep", "Oct-Dec", "Jan-Mar")
_LATER = (0.12, 0.14)
"""Share of the identified who begin a programme, to 2014-15 and after it."""


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the Trust's file, one for each year of the company, and its first of 2014-15."""
    years = [int(year[:4]) for year in plan.years]
    assessed = int(ASSESSED[:4])
    of_trust = [year for year in years if year <= LAST_OF_TRUST]
    first = _delivery(plan, [assessed], f"{assessed + 1}-04-17", first=True)
    later = [_delivery(plan, [year], f"{year + 1}-05-08") for year in years if year not in of_trust]
    return [_delivery(plan, of_trust, f"{LAST_OF_TRUST + 1}-05-09"), *later, first]


def _delivery(plan: Plan, years: Sequence[int], extracted_on: str, first: bool = False) -> Delivery:
    of_trust = years[0] <= LAST_OF_TRUST
    rows: list[list[str]] = []
    planted = 0
    for year in years:
        of_year = [
            row
            for number, area in enumerate(_AREAS)
            for row in _rows(plan, year, number, area, fewer=first)
        ]
        planted += 0 if first else _spoil(of_year, year)
        rows += of_year
    last = f"-to-{_year(years[-1])}" if len(years) > 1 else ""
    supplier = TRUST if of_trust else COMPANY
    content = table_to_bytes([TRUST_HEAD if of_trust else COMPANY_HEAD, *rows], "\r\n")
    return Delivery(
        FILE.format(supplier, f"{_year(years[0])}{last}", extracted_on),
        "perpetrator_programme",
        content,
        len(rows) + 1,
        extracted_on,
        planted=planted,
        delivered_twice=len(rows) if first else 0,
    )


def _year(year: int) -> str:
    return f"{year}-{(year + 1) % 100:02d}"


def _rows(plan: Plan, year: int, number: int, area: str, *, fewer: bool) -> list[list[str]]:
    unit, identified = _AREAS[area]
    rows = []
    for quarter in range(4):
        chance = stream(plan.seed, _STREAM, number, year, quarter)
        grown = 1 + 0.05 * (year - int(ASSESSED[:4]))
        found = round(identified * grown * (0.9 + 0.2 * float(chance.random())))
        begin = _LATER[year > int(ASSESSED[:4])] * (0.85 + 0.3 * float(chance.random()))
        engaged = round(found * begin)
        referred = round(engaged * (1.3 + 0.2 * float(chance.random())))
        completed = round(engaged * (0.5 + 0.2 * float(chance.random())))
        found -= found // 20 * fewer
        cells = [_cell(count) for count in (found, referred, engaged, completed)]
        rows.append([unit, area, _label(year, quarter), *cells])
    return rows


def _cell(count: int) -> str:
    return f"<{_FEWEST}" if 0 < count < _FEWEST else str(count)


def _label(year: int, quarter: int) -> str:
    if year <= LAST_OF_TRUST:
        return f"Q{quarter + 1} {year}/{(year + 1) % 100:02d}"
    return f"{_QUARTERS[quarter]} {year + (quarter == 3)}"


def _spoil(rows: Sequence[list[str]], year: int) -> int:
    """Spoil a row of New Forest in two of the years: more referred than identified, and no area."""
    row = next(row for row in rows if row[1] == _SPOILT)
    if year == FIRST_YEAR + 1:
        row[4] = str(int(row[3]) + 9)
    elif year == FIRST_YEAR + 4:
        row[1] = "Waterside"
    else:
        return 0
    return 1

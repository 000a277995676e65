"""Synthetic outcomes of looked-after children: invented counts, and the CSVs that print them bare.

Here: the counts by leaf of `upper_tier` and year, their rounding and `x`, and a file for each year
but that of the workbook, authorities exact and wider areas rounded to ten. Up to 2013 in the form
of the underlying data of 2012: codes and names in seven columns, names with blanks behind them,
thousands with commas. From 2015 in the form of 2015: one code and one name, regions in capitals,
questionnaires for children aged 5 to 16.
Not here: the workbook made of 2014's counts (`looked_after_workbook`).
"""

from collections.abc import Sequence
from functools import cache

from safecity_pipeline.sample.delivery import Delivery, table_to_bytes
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.upper_tier import (
    AREAS,
    AUTHORITY,
    COUNTRY,
    HALF,
    LOOKED_AFTER,
    REGION,
    Area,
    drawn,
)

FILE = "looked_after_children/synthetic-SFR32_{}_OC2_LA_Tables_UD.csv"
LATER_FILE = "looked_after_children/synthetic-SFR34_OC2{}.csv"
YEAR, OF_THE_WORKBOOK = 2012, 2014
SUPPRESSED = "x"
MOST_SUPPRESSED = 5
_FIRST_YEAR = 2010
_ALL, _FIRST_MEASURE = 9, 10
# Convicted among those aged 10 and over, in per cent, by year.
_CONVICTED = (7.9, 7.3, 6.9, 6.2, 5.6, 5.2, 5.0, 4.6, 4.0, 3.6)

# Measure: what it is a part of, and its share of that.
_SHARES = {
    "aged_10_and_over": ("looked_after_12_months", 0.64),
    "convicted": ("aged_10_and_over", 0.0),
    "substance_misuse": ("looked_after_12_months", 0.037),
    "substance_intervention": ("substance_misuse", 0.57),
    "aged_5_and_under": ("looked_after_12_months", 0.18),
    "development_assessed": ("aged_5_and_under", 0.84),
    "immunised": ("looked_after_12_months", 0.85),
    "teeth_checked": ("looked_after_12_months", 0.84),
    "health_assessed": ("looked_after_12_months", 0.87),
    "year_11_leavers": ("looked_after_12_months", 0.12),
    "in_education": ("year_11_leavers", 0.70),
    "in_work": ("year_11_leavers", 0.07),
    "in_part_time": ("year_11_leavers", 0.06),
    "unemployed": ("year_11_leavers", 0.16),
    "aged_4_to_16": ("looked_after_12_months", 0.74),
    "sdq_scored": ("aged_4_to_16", 0.69),
    "sdq_normal": ("sdq_scored", 0.50),
}
_SPREADS = {"convicted": 0.5, "substance_misuse": 0.4}
# {0} stands for the year, {1} for the one before.
_COLUMNS = {
    "CLA_12_months_{0}": "looked_after_12_months",
    "CLA_12_months_{0}_10plus": "aged_10_and_over",
    "CLA_12_months_{0}_5under": "aged_5_and_under",
    "caution_conviction": "convicted",
    "substance_misuse": "substance_misuse",
    "substance_intervention": "substance_intervention",
    "refused_intervention": "substance_refused",
    "dev_assess": "development_assessed",
    "immunisations": "immunised",
    "teeth_check": "teeth_checked",
    "health_assess": "health_assessed",
    "year11_{1}": "year_11_leavers",
    "ft_ed": "in_education",
    "ft_emp": "in_work",
    "pt_emp_ed": "in_part_time",
    "unemp": "unemployed",
    "SDQ_score_rec": "sdq_scored",
    "elig_SDQ": "aged_4_to_16",
    "SDQ_normal": "sdq_normal",
    "SDQ_borderline": "sdq_borderline",
    "SDQ_concern": "sdq_concern",
}
HEAD = (
    *("country_code", "country_name", "gor_code", "gor_name", "la_code", "la_9digit", "la_name"),
    *_COLUMNS,
)
_LATER_COLUMNS = {
    "CLA_12mths": "looked_after_12_months",
    "CLA_10over": "aged_10_and_over",
    "CLA_convicted": "convicted",
    "CLA_submisuse": "substance_misuse",
    "CLA_subint": "substance_intervention",
    "CLA_suboffint": "substance_refused",
    "CLA_immunisation": "immunised",
    "CLA_teethcheck": "teeth_checked",
    "CLA_healthassmt": "health_assessed",
    "CLA_5under": "aged_5_and_under",
    "CLA_devassmt": "development_assessed",
    "CLA_5to16": "aged_5_to_16",
    "CLA_SDQ": "sdq_scored",
    "CLA_SDQnormal": "sdq_normal",
    "CLA_SDQborderline": "sdq_borderline",
    "CLA_SDQconcern": "sdq_concern",
}
LATER_HEAD = ("New_geog_code", "geog_l", "geog_c", "geog_n", *_LATER_COLUMNS)
_LETTERS = {
    "North East": "A",
    "North West": "B",
    "Yorkshire and the Humber": "D",
    "East Midlands": "E",
    "West Midlands": "F",
    "East of England": "G",
    "London": "H",
    "South East": "J",
    "South West": "K",
}
_SPELT = {
    "Yorkshire and the Humber": "Yorks & the Humber ",
    "North East": "North East ",
    "London": "London ",
    "Outer London": "Outer London ",
}


@cache
def figures(seed: int, year: int) -> dict[str, list[int]]:
    """Return measure → one number for each leaf, of the year that ended on 31 March of `year`."""
    grown = 1 + 0.012 * (year - YEAR)
    # Of twice the usual number, so that there may be more than usual too.
    twice = [2 * number for number in LOOKED_AFTER]
    made = {"looked_after_12_months": drawn(seed, _ALL, year, twice, grown / 2, 0.06)}
    for number, (measure, (whole, share)) in enumerate(_SHARES.items()):
        part = _CONVICTED[year - _FIRST_YEAR] / 100 if measure == "convicted" else share
        spread = _SPREADS.get(measure, 0.1)
        made[measure] = drawn(seed, _FIRST_MEASURE + number, year, made[whole], part, spread)
    made["aged_5_to_16"] = [of * 19 // 20 for of in made["aged_4_to_16"]]
    made["substance_refused"] = _rest(made, "substance_misuse", "substance_intervention", 3)
    made["sdq_borderline"] = _rest(made, "sdq_scored", "sdq_normal", 1)
    scored = zip(made["sdq_scored"], made["sdq_normal"], made["sdq_borderline"], strict=True)
    made["sdq_concern"] = [of - normal - borderline for of, normal, borderline in scored]
    return made


def _rest(made: dict[str, list[int]], whole: str, part: str, quarters: int) -> list[int]:
    """Return so many quarters of what `part` leaves of `whole`."""
    pairs = zip(made[whole], made[part], strict=True)
    return [(of - some) * quarters // 4 for of, some in pairs]


def rounded(number: int, step: int) -> int:
    """Return `number` to the nearest multiple of `step`, halves upward."""
    return (2 * number + step) // (2 * step) * step


def deliveries(plan: Plan) -> list[Delivery]:
    """Return a CSV for each year that ends with one of the plan's, but for the workbook's."""
    ends = [int(year[:4]) + 1 for year in plan.years]
    return [_year(plan.seed, year) for year in ends if year != OF_THE_WORKBOOK]


def _year(seed: int, year: int) -> Delivery:
    """England and its regions first, then the authorities."""
    made = figures(seed, year)
    wide = [area for area in AREAS if area.level != AUTHORITY]
    authorities = [area for area in AREAS if area.level == AUTHORITY]
    if year < OF_THE_WORKBOOK:
        file, head, named = FILE, [cell.format(year, year - 1) for cell in HEAD], _names
        columns, printed = _COLUMNS, "{:,}"
    else:
        file, head, named = LATER_FILE, [*LATER_HEAD], _later_names
        columns, printed = _LATER_COLUMNS, "{}"
    rows: list[Sequence[str | int]] = [head]
    for area in (*wide, *authorities):
        numbers = [area.total(made[measure]) for measure in columns.values()]
        rows.append((*named(area), *(_cell(area, number, printed) for number in numbers)))
    content = table_to_bytes(rows, "\r\n")
    return Delivery(file.format(year), "looked_after_children", content, len(rows), f"{year}-12-12")


def _later_names(area: Area) -> tuple[str, ...]:
    """London's halves have London's code."""
    if area.level == AUTHORITY:
        return (area.code, "LA", area.dfe_number, area.name)
    if area.level == COUNTRY:
        return (area.code, "NATIONAL", "999", area.name.upper())
    code = next(one.code for one in AREAS if one.level == REGION and one.name == area.region)
    return (code, "REGION", _LETTERS[area.region], area.name.upper())


def _names(area: Area) -> tuple[str, ...]:
    country = ("921", "England")
    if area.level == COUNTRY:
        return (*country, "", "", "", "", "")
    if area.level == HALF:
        return (*country, "", _SPELT.get(area.name, area.name), "", "", "")
    region = (_LETTERS[area.region], _SPELT.get(area.region, area.region))
    if area.level == REGION:
        return (*country, *region, "", "", "")
    return (*country, *region, area.dfe_number, area.code, area.name)


def _cell(area: Area, number: int, printed: str) -> str:
    if area.level != AUTHORITY:
        return printed.format(rounded(number, 10))
    return SUPPRESSED if 0 < number <= MOST_SUPPRESSED else str(number)

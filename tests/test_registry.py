"""What is declared is read strictly: a slip is refused, named by file and entry, with a repair.

Here: the loaders of indicators and layouts. Not here: areas and peers (`test_areas`), what the
declarations compute (`test_measure`).
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from safecity_pipeline import registry, settings, sources
from safecity_pipeline.model import Indicator, Layout, Refused
from safecity_pipeline.registry import indicators, layouts

INDICATOR = """
[thefts]
title = "Thefts per 1,000 residents"
unit = "per 1,000 residents"
kind = "rate"
per = 1000
series = "thefts"
polarity = "low_is_good"
peer_group = "near"
compare = ["previous_year", "baseline:2009-10", "peer_rank"]
numerator = { source = "street_crime", forces = "home", where = "crime_type = 'Other theft'" }
denominator = { source = "population", aggregate = "sum(persons)" }
"""
LAYOUT = """
[csp]
title = "By partnership"
files = ["*csp*.csv"]
given = ["financial_year"]
facts = '(?P<financial_year>.*)csp'
ignored = ["note.*"]

[csp.columns]
"CSP Name" = "csp_name"
"""


def indicator(folder: Path, text: str, file: str = "thefts.toml") -> Mapping[str, Indicator]:
    (folder / file).write_text(text, encoding="utf-8")
    return indicators.load(sources.discover(), ["near", "far"], folder)


def layout(folder: Path, text: str, file: str = "recorded_crime.toml") -> Layout:
    (folder / file).write_text(text, encoding="utf-8")
    return layouts.load(sources.discover(), folder)[0]


def test_the_entries_that_the_refusals_below_spoil_are_sound(tmp_path: Path) -> None:
    assert list(indicator(tmp_path, INDICATOR)) == ["thefts"]
    (tmp_path / "layouts").mkdir()
    assert layout(tmp_path / "layouts", LAYOUT).columns == {"CSP Name": "csp_name"}


# What is replaced by what, and words of the refusal: the rule, what was got, the repair.
INDICATOR_SLIPS = [
    ('unit = "', 'units = "', "unknown key; got: 'units'; did you mean unit?"),
    ("aggregate =", "aggregat =", "unknown key; got: 'aggregat'; did you mean aggregate?"),
    ('unit = "per 1,000 residents"', "", "unit is missing; add unit = …"),
    ("street_crime", "street_crimes", "unknown source; got: 'street_crimes'; known: "),
    ("crime_type =", "crime_typ =", "no such column; got: 'crime_typ'; did you mean crime_type?"),
    ("sum(persons)", "sum(people)", "no such column; got: 'people'; known: area_code"),
    ("crime_type =", "file_month =", "no such column; got: 'file_month'"),
    ("\"crime_type = 'Other theft'\"", "7", "SQL texts; got: 7; write the clause in quotes"),
    ("previous_year", "last_year", "unknown compare; got: 'last_year'; known: previous_period"),
    ('["previous_year", ', '["peer_rank", ', "listed once; got: 'peer_rank'; drop the second"),
    ("baseline:2009-10", "baseline:2009", "a baseline names a period: .*write 2009CY"),
    ("baseline:2009-10", "baseline:2009M10", "financial year; got: .*write it as baseline:2009-10"),
    ('["previous_year", "baseline:2009-10", "peer_rank"]', '"peer_rank"', "compare is a list"),
    (
        'peer_group = "near"',
        'peer_group = "next"',
        "unknown peer_group; got: 'next'; known: far, near",
    ),
    ('peer_group = "near"', "", "peer_rank and group_average need a peer_group; known: far, near"),
    ("low_is_good", "low_good", "unknown polarity; got: 'low_good'; known: low_is_good, high_is"),
    ('"rate"', '"ratio"', "unknown kind; got: 'ratio'; known: rate, proportion, count"),
    ('"rate"', '"count"', "a count has no denominator; .*add the denominator, or change the kind"),
    ("per = 1000", "per = 0.5", "per is a whole number from 1 to .*; got: 0.5; write per = 1"),
    ("per = 1000", "per = 1\ndecimals = -1", "decimals is a whole number from 0 to 6; got: -1"),
    ('title = "Thefts per 1,000 residents"', "title = 7", "title is a text; got: 7; write title"),
    ('forces = "home", ', "", "forces is missing: .*; say which count for an area: home or all"),
    ('"home"', '"ours"', "unknown forces; got: 'ours'; known: home, all"),
    ('"population",', '"population", forces = "all",', "rows of population name no force; .*drop"),
    ("[thefts]", "thefts = 1\n[other]", "an entry is a table; got: 1; write it as"),
]


@pytest.mark.parametrize(("old", "new", "words"), INDICATOR_SLIPS)
def test_a_slip_in_an_indicator_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in INDICATOR
    with pytest.raises(Refused, match=words) as refusal:
        indicator(tmp_path, INDICATOR.replace(old, new, 1))
    assert str(refusal.value).startswith("thefts.toml [thefts]")


def test_an_indicator_is_declared_once(tmp_path: Path) -> None:
    (tmp_path / "crime.toml").write_text(INDICATOR, encoding="utf-8")
    with pytest.raises(Refused, match=r"thefts\.toml \[thefts\].*declared once.*in crime\.toml"):
        indicator(tmp_path, INDICATOR)
    with pytest.raises(Refused, match=r"again\.toml.*Cannot declare .*'thefts'.*mend the file"):
        indicator(tmp_path, INDICATOR + "[thefts]\n", "again.toml")


LAYOUT_SLIPS = [
    ("title =", "titel =", "unknown key; got: 'titel'; known: columns"),
    ('title = "By partnership"', "", "title is missing; add title = …"),
    ('["*csp*.csv"]', '"*csp*.csv"', "files is a list of texts; got: .*; write files as a list"),
    ('"CSP Name" = "csp_name"', '"CSP Name" = "csp"', "no such column; got: 'csp'; known: csp_n"),
    ('"CSP Name" = "csp_name"', '"CSP Name" = ["csp_name"]', "columns is a table of texts"),
    ('given = ["financial_year"]', 'given = ["year"]', "no such column; got: 'year'; known:"),
    ("(?P<financial_year>.*)", "(?P<year>.*)", "no such column; got: 'year'; known:"),
    ("(?P<financial_year>.*)", "(?P<financial_year", "not a pattern: .*mend the regular expres"),
    ("note.*", "*note", "not a pattern: .*mend the regular expression"),
    ('ignored = ["note.*"]', 'wide_label = "financial_year"', "go together; add wide"),
    ("[csp]", "csp = 1\n[other]", "an entry is a table; got: 1; write it as"),
]


@pytest.mark.parametrize(("old", "new", "words"), LAYOUT_SLIPS)
def test_a_slip_in_a_layout_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in LAYOUT
    spoilt = LAYOUT.replace(old, new, 1)
    if new.startswith("csp = 1"):
        spoilt = spoilt.replace("[csp.columns]", "[other.columns]")
    with pytest.raises(Refused, match=words) as refusal:
        layout(tmp_path, spoilt)
    assert str(refusal.value).startswith("recorded_crime.toml [csp]")


def test_a_layout_file_is_named_after_a_source_and_names_each_layout_once(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"recorded_crime\.toml.*Cannot declare .*mend the file"):
        layout(tmp_path, LAYOUT + "[csp]\n")
    (tmp_path / "recorded_crime.toml").unlink()
    with pytest.raises(Refused, match=r"crimes\.toml: .*after a source; got: 'crimes'; known:"):
        layout(tmp_path, LAYOUT, "crimes.toml")


def test_the_packaged_settings_bring_no_layouts_of_their_own() -> None:
    bare, packaged = registry.load(), registry.load(settings.PACKAGED)
    assert (bare.digest, bare.layouts) == (packaged.digest, packaged.layouts)


@pytest.mark.parametrize("name", sorted(registry.load().sources))
def test_every_source_says_what_is_expected_of_it(name: str) -> None:
    source = registry.load().sources[name]
    assert source.assurance in ("A0", "A1", "A2", "A3")
    assert source.sensitivity in ("public", "official", "official-sensitive", "personal")
    assert source.audience in ("public", "partners", "analysts")
    assert source.due_days and source.maximum_rows and source.maximum_rows > source.minimum_rows
    # Of rows about single persons the public gets figures alone, and these by a rule.
    named = any((c.metadata or {}).get("person") for c in source.model.to_schema().columns.values())
    assert not named or (source.sensitivity == "personal" and source.disclosure != "none")

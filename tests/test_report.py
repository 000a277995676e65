"""The report of an assessment: page one, the boxes, its charts and the leaflet.

Here: what a release of the sample shows, and a small drawn database for what the sample does not
have. Not here: how a release is written (`test_warehouse`), what may be shared (`test_disclosure`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from safecity_pipeline import funnels, registry, settings, tables, warehouse
from safecity_pipeline.model import Refused
from safecity_pipeline.publish import report
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.report import figures, parts, pictures, words
from safecity_pipeline.publish.report.page import Additions
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.assessments import outlines
from safecity_pipeline.registry.assessments.outlines import Board, Leaflet, Outline, Part
from safecity_pipeline.registry.narrative import sections_of

CITY, TOWN, FORCE = "E06000045", "E06000038", "E23000030"
HOSTILE = "<script>alert('x')</script> & \"quoted\" {{ 7 * 7 }}"
PAGES = ("assessment-2014-15.html", "leaflet-2014-15.html")


# --- reading a page ------------------------------------------------------------------------------


class Page(HTMLParser):
    """What stands in a page: cells of the board's table without marks and ranges, items of boxes,
    ids, what is referred to, and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.board: dict[str, list[str]] = {}
        self.boxes: dict[str, str] = {}
        self.ids: list[str] = []
        self.wanted: set[str] = set()
        self.levels: list[int] = []
        self._row: list[str] | None = None
        self._aside = 0
        self._cell = False
        self._box = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids += [str(told["id"])] if "id" in told else []
        for name in ("aria-labelledby", "aria-describedby"):
            self.wanted |= set(str(told.get(name) or "").split())
        if str(told.get("href", "")).startswith("#"):
            self.wanted.add(str(told["href"])[1:])
        if tag in ("h1", "h2", "h3", "h4"):
            self.levels.append(int(tag[1]))
        if tag == "tr":
            key = told.get("data-indicator")
            self._row = self.board.setdefault(key, []) if key else None
        if tag == "td" and self._row is not None:
            self._row.append("")
            self._cell = True
        self._aside += tag in ("abbr", "small")
        if tag == "section":
            kind = str(told.get("class") or "")
            self._box = kind.removeprefix("box ") if kind.startswith("box ") else ""

    def handle_endtag(self, tag: str) -> None:
        self._aside -= tag in ("abbr", "small")
        if tag in ("td", "tr"):
            self._cell = False
        if tag == "section":
            self._box = ""

    def handle_data(self, data: str) -> None:
        if self._cell and self._row and not self._aside:
            self._row[-1] = (self._row[-1] + data).strip()
        if self._box:
            self.boxes[self._box] = self.boxes.get(self._box, "") + data


def page_of(folder: Path, name: str = PAGES[0]) -> Page:
    return Page((folder / name).read_text(encoding="utf-8"))


def rounded(value: float | None, decimals: int, signed: bool = False) -> str:
    """Half away from zero, in decimal arithmetic, which the pipeline does not use."""
    if value is None:
        return ""
    step = Decimal(1).scaleb(-decimals)
    number = Decimal(repr(value)).quantize(step, rounding=ROUND_HALF_UP)
    text = f"{number + 0:,}" if number else f"{abs(number):,}"
    return f"+{text}" if signed and number > 0 else text


# --- the sample's release ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released(whole_sample: Path) -> Path:
    return (whole_sample / "warehouse" / "current").resolve()


@contextmanager
def editing(released: Path, folder: Path, known: Registry) -> Iterator[Edition]:
    chosen = settings.load(settings.PACKAGED)
    with warehouse.opened(released) as connection:
        yield Edition("public", folder, connection, known, chosen)


def test_a_release_holds_the_page_the_leaflet_and_every_chart_twice(released: Path) -> None:
    public = released / "public"
    charts = sorted(one.name for one in (public / "charts").iterdir())
    drawn = {one.removesuffix(".svg") for one in charts if one.endswith(".svg")}
    assert drawn == {one.removesuffix(".png") for one in charts if one.endswith(".png")}
    assert {"months-recorded_crime_count", "peers-recorded_crime_total_rate", "levels"} <= drawn
    assert 20 <= len(drawn) <= 40
    for name in drawn:
        svg = (public / "charts" / f"{name}.svg").read_text(encoding="utf-8")
        told = {one.tag.rpartition("}")[2]: one.text or "" for one in ElementTree.fromstring(svg)}
        assert len(told["title"]) > 10 and len(told["desc"]) > 20, name
        assert "Made up" in svg, name
        png = (public / "charts" / f"{name}.png").read_bytes()
        assert png.startswith(b"\x89PNG"), name
    for name in PAGES:
        text = (public / name).read_text(encoding="utf-8")
        assert "is made up" in text[text.index("<h1>") : text.index("<main")]


def test_nothing_leaves_the_pages(released: Path) -> None:
    for name in PAGES:
        text = (released / "public" / name).read_text(encoding="utf-8")
        away = r"https?:|//\w|src\s*=|@import|<link|<script|<iframe|url\((?!#)"
        assert re.findall(away, text) == [], name
    for file in (released / "public" / "charts").glob("*.svg"):
        text = file.read_text(encoding="utf-8")
        assert set(re.findall(r'(\S+)="http', text)) <= {"xmlns", "xmlns:xlink"}, file.name


def test_every_number_of_the_boards_table_is_the_releases(released: Path, known: Registry) -> None:
    shown = page_of(released / "public").board
    (assessment,) = known.assessments
    assert assessment.report
    assert list(shown) == list(assessment.report.board.types)
    with editing(released, released, known) as edition:
        numbers = 0
        for key, cells in shown.items():
            expected = expected_cells(edition, key)
            assert dict(enumerate(cells)) | expected == dict(enumerate(cells)), key
            numbers += sum(bool(text) for text in expected.values())
    assert numbers > 120


def expected_cells(edition: Edition, key: str) -> dict[int, str]:
    """The columns of a line by their number, straight from the tables of the release."""
    decimals = edition.registry.indicators[key].decimals
    is_count = edition.registry.indicators[key].kind == "count"
    force = edition.registry.areas.home_force(CITY)
    last, now = (one_value(edition, key, CITY, label) for label in ("2013-14", "2014-15"))
    change, average = (
        one_finding(edition, key, what) for what in ("previous_year", "group_average")
    )
    there = None not in (last.get("numerator"), now.get("numerator"))
    rates = {
        number: "" if is_count else rounded(row.get("value"), decimals)
        for number, row in (
            (5, now),
            (6, one_value(edition, key, force or "", "2014-15")),
            (7, one_value(edition, key, "E92000001", "2014-15")),
        )
    }
    return {
        0: rounded(last.get("numerator"), 0),
        1: rounded(now.get("numerator"), 0),
        2: rounded(now["numerator"] - last["numerator"], 0, signed=True) if there else "",
        3: rounded(change.get("change"), 1, signed=True),
        **rates,
        8: rounded(average.get("base_value"), decimals),
        9: placed(one_finding(edition, key, "peer_rank")),
        10: placed(one_finding(edition, key, "peer_rank", "2013-14")),
    }


def one_value(edition: Edition, key: str, area: str, label: str) -> Mapping[str, Any]:
    rows = edition.rows(
        "SELECT * FROM mart.indicator_value WHERE indicator = ? AND area_code = ? "
        "AND period = ? AND dimension = 'all'",
        [key, area, label],
    )
    return rows[0] if rows else {}


def one_finding(
    edition: Edition, key: str, comparison: str, label: str = "2014-15"
) -> Mapping[str, Any]:
    rows = edition.rows(
        "SELECT * FROM mart.finding WHERE indicator = ? AND area_code = ? AND comparison = ? "
        "AND period = ? AND dimension = 'all'",
        [key, CITY, comparison, label],
    )
    return rows[0] if rows else {}


def placed(row: Mapping[str, Any]) -> str:
    """3rd highest of 15, 13th best."""
    if not row or row["rank_high"] is None:
        return ""
    ends = {1: "st", 2: "nd", 3: "rd"}
    said = [("highest", row["rank_high"]), ("best", row["rank_best"])]
    ranked = [
        name if place == 1 else f"{place}{ends.get(place, 'th')} {name}"
        for name, place in said
        if place is not None
    ]
    if row["rank_best"] == row["rank_of"]:
        ranked[-1] = "the worst"
    return ", ".join([f"{ranked[0]} of {row['rank_of']}", *ranked[1:]])


def test_a_broken_comparison_is_marked_and_never_better_or_worse(
    released: Path, known: Registry
) -> None:
    text = (released / "public" / PAGES[0]).read_text(encoding="utf-8")
    boxes = page_of(released / "public").boxes
    (assessment,) = known.assessments
    assert assessment.report
    found = {"better": 0, "recorded": 0}
    with editing(released, released, known) as edition:
        for key in assessment.report.board.types:
            row = one_finding(edition, key, "previous_year")
            title = words.title(known.indicators[key])
            line = text[text.index(f'data-indicator="{key}"') :].split("</tr>")[0]
            broken = row.get("status") == "definition_changed"
            assert ("<td>not like for like" in line) == broken, key
            assert not broken or "[b]" in line, key
            assert (f"{title}: " in boxes["better"]) == (row.get("significance") == "better"), key
            assert (f"{title}: " in boxes["worse"]) == (row.get("significance") == "worse"), key
            assert (title in boxes["recorded"]) == broken, key
            found["better"] += row.get("significance") == "better"
            found["recorded"] += broken
    assert found["better"] and found["recorded"] > 5
    assert "on one definition no clear change" in boxes["recorded"]


def test_whatever_is_referred_to_is_there_and_headings_skip_no_level(released: Path) -> None:
    for name in PAGES:
        page = page_of(released / "public", name)
        assert len(page.ids) == len(set(page.ids)), name
        assert page.wanted <= set(page.ids), name
        assert page.levels[0] == 1 and page.levels.count(1) == 1
        steps = [
            after - before for before, after in zip(page.levels, page.levels[1:], strict=False)
        ]
        assert max(steps) == 1, name


def test_every_table_has_a_caption_and_says_what_its_heads_head(released: Path) -> None:
    text = (released / "public" / PAGES[0]).read_text(encoding="utf-8")
    whole = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert len(whole) > 25
    for table in whole:
        assert table.count("<caption") == 1
        assert re.findall(r"<th(?! scope=\"(?:row|col)\")[ >]", table) == []
        assert "colspan" not in table and "rowspan" not in table
    assert not re.search(r"<td[^>]*>\s*</td>", text)


def test_made_twice_it_is_the_same_bytes(released: Path, known: Registry, tmp_path: Path) -> None:
    with editing(released, tmp_path, known) as edition:
        report.write(edition)
    made = {one.relative_to(tmp_path) for one in tmp_path.rglob("*") if one.is_file()}
    assert len(made) > 40
    for name in made:
        assert (tmp_path / name).read_bytes() == (released / "public" / name).read_bytes(), name


# --- a drawn release -----------------------------------------------------------------------------
#
#   recorded crime, rate     2013-14  2014-15     change          what lies between
#   all (rate)                 50.00    60.00     +20.0           nothing: worse
#   violence (rate)            10.00    15.00     +50.0           a change of recording
#   drugs supply (count)     hidden    hidden     hidden          a small number

ALL, VIOLENCE, SUPPLY = (
    *("recorded_crime_total_rate", "recorded_violence_rate"),
    "drug_supply_offences_count",
)
WHY = "below 5: nobody shall be recognised"


def value(key: str, label: str, x: float | None, n: float | None, **more: Any) -> dict[str, Any]:
    start = date(int(label[:4]), 4, 1)
    known = x is not None
    return {
        **{"indicator": key, "area_code": CITY, "area_name": "Southampton", "period": label},
        **{"period_kind": "year", "dimension": "all", "dimension_value": "all"},
        **{"period_start": start, "period_end": date(start.year + 1, 3, 31), "complete": True},
        **{"numerator": x, "denominator": n, "value": 1000 * x / n if x and n else x},
        **{"obs_status": "A" if known else "C", "suppressed_reason": None if known else WHY},
        **more,
    }


def finding(key: str, change: float | None, **more: Any) -> dict[str, Any]:
    return {
        **{"indicator": key, "area_code": CITY, "area_name": "Southampton", "dimension": "all"},
        **{"dimension_value": "all", "comparison": "previous_year", "period": "2014-15"},
        **{"base_period": "2013-14", "change": change, "change_unit": "percent"},
        **{"status": "comparable", "sentence": f"{key} in words."},
        **more,
    }


VALUES = [
    *(value(ALL, "2013-14", 500, 10_000), value(ALL, "2014-15", 600, 10_000)),
    value(VIOLENCE, "2013-14", 100, 10_000),
    value(VIOLENCE, "2014-15", 150, 10_000, series_break="D22"),
    *(value(SUPPLY, "2013-14", None, None), value(SUPPLY, "2014-15", None, None)),
    value(ALL, "2014-15", 900, 10_000, area_code=TOWN, area_name=HOSTILE),
]
LIMITS = {"change_lower_95": 6.3, "change_upper_95": 35.4}
FINDINGS = [
    finding(ALL, 20.0, significance="worse", **LIMITS),
    finding(VIOLENCE, 50.0, status="definition_changed", significance="worse", broken_by="D22"),
    finding(SUPPLY, None, status="suppressed", sentence="Supply of drugs: not shown."),
]
RELEASE = {
    **{"stamp": "20150601T000000Z", "area_code": CITY, "area_name": "Southampton"},
    **{"year": "2014-15", "synthetic": False, "code": "1", "configuration": "2", "registry": "3"},
    **{"extracts": "4", "published_at": datetime(2015, 6, 1)},
}
CHANGE = {
    **{"id": "D22", "effective_date": date(2014, 5, 1), "in_short": f"recorded {HOSTILE}"},
    **{"materiality": "material"},
}
SHOWN = Outline(
    Board((ALL, VIOLENCE, SUPPLY), (), (ALL,), (), (ALL,)),
    (Part("crime", HOSTILE, (), (ALL, SUPPLY)),),
    Part("residents", "Residents"),
    Leaflet(()),
)


@contextmanager
def drawn(
    known: Registry, folder: Path, audience: str = "public", **more: list[dict[str, Any]]
) -> Iterator[Edition]:
    """An edition of a database in memory; `more`: rows of further tables by name."""
    rows = {
        **{"indicator_value": VALUES, "finding": FINDINGS, "release": [RELEASE]},
        **{"definitional_change": [CHANGE], **more},
    }
    (assessment,) = known.assessments
    with warehouse.memory() as connection:
        for schema in ("mart", "meta"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for table in tables.TABLES:
            connection.execute(tables.create_once(table))
            if table.name in rows:
                names = [column.name for column in table.columns]
                frame = pd.DataFrame(rows[table.name]).reindex(columns=names)
                warehouse.fill(connection, table, frame.astype(object).where(frame.notna(), None))
        for name, source in known.sources.items():
            connection.execute(
                "INSERT INTO meta.source (source, title, supplier, licence) VALUES (?, ?, ?, ?)",
                [name, source.title, source.supplier, source.licence],
            )
        declared = replace(known, assessments=(replace(assessment, report=SHOWN),))
        yield Edition(audience, folder, connection, declared, settings.load(settings.PACKAGED))


def made(known: Registry, folder: Path, **more: Any) -> str:
    with drawn(known, folder, **more) as edition:
        report.write(edition)
    return (folder / PAGES[0]).read_text(encoding="utf-8")


def test_page_one_of_a_drawn_release(known: Registry, tmp_path: Path) -> None:
    page = Page(made(known, tmp_path))
    assert page.board[ALL][:6] == ["500", "600", "+100", "+20.0", "worse", "60.00"]
    assert page.board[VIOLENCE][:5] == ["100", "150", "+50", "+50.0", "not like for like"]
    assert (
        "All recorded crime without fraud: +20.0 % (likely between +6.3 and +35.4 %)."
        in " ".join(page.boxes["worse"].split())
    )
    assert "Violence" not in page.boxes["worse"]
    assert (
        "recorded +50.0 %; how much of that is recording cannot be told" in page.boxes["recorded"]
    )


def test_the_rate_of_the_force_and_of_england_or_the_part_that_did_not_come(
    known: Registry, tmp_path: Path
) -> None:
    #            number     residents   rate
    # force       9,000     none        "the number came": its residents did not
    # England   400,000     8,000,000   400,000 / 8,000,000 × 1,000 = 50.00
    # violence: neither has a row; supply is a number, which has no rate
    lacks = {"obs_status": "M", "suppressed_reason": "missing_denominator", "value": None}
    larger = [
        value(ALL, "2014-15", 9000, None, area_code=FORCE, **lacks),
        value(ALL, "2014-15", 400_000, 8_000_000, area_code="E92000001"),
    ]
    text = made(known, tmp_path, indicator_value=[*VALUES, *larger])
    board = Page(text).board
    assert board[ALL][6:8] == ["", "50.00"] and board[VIOLENCE][6:8] == ["", ""]
    residents, crimes = (known.sources[one].title for one in ("population", "recorded_crime"))
    came = f"the number came (9,000), but “{residents}” does not tell of all of the force Hampshire"
    line = {key: text[text.index(f'data-indicator="{key}"') :].split("</tr>")[0] for key in board}
    assert f'<abbr title="{came}">[x]</abbr>' in line[ALL]
    neither = f"no extract of “{crimes}” tells of all of the force Hampshire or of England"
    assert line[VIOLENCE].count(f'<abbr title="{neither}">[x]</abbr>') == 2
    below = text[text.index("Not available [x]:") :].split("</p>")[0]
    assert f"All recorded crime without fraud: {came}" in below and "Supply" not in below
    assert line[SUPPLY].count("[z]") == 6


def test_a_line_is_broken_once_between_each_two_years_that_are_not_alike(
    known: Registry, tmp_path: Path
) -> None:
    broken = {"2012-13": "D13", "2013-14": "D22", "2014-15": "D22 D23", "2009-10": "D07"}
    values = [
        value(ALL, f"{year}-{year % 100 + 1:02d}", 500, 10_000)
        | {"series_break": broken.get(f"{year}-{year % 100 + 1:02d}")}
        for year in range(2008, 2015)
    ]
    with drawn(known, tmp_path, indicator_value=values) as edition:
        said = pictures.years(figures.Figures(edition, [ALL]), ALL).says
        two = [one | {"series_break": None} for one in values[:-2]] + values[-2:]
    # 2008 | 2009 2010 2011 | 2012 | 2013 | 2014: four breaks, of which three lie side by side
    assert "The line is broken 4 times in 2 stretches, where what is counted changed." in said
    with drawn(known, tmp_path, indicator_value=two) as edition:
        said = pictures.years(figures.Figures(edition, [ALL]), ALL).says
    assert "The line is broken twice in one stretch, where" in said


def test_a_picture_names_the_files_of_its_own_areas_and_none_without_a_figure(
    known: Registry, tmp_path: Path
) -> None:
    kept = {"source": "recorded_crime", "status": "counted", "period": "2014-15"}
    units = {"ours.csv": "csp/Southampton", "theirs.csv": "csp/Reading", "others.csv": "csp/Derby"}
    more: dict[str, Any] = {
        "extract": [
            {"extract_id": file, "file": file, "sha256": "a" * 64, "source": "recorded_crime"}
            for file in units
        ],
        "extract_unit": [kept | {"extract_id": file, "unit": one} for file, one in units.items()],
        "lineage": [
            {"table_name": "mart.indicator_value", "column_name": "value", "indicator": ALL}
            | {"source": "recorded_crime", "geography": "area_and_parts"}
        ],
    }

    def files(values: list[dict[str, Any]], draw: Any) -> list[str]:
        with drawn(known, tmp_path, indicator_value=values, **more) as edition:
            picture = draw(figures.Figures(edition, [ALL]), ALL)
        crimes = next(one for one in picture.sources if "rime" in one.title)
        return [file for file, _ in crimes.files]

    own = [one for one in VALUES if one["area_code"] == CITY]
    assert files(own, pictures.years) == ["ours.csv"]
    assert files(VALUES, pictures.peers) == ["ours.csv", "theirs.csv"]
    nothing = [one for one in VALUES if one["area_code"] != CITY]
    assert files(nothing, pictures.years) == []


def test_what_is_hidden_stays_hidden_and_says_why(known: Registry, tmp_path: Path) -> None:
    text = made(known, tmp_path)
    assert Page(text).board[SUPPLY][:6] == ["", "", "", "", "cannot be told", ""]
    line = text[text.index(f'data-indicator="{SUPPLY}"') :].split("</tr>")[0]
    assert line.count("[c]") == 4 and f'title="{WHY}"' in line
    assert f"Supply of drugs: trafficking in controlled drugs: {WHY}" in text
    assert "there is nothing to draw" in text
    assert not (tmp_path / "charts" / f"years-{SUPPLY}.svg").exists()


def test_hostile_text_is_escaped(known: Registry, tmp_path: Path) -> None:
    target = {"target": "T1", "priority": HOSTILE, "action": HOSTILE, "reason": HOSTILE}
    claim = {"claim": "C1", "statement": HOSTILE, "verdict": "not_computable", "reason": HOSTILE}
    text = made(known, tmp_path, target=[target], claim=[claim])
    leaflet = (tmp_path / PAGES[1]).read_text(encoding="utf-8")
    assert text.count("&lt;script&gt;") > 6 and leaflet.count("&lt;script&gt;") > 1
    for page in (text, leaflet):
        assert "<script" not in page and "49" not in re.findall(r"quoted\S* (\S+)", page)
    for file in (tmp_path / "charts").glob("*.svg"):
        ElementTree.fromstring(file.read_text(encoding="utf-8"))
        assert "<script" not in file.read_text(encoding="utf-8")


def test_the_partners_edition_is_marked_on_each_page_and_picture(
    known: Registry, tmp_path: Path
) -> None:
    marking = "OFFICIAL-SENSITIVE"
    text = made(known, tmp_path, audience="partners")
    assert f'@top-center {{ content: "{marking}"' in text and text.count('<p class="marking">') == 2
    assert f"<title>{marking}" in text
    assert marking in (tmp_path / "charts" / f"years-{ALL}.svg").read_text(encoding="utf-8")
    public = tmp_path / "public"
    public.mkdir()
    assert marking not in made(known, public)


def test_others_add_their_words_at_named_places(known: Registry, tmp_path: Path) -> None:
    own = {"summary": "<p>In short.</p>", "crime": "<p>Of crime.</p>"}
    added = Additions(own, "<p>On Fridays.</p>", "<p>Nobody asked.</p>", "lineage.html")
    with drawn(known, tmp_path) as edition:
        report.write(edition, added)
    text = (tmp_path / PAGES[0]).read_text(encoding="utf-8")
    order = ["In short.", "board-table", "Of crime.", "On Fridays.", "Nobody asked."]
    assert sorted(order, key=text.index) == order
    assert f'href="lineage.html#{ALL}"' in text


def test_every_section_that_an_analyst_may_write_has_its_place(
    known: Registry, tmp_path: Path
) -> None:
    with drawn(known, tmp_path) as edition:
        listed = sections_of(edition.registry.assessments)
        report.write(edition, Additions({key: f"<p>Of {key}!</p>" for key in listed}))
    text = (tmp_path / PAGES[0]).read_text(encoding="utf-8")
    assert len(listed) > 6 and [key for key in listed if f"Of {key}!" not in text] == []


def test_without_a_declared_report_there_is_none(known: Registry, tmp_path: Path) -> None:
    with drawn(known, tmp_path) as edition:
        report.write(replace(edition, registry=replace(known, assessments=())))
    assert list(tmp_path.iterdir()) == []


def test_a_year_before_the_first_assessment_has_a_report(known: Registry, tmp_path: Path) -> None:
    with drawn(known, tmp_path, release=[RELEASE | {"year": "2013-14"}]) as edition:
        report.write(edition)
    page = Page((tmp_path / "assessment-2013-14.html").read_text(encoding="utf-8"))
    assert page.board[ALL][1] == "500"  # of 2013/14, and not the 600 of the year after
    assert (tmp_path / "leaflet-2013-14.html").exists()


def test_a_year_of_which_nothing_came_is_a_gap_in_its_line(known: Registry, tmp_path: Path) -> None:
    values = [value(ALL, label, 500, 10_000) for label in ("2011-12", "2013-14", "2014-15")]
    with drawn(known, tmp_path, indicator_value=values) as edition:
        rows = figures.Figures(edition, [ALL]).years(ALL)
    labels = ["2011-12", "2012-13", "2013-14", "2014-15"]
    assert [row["period"] for row in rows] == labels
    assert [row["value"] for row in rows] == [50, None, 50, 50]
    assert pictures.Series(rows).segments() == [0, 1, 2, 2]


def test_how_many_chance_alone_would_put_outside_is_counted(
    known: Registry, tmp_path: Path
) -> None:
    # 60 a 1,000 here and there; of the three others 30 and 90, far beyond chance, and 60
    group = known.areas.peer_group(str(known.indicators[ALL].peer_group), CITY, date(2015, 3, 31))
    assert group is not None
    others = [one for one in group.members if one != CITY][:3]
    counts = dict(zip([CITY, *others], (600, 300, 900, 600), strict=True))
    values = [value(ALL, "2014-15", x, 10_000, area_code=one) for one, x in counts.items()]
    with drawn(known, tmp_path, indicator_value=values) as edition:
        found = pictures.funnel(figures.Figures(edition, [ALL]), ALL)
    assert found.notes[0].endswith("limits of chance alone would put 2 of 4 outside.")


def test_a_target_is_printed_so_that_reaching_it_is_enough(known: Registry, tmp_path: Path) -> None:
    aims = {
        "custodial sentences, down by 20 per cent": (
            "T23",
            "custodial_sentences_count",
            16.0,
            12.8,
        ),
        "place among the most similar areas, all recorded crime": ("T05", ALL, 13.0, 13.0),
    }
    rows = [
        {"target": target, "measure": measure, "indicator": key, "baseline": base, "action": "Do"}
        | {"target_value": reach, "verdict": "not_measurable", "priority": HOSTILE}
        for measure, (target, key, base, reach) in aims.items()
    ]
    with drawn(known, tmp_path, target=rows) as edition:
        section = parts.priority(figures.Figures(edition, [ALL]), Part("crime", HOSTILE))
    assert section.targets is not None
    # 16 less a fifth is 12.8: 13 would be too many.
    printed = [[cell.text for cell in line[3:5]] for line in section.targets.rows]
    assert sorted(printed) == [["13", "13"], ["16", "12.8"]]


# --- what is declared ----------------------------------------------------------------------------

DECLARED = """
[board]
types = ["all_crime_rate"]
months = []
peers = ["all_crime_rate"]
[[priority]]
key = "crime"
title = "Reduce crime and anti-social behaviour"
claims = ["C01"]
[residents]
title = "Residents"
[leaflet]
facts = ["C01"]
"""


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ('types = ["all_crime_rat"]', 'types = ["all_crime_rate"]', "all_crime_rat"),
        ('claims = ["C99"]', 'claims = ["C01"]', "C99"),
        ('peers = ["violence_count"]', 'peers = ["all_crime_rate"]', "violence_count"),
        ('key = "residents"', 'key = "crime"', "residents"),
        ("nights = []", "months = []", "nights"),
        ('title = "Else"', 'title = "Reduce crime and anti-social behaviour"', "Reduce crime"),
    ],
)
def test_a_slip_in_what_is_declared_is_refused_by_name(
    known: Registry, tmp_path: Path, wrong: str, right: str, named: str
) -> None:
    (assessment,) = known.assessments
    targets = [one for one in assessment.targets if one.target == "T01"]
    file = tmp_path / "report.toml"
    told = (file, known.indicators, assessment.claims, targets)
    file.write_text(DECLARED, encoding="utf-8")
    assert outlines.load(*told).board.types == ("all_crime_rate",)
    file.write_text(DECLARED.replace(right, wrong), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        outlines.load(*told)
    assert named in str(refused.value) and "report.toml" in str(refused.value)


# --- funnels -------------------------------------------------------------------------------------


def test_limits_of_areas_that_do_not_differ_are_those_of_chance() -> None:
    # (sqrt(0.1) - 1.96 * sqrt(1 / 4000)) ** 2 = (0.31623 - 0.03099) ** 2 = 0.08136
    found = funnels.funnel([100, 100, 100], [1000, 1000, 1000])
    assert (found.centre, found.between) == (0.1, 0)
    assert found.limits(1000) == pytest.approx((0.08136, 0.12056), abs=1e-5)
    assert found.limits(100)[1] > found.limits(1000)[1]


def test_limits_are_widened_by_what_areas_differ_beyond_chance() -> None:
    counts, bases = [500, 900, 1600], [10_000, 10_000, 10_000]
    found = funnels.funnel(counts, bases)
    # Scores (sqrt(p) - sqrt(0.1)) * sqrt(40000): -18.52, -3.25, 16.75, of which the squares sum to
    # 634.3; less 2 they are 632.3, shared by 120000 - 40000 = 80000.
    assert found.between == pytest.approx(632.3 / 80_000, rel=1e-3)
    plain, wide = found.limits(10_000, widened=False), found.limits(10_000)
    assert not plain[0] <= 0.16 <= plain[1]
    assert wide[0] <= 0.16 <= wide[1]


def test_a_share_stays_between_none_and_all_and_nonsense_is_refused() -> None:
    lower, upper = funnels.funnel([1, 19], [20, 20], share=True).limits(4)
    assert 0 <= lower < upper <= 1
    for counts, bases in (([1], [2]), ([1, 2], [0, 3]), ([-1, 2], [3, 3])):
        with pytest.raises(ValueError, match="funnel"):
            funnels.funnel(counts, bases)
    with pytest.raises(ValueError, match="no more cases"):
        funnels.funnel([3, 2], [2, 2], share=True)


def test_the_packaged_report_reads() -> None:
    (assessment,) = registry.load().assessments
    assert assessment.report
    types = assessment.report.board.types
    by_series = [registry.load().indicators[key].series for key in types]
    assert 25 <= len(types) == len(set(types)) <= 30
    groups = "violence sexual robbery vehicle shoplifting other_theft damage drugs weapons"
    first = [by_series.index(f"recorded_crime.{one}") for one in [*groups.split(), "public_order"]]
    assert first == sorted(first) and max(first) < by_series.index("asb.incidents")

"""The audit of disclosure: an attack on drawn releases, published as the pipeline publishes them.

A figure is drawn as it would be shown; None is hidden. A refusal names cells, and never a count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from small_folder import small_settings

from safecity_pipeline import (
    attacking,
    outsider,
    protection,
    registry,
    settings,
    shareable,
    tables,
    warehouse,
    withheld,
)
from safecity_pipeline.model import Indicator, Part, Refused
from safecity_pipeline.outsider import Number, Outsider
from safecity_pipeline.publish import audit, products
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import SignOff
from safecity_pipeline.warehouse import Warehouse

AREA = "E06000045"
COUNT = Indicator(
    "n", "N", "s", "crimes", "count", 1, "asb", "none", (), Part("police_crime", "hate")
)
WIDER = replace(COUNT, indicator="wider", numerator=Part("police_crime", "true"))
READ = (
    *(tables.INDICATOR_VALUE, tables.FINDING, tables.COMPARABLE_VALUE, tables.DRAFT),
    *(tables.REVISION, tables.PRINTED, tables.EXTRACT, tables.EXTRACT_UNIT),
    *(tables.INDICATOR, tables.RELEASE),
)


@pytest.fixture(scope="module")
def known() -> Registry:
    found = registry.load()
    return replace(found, indicators={one.indicator: one for one in (COUNT, WIDER)})


def row(period: str, count: float | None, ward: str = "all", **more: Any) -> dict[str, Any]:
    """A row of mart.indicator_value of a financial year (2014-15) or a month of it (2014M04)."""
    year = "-" in period
    first = date(int(period[:4]), 4 if year else int(period[5:]), 1)
    last = (pd.Timestamp(first) + pd.offsets.MonthEnd(12 if year else 1)).date()
    usual = {
        "indicator": "n",
        "area_code": AREA,
        "area_name": "Southampton",
        "period": period,
        "period_kind": "year" if year else "month",
        "dimension": "all" if ward == "all" else "ward",
        "dimension_value": ward,
        **dict.fromkeys(("period_start", "coverage_start"), first),
        **dict.fromkeys(("period_end", "coverage_end"), last),
        "months_covered": 12 if year else 1,
        "complete": True,
        "numerator": count,
        "denominator": None,
        "value": count,
        "lower_95": None,
        "upper_95": None,
        "obs_status": "C" if count is None else "A",
        "suppressed_reason": shareable.WHY if count is None else None,
    }
    return {**usual, **more}


def wards(**counts: float | None) -> list[dict[str, Any]]:
    return [row("2014-15", count, ward) for ward, count in counts.items()]


def protected(
    rows: list[dict[str, Any]],
    known: Registry,
    told_before: Callable[[Outsider], object] = lambda one: None,
    given_away: Set[Number] = frozenset(),
) -> list[dict[str, Any]]:
    """The rows as the pipeline shares them."""
    drawn = pd.DataFrame(rows)
    for name in ("numerator", "denominator", "value", "lower_95", "upper_95"):
        drawn[name] = drawn[name].astype(float)
    for name in ("period_start", "period_end", "coverage_start", "coverage_end"):
        drawn[name] = pd.to_datetime(drawn[name])
    shown = shareable.values(drawn, known.indicators, known.sources)
    shown = protection.protected(shown, known, {}, told_before, given_away)
    for name in ("period_start", "period_end", "coverage_start", "coverage_end"):
        shown[name] = shown[name].dt.date
    plain = shown.astype(object).where(shown.notna(), None)
    return plain.to_dict("records")  # type: ignore[return-value]


class Published:
    """A warehouse into which drawn releases are published, audited as any."""

    def __init__(self, folder: Path, known: Registry) -> None:
        self.known, self.settings = known, small_settings(folder)
        self.warehouse = Warehouse(self.settings.warehouse)

    def publish(
        self,
        stamp: str,
        rows: list[dict[str, Any]],
        units: Sequence[dict[str, Any]] = (),
        audited: bool = True,
    ) -> dict[str, Any]:
        """Answers the report of the audit. Raises Refused as a refresh does."""
        files = [{"extract_id": "x", "source": "ed_assault", "status": "read"}]
        sql = attacking.statements(self.known, self.known.indicators)
        filled: dict[tables.Table, Sequence[dict[str, Any]]] = {
            **dict.fromkeys(READ, ()),
            tables.INDICATOR_VALUE: rows,
            tables.INDICATOR: [{"indicator": key, "sql": said} for key, said in sql.items()],
            tables.RELEASE: [{"stamp": stamp, "synthetic": True}],
            tables.EXTRACT: files if units else [],
            tables.EXTRACT_UNIT: units,
        }
        with self.warehouse.lock():
            with self.warehouse.open_work() as connection, warehouse.transaction(connection):
                for table, held in filled.items():
                    editions = map(table.of, tables.EDITIONS)
                    for one in dict.fromkeys((table, table.shareable, *editions)):
                        warehouse.fill(connection, one, pd.DataFrame(held))
            made = self._products if audited else lambda folder: None
            self.warehouse.publish(stamp, list(filled), made)
        if not audited:
            return {}
        report = self.warehouse.releases / stamp / "public" / audit.FILE
        return json.loads(report.read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    def _products(self, folder: Path) -> None:
        products.attack(folder, self.known, self.settings)

    @property
    def stamps(self) -> list[str]:
        return sorted(path.name for path in self.warehouse.releases.iterdir())

    def told(self, one: Outsider) -> list[str]:
        """Have an outsider read the releases that are there."""
        sql = attacking.statements(self.known, self.known.indicators)
        return attacking.read_again(
            one, attacking.earlier(self.warehouse.releases, synthetic=True), sql
        )


@pytest.fixture
def published(tmp_path: Path, known: Registry) -> Published:
    return Published(tmp_path, known)


# --- one release -------------------------------------------------------------------------------

WHOLE = 45.0
SMALL = {"a": 3.0, "b": 9.0, "c": 33.0}


def test_a_table_whose_margins_reveal_a_cell_is_refused_and_the_last_release_stands(
    published: Published,
) -> None:
    """45 - 9 - 33 = 3, although the 3 is not shown."""
    published.publish("1", [row("2014-15", WHOLE), *wards(**{**SMALL, "a": None, "b": None})])
    with pytest.raises(Refused) as refused:
        published.publish("2", [row("2014-15", WHOLE), *wards(**{**SMALL, "a": None})])
    assert "says more of cells that must not be shown than their rule allows" in str(refused.value)
    assert f"n {AREA} 2014-15 ward a" in str(refused.value)
    numbers = re.findall(r"\d+", str(refused.value).replace(AREA, "").replace("2014-15", ""))
    assert numbers == []
    now = published.warehouse.current()
    assert now is not None and now.name == "1" and published.stamps == ["1"]


def test_it_passes_with_secondary_suppression_and_the_report_says_what_was_tried(
    published: Published, known: Registry
) -> None:
    rows = protected([row("2014-15", WHOLE), *wards(**SMALL)], known)
    assert [one["value"] for one in rows] == [45, None, None, 33]
    report = published.publish("1", rows)
    assert report["outcome"].startswith("passed") and report["attack"]["known_too_closely"] == 0
    # The total, three wards; two not known, in one sum.
    assert (report["attack"]["numbers"], report["attack"]["not_known"]) == (4, 2)
    assert report["attack"]["groups_of_connected_numbers"] == report["attack"]["sums"] == 1
    assert report["synthetic"] is True and "four under the rule under_5" in report["criterion"]
    (rule,) = (one for one in report["rules"] if one["rule"] == "under_8")
    assert "ed_assault" in rule["sources"] and rule["values_left_at_least"] == 7


def test_a_small_number_that_is_shown_is_refused(published: Published) -> None:
    with pytest.raises(Refused, match=f"n {AREA} 2014-15 ward a"):
        published.publish("1", wards(a=4, b=5))
    published.publish("1", wards(a=0, b=5))


def test_three_hidden_ones_need_more_room_than_two(known: Registry) -> None:
    """1 + 1 + 3 = 5 leaves 1 to 3 of each: the 8 goes with them. 1 + 4 leaves 1 to 4."""
    shown = protected([row("2014-15", 33), *wards(a=1, b=1, c=3, d=8, e=20)], known)
    assert [one["value"] for one in shown] == [33, None, None, None, None, 20]
    shown = protected([row("2014-15", 33), *wards(a=1, b=4, d=8, e=20)], known)
    assert [one["value"] for one in shown] == [33, None, None, 8, 20]


# April and May of hate crimes are hidden, 5 of 6 crimes and 4 of 5: no sum has one unknown number,
# and no two sums say more of one. But 6 + 5 - 5 - 4 = 2 crimes of the two months are of no hatred,
# so that each month has none, one or two of them.
NESTED = [
    *(row("2014M04", None), row("2014M05", None), row("2014M06", 30), row("2014-15", 39)),
    *(
        row(label, count, indicator="wider")
        for label, count in (("2014M04", None), ("2014M05", None), ("2014M06", 70), ("2014-15", 81))
    ),
]
for one in NESTED:
    if one["period"] == "2014-15":
        one |= {"coverage_end": date(2014, 6, 30), "months_covered": 3, "complete": False}


def test_what_only_several_tables_together_reveal_is_refused_and_hidden_with_more(
    published: Published, known: Registry
) -> None:
    with pytest.raises(Refused, match=f"n {AREA} 2014M04 all all"):
        published.publish("1", NESTED)
    true = {("n", "2014M04"): 5, ("n", "2014M05"): 4}
    true |= {("wider", "2014M04"): 6, ("wider", "2014M05"): 5}
    rows = []
    for drawn in NESTED:
        count = true.get((drawn["indicator"], drawn["period"]), drawn["value"])
        said = dict.fromkeys(("numerator", "value"), count)
        shown = {"obs_status": "A", "suppressed_reason": None}
        rows.append({**drawn, **said, **shown})
    published.publish("1", protected(rows, known))


def test_rounded_tables_pass(tmp_path: Path, known: Registry) -> None:
    """40 of 45 as they read to the nearest five are 38 to 42 of 43 to 47: what is hidden beside
    them is 1 to 9. Exact, they would leave 5."""
    hospital = replace(known.sources["police_crime"], disclosure="hospital")
    other = replace(known, sources={**known.sources, "police_crime": hospital})
    rows = [row("2014-15", 46), *wards(a=6, b=40)]
    shown = protected(rows, other)
    assert [one["value"] for one in shown][2] in (40, None) and shown[1]["value"] is None
    Published(tmp_path, other).publish("1", [row("2014-15", 45), *wards(a=None, b=40)])
    with pytest.raises(Refused):
        Published(tmp_path / "exact", known).publish(
            "1", [row("2014-15", 43), *wards(a=None, b=40)]
        )


def test_rows_of_a_file_are_counted_too(tmp_path: Path, known: Registry) -> None:
    """A file of the emergency department with 3 rows, and one whose months are hidden but for its
    own number of rows."""
    attended = replace(COUNT, numerator=Part("ed_assault"))
    published = Published(tmp_path, replace(known, indicators={"n": attended}))
    unit = {"extract_id": "x", "unit": "Southampton", "period": "2014M04", "status": "counted"}
    with pytest.raises(Refused, match="ed_assault Southampton 2014M04 extract x"):
        published.publish("1", [row("2014M04", 30)], [{**unit, "rows": 3}])
    published.publish("1", [row("2014M04", None)], [{**unit, "rows": None}])


# --- and those before --------------------------------------------------------------------------

MONTHS = [9, 30, 8, 0, 10, 11, 12, 13, 14, 15, 16]


def months(march: float | None = None) -> list[dict[str, Any]]:
    """April to February, and March where it has come; the year so far."""
    counts = {f"{2014 + (at > 8)}M{(at + 3) % 12 + 1:02d}": float(n) for at, n in enumerate(MONTHS)}
    rows = [row(label, n) for label, n in counts.items()]
    total = sum(MONTHS)
    if march is None:
        end = {"coverage_end": date(2015, 2, 28), "months_covered": 11, "complete": False}
        return [*rows, {**row("2014-15", total), **end}]
    return [*rows, row("2015M03", march), row("2014-15", total + march)]


def test_a_release_that_reveals_by_difference_is_refused(
    published: Published, known: Registry
) -> None:
    """The year to February has 138; with 3 in March it has 141. March is hidden, and June's 8 with
    it; but the release before shows June."""
    published.publish("1", protected(months(), known))
    second = protected(months(3.0), known)
    assert [one["period"] for one in second if one["value"] is None] == ["2014M06", "2015M03"]
    with pytest.raises(Refused) as refused:
        published.publish("2", second)
    assert "together with 1 what is shown" in str(refused.value)
    assert f"n {AREA} 2015M03 all all" in str(refused.value)
    assert published.stamps == ["1"]


def test_what_was_told_before_is_no_protection_so_that_another_number_is_hidden(
    published: Published, known: Registry
) -> None:
    """The total of the year, which nobody was told yet."""
    published.publish("1", protected(months(), known))
    second = protected(months(3.0), known, published.told)
    hidden = [one["period"] for one in second if one["value"] is None]
    assert hidden == ["2014M06", "2015M03", "2014-15"]
    report = published.publish("2", second)
    assert report["attack_with_earlier_releases"]["releases"] == ["1"]


def test_what_earlier_releases_give_away_by_themselves_bars_no_other(
    published: Published, known: Registry
) -> None:
    """The release of code without an audit shows all months and the year, March with 3 among them.
    Whoever has it knows March; who has the next alone does not: June is hidden there, as it is in
    a release without any before it, though hiding what was told protects nothing from the other."""
    published.publish("1", months(3.0), audited=False)
    sql = attacking.statements(known, known.indicators)
    kept = attacking.earlier(published.warehouse.releases, synthetic=True)
    away = attacking.given_away(known, kept, sql, {})
    assert [(one.first, one.last) for one in away] == [(date(2015, 3, 1), date(2015, 3, 31))]
    second = protected(months(3.0), known, published.told, away)
    assert second == protected(months(3.0), known)
    assert [one["period"] for one in second if one["value"] is None] == ["2014M06", "2015M03"]
    report = published.publish("2", second)
    assert report["attack_with_earlier_releases"]["known_from_earlier_releases_alone"] == 1
    assert report["outcome"].endswith("but for what follows from earlier releases alone")
    with pytest.raises(Refused, match="2015M03"):  # the next by itself must withstand all the same
        published.publish("3", months(3.0))


def test_what_changed_since_is_not_what_was_told(published: Published, known: Registry) -> None:
    """June was 8, and is 2 now; March is 3. That the year has 135, 5 more than the others, says
    that June did not stay 8: that the two are 5 together is all there is, 1 to 4 of each."""
    published.publish("1", protected(months(), known))
    second = months(3.0)
    for one in second:
        if one["period"] in ("2014M06", "2015M03"):
            one |= row(one["period"], None)
        elif one["period"] == "2014-15":
            one |= row("2014-15", 135.0)
    published.publish("2", second)
    less = [one if one["period"] != "2014-15" else row("2014-15", 134.0) for one in second]
    with pytest.raises(Refused, match="2014M06"):  # 1 to 3 of each
        published.publish("3", less)


def test_releases_of_made_up_extracts_tell_nothing_of_real_ones(
    published: Published, known: Registry
) -> None:
    published.publish("1", protected(months(), known))
    assert attacking.earlier(published.warehouse.releases, synthetic=False) == []


# --- at random, and the sample -----------------------------------------------------------------

COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=7)


@given(by_ward=COUNTS, by_month=st.lists(st.integers(0, 40), min_size=2, max_size=9))
@hypothesis_settings(max_examples=60, deadline=None)
def test_what_the_pipeline_hides_of_any_table_withstands_and_no_range_is_wrong(
    known: Registry, by_ward: list[int], by_month: list[int]
) -> None:
    total, wider = sum(by_month), "wider"
    rows = [row(f"2014M{at:02d}", n) for at, n in enumerate(by_month, 4)]
    end = rows[-1]["coverage_end"]
    rows += [row("2014-15", total), row("2014-15", total + 3, indicator=wider)]
    for one in rows[-2:]:
        one |= {"complete": False, "months_covered": len(by_month), "coverage_end": end}
    rows += [row("2014M04", by_month[0] + 2, indicator=wider), row("2013-14", sum(by_ward))]
    rows += [row("2013-14", n, f"w{at}") for at, n in enumerate(by_ward)]
    shown = protected(rows, known)
    seen, true = Outsider(known), Outsider(known)
    seen.read_values(shown)
    true.read_values(rows)
    seen.add_up()
    judged = seen.judged()
    assert judged.narrow == {} and judged.contradictory == []
    for number, (low, high) in true.ranges.items():
        least, most = seen.ranges[number]
        assert least <= low == high <= most


def _read(made: Path, known: Registry, restricted: bool) -> Outsider:
    now = Warehouse(made / "warehouse").current()
    assert now is not None
    one = Outsider(known)
    with warehouse.opened(now, restricted) as connection:
        under = sorted(shareable.rules(known.indicators, known.sources))
        attacking.read(one, connection, under)
    one.add_up(outsider.members(known.areas.member_rows()))
    return one


def test_every_sum_that_the_attack_on_the_sample_rests_on_holds(whole_sample: Path) -> None:
    """By the restricted database, which has every number: an attack with a wrong sum proves
    nothing."""
    declared = registry.load()
    attacked = _read(whole_sample, declared, restricted=False)
    true = _read(whole_sample, declared, restricted=True)
    truth = {number: low for number, (low, high) in true.ranges.items() if low == high}
    checked = 0
    for line in attacked.lines:
        unknown = [number for number, _ in line.terms if number not in truth]
        if unknown:
            continue
        total = sum(by * truth[number] for number, by in line.terms)
        assert line.low - 0.01 <= total <= line.high + 0.01, line
        checked += 1
    assert checked > 1000
    for number, (low, high) in attacked.ranges.items():
        assert number not in truth or low - 0.01 <= truth[number] <= high + 0.01, number


def test_the_sample_was_audited_and_would_not_pass_without_what_is_hidden_beside(
    whole_sample: Path,
) -> None:
    now = Warehouse(whole_sample / "warehouse").current()
    assert now is not None
    report = json.loads((now / "public" / audit.FILE).read_text(encoding="utf-8"))
    assert report["outcome"].startswith("passed")
    assert report["attack"]["not_known"] > 1000 and report["attack"]["linear_programmes"] > 0
    one = _read(whole_sample, registry.load(), restricted=True)
    for number, (low, high) in list(one.ranges.items()):
        rule = one.rules.get(number)
        if rule and low == high and rule.hides(low):
            one.ranges[number] = outsider.NOT_NOTHING
    assert len(one.judged().narrow) > 100


# --- small areas -------------------------------------------------------------------------------


def test_small_areas_of_domestic_abuse_and_young_people_wait_for_a_signature() -> None:
    found = registry.load()
    abuse = replace(found.indicators["domestic_abuse_crime_count"], by=("ward", "hour_of_week"))
    known = replace(found, indicators={**found.indicators, abuse.indicator: abuse})
    kinds = withheld.by_indicator(known)
    assert list(kinds) == ["domestic_abuse_crime_count"]  # not all crimes by ward
    values = pd.DataFrame(
        [
            row("2014-15", 90.0, ward, indicator=abuse.indicator, dimension=dimension)
            for ward, dimension in (("all", "all"), ("Bevois", "ward"), ("Mon 00", "hour_of_week"))
        ]
    )
    shown = withheld.without(values, kinds, shareable.FIGURES)
    assert shown["value"].isna().tolist() == [False, True, False]
    assert shown["obs_status"][1] == "C"
    assert "domestic abuse, which nobody has signed off" in shown["suppressed_reason"][1]
    signed = SignOff(abuse.indicator, ("ward",), "Head of community safety", date(2015, 11, 20))
    assert withheld.by_indicator(withheld.proven(known, [signed]), [signed]) == {}
    for wrong in (replace(signed, indicator="n"), replace(signed, dimensions=("lsoa",))):
        with pytest.raises(Refused, match="names a table of small areas that is withheld"):
            withheld.proven(known, [wrong])
    for key in ("custody_rate", "looked_after_convicted", "marac_case_rate"):
        assert withheld.topic(found.indicators[key])
    assert withheld.topic(found.indicators["domestic_burglary_police_count"]) is None


def test_a_sign_off_is_read_from_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "safecity.toml"
    usual = 'area_code = "E06000045"\narea_name = "Southampton"\nyear = "2014-15"\n[sign_off.n]\n'
    file.write_text(usual + 'dimensions = ["ward"]\nby = "A role"\non = 2015-11-20\n')
    (found,) = settings.load(file).sign_off
    assert found == SignOff("n", ("ward",), "A role", date(2015, 11, 20))
    for wrong in ('dimensions = ["ward"]', 'dimensions = []\nby = "A"\non = 2015-11-20'):
        file.write_text(usual + wrong)
        with pytest.raises(Refused, match=r"sign_off\.n"):
            settings.load(file)

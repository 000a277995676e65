"""The analyst's own words: keys, what they stand for, what is refused, what must be read again.

Here: the parser, words from drawn figures, numbers that were typed, and the way of changed words
into a release. Not here: how a figure is computed or hidden (`test_measure`, `test_disclosure`).
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_edition import CITY, YEAR, edition, finding, hidden, value
from small_folder import refresh_databases, write_small
from typer.testing import CliRunner

from safecity_pipeline import cli, registry, settings, tables, typed
from safecity_pipeline.model import Refused
from safecity_pipeline.publish import markdown, narrative
from safecity_pipeline.publish.narrative import Section
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.narrative import (
    Accepted,
    Narrative,
    Passage,
    load,
    pieces,
    read_key,
    sections_of,
    write,
)
from safecity_pipeline.registry.narrative import (
    typed as typed_in,
)
from safecity_pipeline.warehouse import Warehouse

VALUES = [
    value("violence_count", "2013-14", 5520.0),
    value("violence_count", YEAR, 6928.0, lower_95=6765.8, upper_95=7093.2),
    value("calls_for_service_count", YEAR, 59420.0),
    value("burglary_rate", YEAR, 13.5649, numerator=3301.0, lower_95=13.1, upper_95=14.03),
    value("recorded_crime_count", YEAR, 5576.0, "ward/Quayside"),
    value("repeat_victims_share", YEAR, 47.04, "victim_sex/female"),
    hidden("hate_crime_count", YEAR, "hate_strand/disability"),
    hidden("hate_crime_count", YEAR),
    value("drug_admissions", "2013CY", 90.0),
    value("asb_incidents_count", YEAR, 99.0, complete=False, obs_status="E"),
]
FINDINGS = [
    finding(
        "violence_count",
        status="definition_changed",
        broken_by="D22",
        change=25.507,
        change_lower_95=21.147,
        change_upper_95=30.024,
        comparable_change=-0.2,
        comparable_lower_95=-13.2,
        comparable_upper_95=14.7,
    ),
    finding("calls_for_service_count", change=-12.34, change_lower_95=-15.0, change_upper_95=-9.6),
    finding("burglary_rate", change=0.4, change_lower_95=-2.0, change_upper_95=3.0),
    finding(
        "burglary_rate",
        comparison="peer_rank",
        rank_high=2,
        rank_best=14,
        rank_of=15,
        rank_lower_95=1,
        rank_upper_95=3,
    ),
    finding("hate_crime_count", status="suppressed"),
]
DRAWN = {tables.INDICATOR_VALUE: VALUES, tables.FINDING: FINDINGS}


def words(text: str, accepted: Mapping[str, str] | None = None) -> Narrative:
    """A narrative of one section."""
    kept = tuple(Accepted("summary", key, said) for key, said in (accepted or {}).items())
    passage = Passage(YEAR, "summary", "narrative/2014-15/summary.md", text)
    return Narrative({"summary": "Summary"}, (passage,), {YEAR: kept})


def read(known: Registry, one: Narrative, audience: str = "public") -> Section:
    with edition(known, DRAWN, audience, narrative=one) as drawn:
        (section,) = narrative.sections(drawn)
        return section


def said(known: Registry, key: str) -> str:
    return read(known, words(f"[[{key}]]")).paragraphs[0].text


# --- the parser ----------------------------------------------------------------------------------

PROSE = st.text(st.one_of(st.sampled_from("[[]]:@/=_#*`>-1. \n"), st.characters(codec="utf-8")))
KEYS = st.sampled_from(
    [
        "[[a_b:value]]",
        "[[a_b@2013-14/ward=St. Mary's & Co:rank]]",
        "[[ a_b : change ]]",
        "[[x y:z]]",
    ]
)


@given(st.lists(st.one_of(PROSE, KEYS)).map("".join))
def test_nothing_of_the_prose_is_lost_and_a_key_knows_its_line(text: str) -> None:
    found = list(pieces(text))
    assert "".join(one.text for one in found) == text
    for place, one in enumerate(found):
        assert one.line == "".join(before.text for before in found[:place]).count("\n") + 1
        assert (one.key is not None) == bool(one.key and read_key(one.text[2:-2]))


@given(PROSE)
def test_html_has_every_word_of_the_prose_and_no_tag_of_it(text: str) -> None:
    made = "".join(markdown.to_html([(one.text, None)], 3) for one in markdown.blocks(text))
    tags = r"</?(?:p|h[3-6]|ul|ol|li|strong|em|code|blockquote)>|<ol start=\"\d+\">"
    shown = re.sub(tags, "", made)
    assert "<" not in shown and ">" not in shown

    def bare(of: str) -> str:
        return re.sub(r"[\W\d_]", "", of)

    unescaped = re.sub(r"&(?:amp|lt|gt|quot|#x27|#57344);", "", shown)
    assert bare(unescaped) == bare(text)


@pytest.mark.parametrize("no_key", ["[[see below]]", "[[Note: later]]", "[1]", "[[1]]", "[[a_b]"])
def test_brackets_that_hold_no_key_stay_as_they_are(known: Registry, no_key: str) -> None:
    assert read(known, words(f"As {no_key} says.")).paragraphs[0].text == f"As {no_key} says."


# --- what a key stands for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "stands_for"),
    [
        ("violence_count:value", "6,928 crimes"),
        ("violence_count:previous", "5,520 crimes"),
        ("violence_count@2013-14:value", "5,520 crimes"),
        ("violence_count:interval", "likely between 6,766 and 7,093 crimes"),
        ("burglary_rate:value", "13.56 per 1,000 residents"),  # two decimals are declared
        ("burglary_rate:number", "3,301"),
        (
            "burglary_rate:change",
            "no clear change (+0.4%, likely between -2.0% and +3.0%) on 2013/14",
        ),
        (
            "burglary_rate:rank",
            "2nd highest of 15 (likely between 1st and 3rd highest); position 14 where 1 is best",
        ),
        ("calls_for_service_count:change", "down 12.3% (likely between 9.6% and 15.0%) on 2013/14"),
        ("recorded_crime_count/ward=Quayside:value", "5,576 crimes"),
        ("repeat_victims_share/victim_sex=female:value", "47.0%"),
        ("drug_admissions:value", "90 admissions (2013)"),
        ("asb_incidents_count:value", "99 incidents (April 2014 to March 2015 only) [e]"),
        ("violence_count@2011-12:value", "no figure (there is none for 2011/12) [x]"),
        (
            "recorded_crime_count/ward=quaysid:value",
            "no figure (there is no ward quaysid in 2014/15; did you mean Quayside?) [x]",
        ),
    ],
)
def test_a_key_is_worded_with_its_own_decimals_and_unit(
    known: Registry, key: str, stands_for: str
) -> None:
    assert said(known, key) == stands_for


def test_a_broken_change_cannot_be_used_bare(known: Registry) -> None:
    assert said(known, "violence_count:change") == (
        "recorded 25.5% more than in 2013/14 (likely between +21.1% and +30.0%), which is not like "
        "for like: what is counted, or how, changed in between (15 January 2014 to 30 November "
        "2014: police forces record crime more fully, D22); allowing for the change in recording: "
        "no clear change (-0.2%, likely between -13.2% and +14.7%) [b]"
    )


@pytest.mark.parametrize("part", ["value", "number", "interval", "change"])
def test_a_suppressed_figure_becomes_its_reason_and_a_mark(known: Registry, part: str) -> None:
    found = said(known, f"hate_crime_count:{part}")
    assert "not shown" in found or "its publisher suppressed it" in found
    assert found.endswith(" [c]") and not re.search(r"\d", found)
    shown = read(known, words(f"[[hate_crime_count:{part}]]")).paragraphs[0].html
    why = "not shown, for a reason that stands beside it"
    assert shown.endswith(f' <abbr title="{why}">[c]</abbr></p>')


def test_prose_is_escaped_and_figures_are_no_markdown(known: Registry) -> None:
    text = "# <b>Top</b>\n\n- **[[violence_count:value]]** & *more*\n- `[[x_y]]`\n\n> 5 < 6"
    with edition(known, DRAWN, narrative=words(text)) as drawn:
        assert narrative.fragments(drawn) == {
            "summary": "<h3>&lt;b&gt;Top&lt;/b&gt;</h3>\n"
            "<ul><li><strong>6,928 crimes</strong> &amp; <em>more</em></li>"
            "<li><code>[[x_y]]</code></li></ul>\n"
            "<blockquote><p>5 &lt; 6</p></blockquote>"
        }


# --- what must be read again ---------------------------------------------------------------------


def test_a_figure_that_moved_marks_its_paragraph_and_no_other(known: Registry) -> None:
    text = "Violence: [[violence_count:value]].\n\nCalls: [[calls_for_service_count:value]]."
    kept = {
        "violence_count:value": "6,900 crimes",
        "calls_for_service_count:value": "59,420 incidents",
    }
    section = read(known, words(text, kept))
    assert [one.for_review for one in section.paragraphs] == [True, False]
    shown = narrative.fragment(section)
    assert shown.count("For review") == 1 and "6,900" not in shown  # it may be hidden since
    now = {one.key: one.words for one in narrative.accepted_now(section)}
    assert [one.for_review for one in read(known, words(text, now)).paragraphs] == [False, False]


def test_a_figure_that_was_never_accepted_has_not_moved(known: Registry) -> None:
    (paragraph,) = read(known, words("[[violence_count:value]]")).paragraphs
    assert (paragraph.for_review, paragraph.figures[0].accepted) == (False, None)


def test_what_only_partners_may_see_is_not_for_review_where_they_see_it(known: Registry) -> None:
    one = words(
        "[[violence_count:value]]", {"violence_count:value": "no figure (for partners) [c]"}
    )
    assert not read(known, one, "partners").paragraphs[0].for_review
    assert read(known, one).paragraphs[0].for_review


# --- what is refused -----------------------------------------------------------------------------


def loaded(known: Registry, beside: Path, text: str, name: str = "summary.md") -> Narrative:
    file = beside / "narrative" / YEAR / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return load(beside, known.indicators, known.assessments)


@pytest.mark.parametrize(
    ("text", "rule", "repair"),
    [
        ("a\n[[violense_count:value]]", "unknown indicator: violense_count", "violence_count"),
        ("a\n[[violence_count:chang]]", "unknown part of a figure: chang", "change"),
        ("a\n[[violence_count@2013-15:value]]", "not a period", "@2013-14"),
        ("a\n[[violence_count/ward=X:value]]", "unknown breakdown of violence_count: ward", "hour"),
        ("a\n[[violence_count:rank]]", "violence_count has no rank", "value"),
        ("a\n[[violence_count]]", "a key says what of it", "[[violence_count:value]]"),
    ],
)
def test_a_key_that_names_nothing_is_refused_by_file_line_and_spelling(
    known: Registry, tmp_path: Path, text: str, rule: str, repair: str
) -> None:
    with pytest.raises(Refused) as refused:
        loaded(known, tmp_path, text)
    assert refused.value.rule.startswith(rule)
    assert refused.value.place == "narrative/2014-15/summary.md, line 2"
    assert repair in str(refused.value.repair)


def test_sections_are_those_of_the_priorities_and_others_are_refused(
    known: Registry, tmp_path: Path
) -> None:
    listed = list(sections_of(known.assessments))
    assert listed[:2] == ["summary", "crime"]
    assert listed[-3:] == ["residents", "gaps", "methods"]
    with pytest.raises(Refused, match=r"did you mean residents\.md"):
        loaded(known, tmp_path, "Words.", "resident.md")
    (tmp_path / "narrative" / YEAR / "resident.md").unlink()
    found = loaded(known, tmp_path, "Words.", "gaps.md")
    assert [(one.section, one.text) for one in found.passages] == [("gaps", "Words.")]


def test_what_was_accepted_is_read_as_it_was_written(known: Registry, tmp_path: Path) -> None:
    kept = [Accepted("summary", "a/b=c, d:value", 'between "1" and\n2'), Accepted("gaps", "x", "é")]
    folder = tmp_path / "narrative" / YEAR
    folder.mkdir(parents=True)
    write(folder / "figures.csv", kept)
    found = load(tmp_path, known.indicators, known.assessments)
    assert (found.accepted or {})[YEAR] == tuple(sorted(kept, key=lambda one: one.section))


# --- numbers that were typed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prose", "numbers"),
    [
        ("It rose by 12.5% to 8,560, of 9.", ["12.5", "8,560", "9"]),
        ("In 2014/15, 2013-14 and 2012 there were 7.", ["7"]),
        ("On 1 April 2014, 01/04/2014, 2014-04-01 and 3rd May.", []),
        ("1. First\n2) Second\n> 3. Third\n## 4. Fourth", []),
        ('See "Crime in 99 cities", `17`, C01, 3a and [[violence_count@2013-14:value]].', []),
        (
            "Down -3.2 points (from +4), 20-30 or 5\u20136, COVID-19",
            ["-3.2", "+4", "20", "30", "5", "6"],
        ),
    ],
)
def test_typed_numbers_are_found_and_what_is_none_is_not(prose: str, numbers: list[str]) -> None:
    assert [one.text for one in typed_in(prose)] == numbers


def test_a_typed_number_that_matches_no_finding_is_a_warning_by_file_and_line(
    known: Registry,
) -> None:
    matches = typed.figures(known.indicators, VALUES, FINDINGS, YEAR)
    prose = "Violence: 6,928, up from 5520.\n\nOr was it 6,929?"
    found = typed.check(words(prose).passages, matches)
    assert (found.passed, found.severity, found.failed_rows) == (False, "WARN", 1)
    assert "narrative/2014-15/summary.md, line 3" in found.message
    assert "6,929" not in found.message and "line 1" not in found.message
    assert [one.written for one in typed.suggested("6,928", matches, ())] == [
        "violence_count:value"
    ]
    assert [one.written for one in typed.suggested("5520", matches, ())] == [
        "violence_count:previous"
    ]
    assert typed.check(words("[[violence_count:value]] in 2014/15").passages, matches).passed


def test_the_check_does_not_look_at_guarded_figures(known: Registry) -> None:
    seen = set(typed.unguarded(known.indicators, known.sources))
    assert "burglary_rate" in seen and "hate_crime_count" not in seen


# --- into a release ------------------------------------------------------------------------------

TOML = f'area_code = "{CITY}"\narea_name = "Southampton"\nyear = "2014-15"\nas_of = 2015-11-30\n'


def test_changed_words_make_a_new_release_and_a_refresh_gives_what_a_clean_run_gives(
    tmp_path: Path,
) -> None:
    write_small(tmp_path / "raw")
    file = tmp_path / "narrative" / YEAR / "summary.md"
    file.parent.mkdir(parents=True)
    (tmp_path / "safecity.toml").write_text(TOML, encoding="utf-8")
    file.write_text("Drugs: [[drug_offences_rate:number]], or 12345.", encoding="utf-8")
    chosen = settings.load(tmp_path / "safecity.toml")
    assert refresh_databases(chosen).facts["published"]
    assert _typed(chosen) == [(False, 1)]
    assert not refresh_databases(chosen).facts["published"]

    listed = _command(tmp_path, "narrative")
    assert "[[drug_offences_rate:number]] new: 5 (April to May 2014 only)" in listed
    assert "12345 is typed; it matches no finding" in listed
    assert "1 figure accepted" in _command(tmp_path, "narrative", "--accept")
    assert "[[drug_offences_rate:number]] accepted: 5" in _command(tmp_path, "narrative")

    file.write_text("Drugs: [[drug_offences_rate:number]].", encoding="utf-8")
    assert refresh_databases(chosen).facts["published"]
    assert _typed(chosen) == [(True, 0)]
    clean = registry.load(tmp_path / "safecity.toml").release_digest
    assert (Warehouse(chosen.warehouse).release_facts() or {})["registry"] == clean


def _typed(chosen: settings.Settings) -> list[tuple[bool, int]]:
    connection = Warehouse(chosen.warehouse).read_release()
    try:
        return connection.execute(
            "SELECT passed, failed_rows FROM meta.check_result WHERE check_name = 'typed_number'"
        ).fetchall()
    finally:
        connection.close()


def _command(folder: Path, *arguments: str) -> str:
    told = ["--config", str(folder / "safecity.toml"), "--warehouse", str(folder / "warehouse")]
    found = CliRunner().invoke(cli.app, [*arguments, *told])
    assert found.exit_code == 0, found.output
    return found.output

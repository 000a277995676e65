"""thresholds.csv: every rule across rows has one line, and every line a rule."""

from dataclasses import replace
from pathlib import Path

import pytest

from safecity_pipeline import sources
from safecity_pipeline.model import CrossRow, Refused, Source
from safecity_pipeline.registry import Registry, thresholds

HEAD = "source,rule,severity,threshold,meaning\n"


def ruled(known: Registry, *rules: CrossRow) -> dict[str, Source]:
    """The packaged sources, one of them with these rules in place of its own."""
    found = sources.discover()
    return {**found, "population": replace(known.sources["population"], across=rules)}


def bound(known: Registry, folder: Path, lines: str, *rules: CrossRow) -> tuple[CrossRow, ...]:
    (folder / "thresholds.csv").write_text(HEAD + lines, encoding="utf-8")
    return thresholds.bind(ruled(known, *rules), folder)["population"].across


def test_every_packaged_rule_has_its_line(known: Registry) -> None:
    rules = [rule for source in known.sources.values() for rule in source.across]
    assert rules
    assert all(rule.severity in thresholds.SEVERITIES for rule in rules)


def test_a_line_gives_severity_and_threshold(known: Registry, tmp_path: Path) -> None:
    rule = CrossRow("near", "near", "SELECT 1 WHERE 2 > $threshold", over="extract")
    lines = "population,near,quarantine,2.5,what it is for\n"
    (made,) = bound(known, tmp_path, lines, rule)
    assert (made.severity, made.threshold) == ("quarantine", 2.5)


def test_a_deployments_line_goes_before_the_packaged_one(known: Registry, tmp_path: Path) -> None:
    lines = "recorded_crime,rows_even,off,,not for us\n"
    (tmp_path / "thresholds.csv").write_text(HEAD + lines, encoding="utf-8")
    made = thresholds.bind(sources.discover(), tmp_path)["recorded_crime"].across
    severities = {rule.name: rule.severity for rule in made}
    assert severities == {"rows_even": "off", "rows_even_by_force": "warn"}


NEAR = CrossRow("near", "near", "SELECT 1 WHERE 2 > $threshold", over="extract")
ODD = CrossRow("odd", "odd", "SELECT 0")


@pytest.mark.parametrize(
    ("lines", "rule", "words"),
    [
        ("", NEAR, "a rule across rows has a line"),
        ("population,far,warn,,x\n", NEAR, "no source has such a rule"),
        ("population,near,warn,,x\n", NEAR, "near needs a threshold"),
        ("population,odd,warn,3,x\n", ODD, "odd has no threshold"),
        ("population,near,loud,3,x\n", NEAR, "unknown severity"),
        ("population,near,warn,nan,x\n", NEAR, "a threshold is a number"),
        ("population,odd,quarantine,,x\n", ODD, "sends no row to quarantine"),
        ("population,odd,warn,,x\npopulation,odd,off,,x\n", ODD, "a rule has one line"),
    ],
)
def test_what_is_not_understood_is_refused(
    known: Registry, tmp_path: Path, lines: str, rule: CrossRow, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        bound(known, tmp_path, lines, rule)

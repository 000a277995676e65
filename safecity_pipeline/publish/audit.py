"""The audit of disclosure: an attack on a release, by what is published alone, before it is.

Belongs here: what the attack finds in the database of an edition, alone and beside the releases
that are kept; the refusal; and the report that stands in the release. Does not belong here: what an
outsider reads (`attacking`) and knows (`outsider`), what follows from it (`feasible`), and hiding
anything (`shareable`, `protection`): where the audit finds something, that has to be mended.

The criterion is that of statistical disclosure control, a feasibility interval held against a level
of protection: everything that is shown, with every sum that holds between numbers, leaves a hidden
number from a least to a greatest value, found by linear programmes over whole numbers. Its rule
says of itself that a hidden number is one of 1 to 4 (or 1 to 7). A number that may be so small must
leave at least as many values as that, four (or seven); one that leaves fewer is known more closely
than the rule allows, and nothing is published. What can only be great, or is 0, is no secret.

Against earlier releases: what they show counts as known still, unless the newer sums contradict it.
What follows from them alone, as where they were made under a weaker rule, is counted in the report
and not refused: whoever has them knows it, and to publish nothing would not take it back.
Not judged: what somebody knows of single people from elsewhere, and what the choice of the cells
that are hidden beside the small ones tells of these.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any

from safecity_pipeline import attacking, disclosure, outsider, shareable, withheld
from safecity_pipeline.feasible import EXACT, Judged
from safecity_pipeline.model import Refused
from safecity_pipeline.outsider import Number, Outsider, Place
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.warehouse import Warehouse

FILE = "disclosure-audit.json"
NAMED = 20  # cells in a refusal
CRITERION = (
    "By all that is shown together, and by every sum that holds between numbers, a number that is "
    "not shown leaves from a least to a greatest value. One that may be small must leave at least "
    "as many whole values as its rule leaves of a small number by itself: that is one fewer than "
    "the smallest count shown, so four under the rule under_5 and seven under under_8 or hospital. "
    "With what earlier releases show the same must hold, but for what follows from those alone. "
    "Else nothing is published."
)


@dataclass(frozen=True)
class Audit:
    """What an attack came to. `places`: cells that are known too closely. `given_away`: how many
    follow from the earlier releases alone, so that they are none of these."""

    outsider: Outsider
    judged: Judged
    places: tuple[Place, ...]
    releases: tuple[str, ...] = ()
    given_away: int = 0


def report(edition: Edition) -> str:
    """Attack an edition by itself, then with the releases that are kept; the report of it. Raises
    Refused, naming the cells, where an attack succeeds."""
    alone = by_itself(edition)
    refuse(alone)
    since = with_earlier(edition, alone)
    refuse(since)
    facts = told(edition, alone, since)
    return json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n"


def by_itself(edition: Edition) -> Audit:
    """What the release tells."""
    one = _read(edition)
    return _attacked(edition, one)


def with_earlier(edition: Edition, alone: Audit) -> Audit:
    """What it tells together with those that are kept. Where they tell nothing more, the attack on
    the release alone says it."""
    releases = Warehouse(edition.settings.warehouse).releases
    kept = attacking.earlier(releases, bool(edition.facts["synthetic"]))
    if not kept:
        return alone
    one = _read(edition)
    before = set(one.ranges)
    sql = attacking.statements(edition.registry, _under_a_rule(edition))
    names = tuple(attacking.read_again(one, kept, sql))
    if not one.learnt and before == set(one.ranges):
        return Audit(alone.outsider, alone.judged, alone.places, names)
    areas = outsider.members(edition.registry.areas.member_rows())
    return _attacked(edition, one, names, attacking.given_away(edition.registry, kept, sql, areas))


def _under_a_rule(edition: Edition) -> list[str]:
    return sorted(shareable.rules(edition.registry.indicators, edition.registry.sources))


def _read(edition: Edition) -> Outsider:
    one = Outsider(edition.registry)
    attacking.read(one, edition.connection, _under_a_rule(edition))
    return one


def _attacked(
    edition: Edition,
    one: Outsider,
    releases: tuple[str, ...] = (),
    given_away: AbstractSet[Number] = frozenset(),
) -> Audit:
    one.add_up(outsider.members(edition.registry.areas.member_rows()))
    judged = one.judged()
    narrow = judged.narrow.keys()
    known = [*(narrow - given_away), *(group[0] for group in judged.contradictory)]
    places = sorted({_place(one, number) for number in known})
    return Audit(one, judged, tuple(places), releases, len(narrow & given_away))


def _place(one: Outsider, number: Number) -> Place:
    """Where a reader finds a number; of what stands nowhere, what it is."""
    days = f"{number.first} to {number.last}"
    nowhere = Place(number.name, number.area, days, number.dimension, number.member)
    return one.places.get(number, nowhere)


def refuse(found: Audit) -> None:
    """Raises Refused where an attack succeeded, and where it could not be made."""
    if not found.places:
        return
    cells = [" ".join(one) for one in found.places[:NAMED]]
    more = len(found.places) - len(cells)
    by = f"together with {', '.join(found.releases)} " if found.releases else ""
    if found.judged.contradictory:
        raise Refused(
            "nothing is published: figures that are shown contradict one another, so that it "
            "cannot be told what they give away",
            "; ".join(cells),
            repair="find out why their sums do not hold; the last release stands",
        )
    raise Refused(
        f"nothing is published: {by}what is shown says more of cells that must not be shown than "
        "their rule allows",
        "; ".join(cells) + (f"; and {more} more" if more else ""),
        repair="the last release stands; "
        + (
            "delete the folders of these releases in the warehouse if nobody has them, or leave "
            "the breakdown out"
            if found.releases
            else "leave the breakdown out, or report this as a fault of the disclosure control"
        ),
    )


def told(edition: Edition, alone: Audit, since: Audit) -> dict[str, Any]:
    """The report: how much was attacked, by which rules and criterion, and how it ended. No count,
    and nothing of a cell."""
    return {
        "title": "Audit of disclosure",
        "release": edition.facts["stamp"],
        "edition": edition.audience,
        "synthetic": bool(edition.facts["synthetic"]),
        "criterion": CRITERION,
        "rules": list(_rules(edition)),
        "withheld_small_areas": dict(_withheld(edition)),
        "signed_off": [asdict(one) for one in edition.settings.sign_off],
        "attack": _sizes(alone),
        "attack_with_earlier_releases": {
            "releases": list(since.releases),
            **_sizes(since),
            "known_from_earlier_releases_alone": since.given_away,
        },
        "outcome": "passed: no cell is known more closely than its rule allows"
        + (", but for what follows from earlier releases alone" if since.given_away else ""),
    }


def _withheld(edition: Edition) -> Iterator[tuple[str, list[str]]]:
    """Tables of small areas that are declared and stand in the release without their figures."""
    found = withheld.by_indicator(edition.registry, edition.settings.sign_off)
    for key, (_, kinds) in found.items():
        yield key, kinds


def _rules(edition: Edition) -> Iterable[dict[str, Any]]:
    sources = edition.registry.sources.values()
    indicators = Counter(
        shareable.rule_of(one, edition.registry.sources)
        for one in edition.registry.indicators.values()
    )
    for name, rule in disclosure.RULES.items():
        yield {
            "rule": name,
            "smallest_count_shown": int(rule.least) or None,
            "rounded_to": rule.step,
            "values_left_at_least": int(rule.least - 1) if rule.least else None,
            "sources": sorted(one.name for one in sources if one.disclosure == name),
            "indicators": indicators[name],
        }


def _sizes(found: Audit) -> dict[str, int]:
    ranges = found.outsider.ranges
    unknown = [one for one, (low, high) in ranges.items() if high - low > EXACT]
    return {
        "numbers": len(ranges),
        "not_known": len(unknown),
        "sums": len(found.outsider.lines),
        "groups_of_connected_numbers": found.judged.groups,
        "linear_programmes": found.judged.programmes,
        "known_too_closely": len(found.places),
    }

"""What a refresh tells the person who started it: the ledger, the warnings, where to look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import PUBLIC, Warehouse

MOST = 3  # warnings of one source that are told


def of(settings: Settings) -> list[str]:
    """The newest release: a line or a few for each source."""
    answer = _Answers(settings)
    (stamp, synthetic), *_ = answer("SELECT stamp, synthetic FROM meta.release")
    return [
        f"Release {stamp} is published{', made from synthetic extracts' * synthetic}.",
        *_ledger(answer),
        *_warnings(answer),
        *_waived(answer),
        *_corrected(answer),
        *_claims(answer),
        *(f"  {file}" for file in _files(settings)),
    ]


def _files(settings: Settings) -> Iterator[Path]:
    """What to open: the database, and the report and workbook where there are any."""
    folder = settings.warehouse / "current" / "public"
    yield folder / PUBLIC
    yield from sorted(folder.glob("assessment-*.*"))


def _ledger(answer: _Answers) -> Iterator[str]:
    rows = answer(
        "SELECT source, count(*), count(rows_read), sum(rows_read), sum(rows_valid), "
        "sum(rows_quarantined), sum(rows_excluded) FROM meta.extract "
        "WHERE source IS NOT NULL AND status <> 'withdrawn' GROUP BY 1 ORDER BY 1"
    )
    for source, files, told, *counts in rows:
        named = f"  {source}: {files} file{'s' * (files != 1)}"
        if told < files:
            yield f"{named}; how many rows is not for the public, see the restricted meta.extract"
            continue
        read, valid, bad, out = (f"{count:,}" for count in counts)
        yield f"{named}, {read} rows read = {valid} valid + {bad} quarantined + {out} excluded"


def _warnings(answer: _Answers) -> Iterator[str]:
    """The weightiest of each source, whole periods that lack first, and how many more there are."""
    rows = answer(
        "SELECT source, message FROM meta.check_result WHERE NOT passed AND waived_by IS NULL "
        "ORDER BY source, check_name <> 'arrivals', failed_rows DESC, message"
    )
    for source, found in groupby(rows, key=itemgetter(0)):
        messages = [message for _, message in found]
        yield from (f"  look at: {source}: {message}" for message in messages[:MOST])
        if more := messages[MOST:]:
            yield f"  look at: {source}: {len(more)} more, see meta.check_result"


def _waived(answer: _Answers) -> Iterator[str]:
    """What fails and is accepted, each with who accepts it, and how many comparisons are."""
    rows = answer(
        "SELECT source, message FROM meta.check_result WHERE waived_by IS NOT NULL ORDER BY ALL"
    )
    yield from (f"  accepted: {source}: {message}" for source, message in rows)
    (count,), *_ = answer("SELECT count(*) FROM mart.finding WHERE waived_by IS NOT NULL")
    if count:
        yield f"  accepted: {count} broken comparison{'s' * (count != 1)}, see meta.waiver"


def _corrected(answer: _Answers) -> Iterator[str]:
    """What is read otherwise than it came, and who has been told."""
    rows = answer(
        "SELECT source, correction, rows, reason, reported_to, reported_on FROM meta.correction "
        "ORDER BY ALL"
    )
    for source, correction, count, reason, told, day in rows:
        much = "" if count is None else f" ({count:,} row{'s' * (count != 1)})"
        yield f"  corrected: {source}: {correction}{much}: {reason} {told} was told on {day}"


def _claims(answer: _Answers) -> Iterator[str]:
    """How many sentences of a published assessment come out, where there is one."""
    counts = dict(answer("SELECT verdict, count(*) FROM mart.claim GROUP BY 1"))
    if counts:
        words = {"reproduced": "come out as published", "differs": "differ"}
        told = [f"{counts.get(verdict, 0)} {said}" for verdict, said in words.items()]
        rest = sum(counts.values()) - sum(counts.get(verdict, 0) for verdict in words)
        yield f"  claims: {', '.join(told)}, {rest} cannot be computed, see mart.claim"


def findings(settings: Settings, most: int = 5) -> list[str]:
    """Some sentences about the assessed year: the ranks first, then the changes."""
    rows = _Answers(settings)(
        "SELECT sentence FROM mart.finding JOIN meta.release USING (area_code) "
        "WHERE period = ? "
        "AND comparison IN ('peer_rank', 'previous_year') AND value IS NOT NULL "
        "ORDER BY comparison DESC, indicator LIMIT ?",
        [settings.year, most],
    )
    return [str(row[0]) for row in rows]


class _Answers:
    """Asks the newest release, with a connection for each question."""

    def __init__(self, settings: Settings) -> None:
        self.house = Warehouse(settings.warehouse)

    def __call__(self, statement: str, given: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        connection = self.house.read_release()
        try:
            found: list[tuple[Any, ...]] = connection.execute(statement, list(given)).fetchall()
            return found
        finally:
            connection.close()

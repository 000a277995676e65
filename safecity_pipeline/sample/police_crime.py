"""Synthetic export of a police force's records system: crimes of Southampton, and a few beside it.

Here: one file a financial year, most with a row a crime, some with a row a crime, person and flag;
the first year under two other heads; the last months of 2013-14 sent again half a year later, with
more outcomes and some crimes cancelled since. The crimes are the city's, one for one; cancelled
ones, those of two districts nearby and the bad rows come on top of them.
Not here: how many crimes there are (`city`), their flags (`crime_flags`), times and places
(`crime_scenes`).
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from safecity_pipeline.sample import city, crime_flags, crime_scenes
from safecity_pipeline.sample.delivery import Delivery, compressed, lines_to_bytes, stream
from safecity_pipeline.sample.offences import OFFENCES, Offence
from safecity_pipeline.sample.plan import Plan

HEAD = (
    *("Crime Ref", "HO Code", "HO Offence", "HO Group", "HO Sub Group", "Recorded Date"),
    *("Committed From", "Committed To", "District", "Ward", "Beat", "LSOA", "Location Type"),
    *("Outcome", "Outcome Date", "First Classification", "Current Classification"),
    *("Crime Status", "Qualifiers", "Extracted On"),
)
BY_PERSON = ("2010-11", "2012-13", "2015-16")
OTHER_HEADS = {"2009-10": {"HO Code": "HO Classification Code", "District": "CSP"}}
SENT_AGAIN, AGAIN_FROM, AGAIN_ON = "2013-14", date(2014, 1, 1), date(2014, 10, 6)
NEARBY = {"Eastleigh": 240, "Portsmouth": 320}  # crimes a year
_CANCELLED_SHARE, _LATE_SHARE, _BAD_SHARE = 0.024, 0.15, 0.005
_SECOND_PERSON, _RECLASSIFIED, _OTHER_FLAG = 0.08, 0.03, 0.03
_ON_TOP, _SPOILT = 5_000_000, 9_000_000  # where the references of invented rows begin
_LAST_DAY = 800  # of the financial year's days, counted on into the years in which outcomes come
_SCENE_STREAM, _TOP_STREAM, _SPOIL_STREAM = 110, 111, 112
_NOT_COUNTED = ("Cancelled", "No-crime")
_OTHER_FLAGS = ("Youth related", "Knife", "Cyber")


@dataclass(frozen=True)
class Crimes:
    """The crimes of a financial year, as columns. `late`: cancelled after the year's own export."""

    first: date
    references: list[str]
    days: crime_scenes.Numbers
    offences: list[Offence]
    districts: list[str]
    statuses: list[str]
    late: list[bool]
    flags: list[list[str]]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return a file a year, and the one that is sent again."""
    made = []
    for year in plan.years:
        rows = _rows(plan, year)
        made.append(_file(plan, year, rows))
        if year == SENT_AGAIN:
            made.append(_again(year, rows))
    return made


# --- which crimes there are ----------------------------------------------------------------------


def _crimes(plan: Plan, year: str) -> Crimes:
    """The city's crimes, then those on top of them: like some of the city's, flags and all."""
    recorded = city.recorded(plan, year)
    first = date(int(year[:4]), 4, 1)
    chance = stream(plan.seed, _TOP_STREAM, int(year[:4]))
    top = _on_top(chance, round(len(recorded) * _CANCELLED_SHARE))
    places = chance.integers(0, len(recorded), len(top)).tolist()
    alike = [recorded[at] for at in places]
    flags = crime_flags.deal(plan, year, [one.offence for one in recorded])
    flags += [flags[at] for at in places]
    days = [(one.day - first).days for one in (*recorded, *alike)]
    late = [
        not_yet and _is_sent_again(first, day)
        for (_, _, not_yet), day in zip(top, days[len(recorded) :], strict=True)
    ]
    return Crimes(
        first,
        [one.reference for one in recorded] + _references(year, _ON_TOP, len(alike)),
        np.array(days),
        [one.offence for one in (*recorded, *alike)],
        ["Southampton"] * len(recorded) + [district for district, _, _ in top],
        _states(chance, len(recorded)) + [status for _, status, _ in top],
        [False] * len(recorded) + late,
        [_with_others(bearing, draw) for bearing, draw in _with_draws(chance, flags)],
    )


def _on_top(chance: np.random.Generator, cancelled: int) -> list[tuple[str, str, bool]]:
    """District, state, and whether it was cancelled late, of crimes that are none of the city's."""
    reasons = chance.integers(0, len(_NOT_COUNTED), cancelled).tolist()
    late = (chance.random(cancelled) < _LATE_SHARE).tolist()
    gone = zip(reasons, late, strict=True)
    found = [("Southampton", _NOT_COUNTED[reason], is_late) for reason, is_late in gone]
    for district, count in NEARBY.items():
        found += [(district, state, False) for state in _states(chance, count)]
    return found


def _states(chance: np.random.Generator, count: int) -> list[str]:
    return ["Recorded" if draw < 0.1 else "Filed" for draw in chance.random(count).tolist()]


def _is_sent_again(first: date, day: int) -> bool:
    return first.year == AGAIN_FROM.year - 1 and first + timedelta(day) >= AGAIN_FROM


def _with_draws(
    chance: np.random.Generator, flags: list[list[str]]
) -> Iterator[tuple[list[str], float]]:
    return zip(flags, chance.random(len(flags)).tolist(), strict=True)


def _with_others(flags: list[str], draw: float) -> list[str]:
    """Now and then a flag of which no indicator speaks."""
    if draw >= _OTHER_FLAG:
        return flags
    return [*flags, _OTHER_FLAGS[int(draw / _OTHER_FLAG * len(_OTHER_FLAGS))]]


def _references(year: str, start: int, count: int) -> list[str]:
    return [f"{city.FORCE_NUMBER}{year[2:4]}{start + turn:07d}" for turn in range(count)]


# --- what a row says of each ---------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """The crimes of a year as cells, joined where they stand side by side. `beginnings`: all that
    no later export changes, to the kind of place. `inquiries`: days until an outcome."""

    crimes: Crimes
    beginnings: list[str]
    outcomes: list[str]
    inquiries: list[int]
    classes: list[str]
    second_person: list[bool]
    order: list[int]
    days: list[str]

    def row(self, at: int, extracted: int, again: bool) -> str:
        """The cells of one crime before its flags, as known on a day of the financial year."""
        outcome, reached = self.outcomes[at], int(self.crimes.days[at]) + self.inquiries[at]
        told = f"{outcome},{self.days[reached]}" if outcome and reached <= extracted else ","
        not_yet = self.crimes.late[at] and not again
        status = "Recorded" if not_yet else self.crimes.statuses[at]
        return f"{self.beginnings[at]},{told},{self.classes[at]},{status}"


def _rows(plan: Plan, year: str) -> Rows:
    crimes = _crimes(plan, year)
    chance = stream(plan.seed, _SCENE_STREAM, int(year[:4]))
    scene = {one.code: crime_scenes.scene_of(one) for one in OFFENCES}
    scenes = np.array([scene[one.code] for one in crimes.offences])
    times = crime_scenes.times(chance, crimes.first, crimes.days, scenes)
    outcomes, inquiries = crime_scenes.outcomes(chance, scenes)
    kinds = crime_scenes.kinds_of_place(scenes, chance.random(len(scenes)))
    return Rows(
        crimes,
        _beginnings(crimes, times, _spots(crimes, chance), kinds),
        outcomes,
        inquiries.tolist(),
        _classes(crimes, chance),
        (chance.random(len(scenes)) < _SECOND_PERSON).tolist(),
        np.argsort(times.recorded, kind="stable").tolist(),
        [_day(crimes.first, number) for number in range(_LAST_DAY)],
    )


def _spots(crimes: Crimes, chance: np.random.Generator) -> list[str]:
    draws = chance.random(len(crimes.days))
    spots = {name: one.pick(draws) for name, one in crime_scenes.SPOTS.items()}
    return [spots[name][at] for at, name in enumerate(crimes.districts)]


def _classes(crimes: Crimes, chance: np.random.Generator) -> list[str]:
    """First and current classification: a few crimes were something else at first."""
    draws = chance.random(len(crimes.offences)).tolist()
    return [
        f"{'Not yet classified' if draw < _RECLASSIFIED else one.code},{one.code}"
        for one, draw in zip(crimes.offences, draws, strict=True)
    ]


def _beginnings(
    crimes: Crimes, times: crime_scenes.Times, spots: list[str], kinds: list[str]
) -> list[str]:
    said = {
        one.code: _quoted(one.code, one.description, one.group, one.subgroup) for one in OFFENCES
    }
    offences = [said[one.code] for one in crimes.offences]
    stamps = [_written(crimes.first, each) for each in times]
    columns = (crimes.references, offences, *stamps, spots, kinds)
    return list(map(",".join, zip(*columns, strict=True)))


def _written(first: date, times: crime_scenes.Numbers) -> list[str]:
    """Minutes of the financial year as day and time."""
    days, minutes = np.divmod(times, crime_scenes.DAY)
    earliest = crime_scenes.EARLIEST_DAY
    said = [_day(first, number) for number in range(earliest, _LAST_DAY)]
    hours = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(crime_scenes.DAY)]
    pairs = zip((days - earliest).tolist(), minutes.tolist(), strict=True)
    return [f"{said[day]} {hours[minute]}" for day, minute in pairs]


def _day(first: date, number: int) -> str:
    day = first + timedelta(number)
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def _quoted(*cells: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()


# --- files ---------------------------------------------------------------------------------------


def _file(plan: Plan, year: str, rows: Rows) -> Delivery:
    """The export of a financial year, made a fortnight after its end."""
    end = date(int(year[:4]) + 1, 4, 14)
    extracted = (end - rows.crimes.first).days
    lines, folded = _lines(rows, year, rows.order, extracted)
    spoilt = _spoilt(plan, year, rows, extracted)
    twice = len(_sent_again(rows)) if year == SENT_AGAIN else 0
    file = f"police_crime/synthetic-rms-crimes-{year}.csv.gz"
    return _delivery(file, _head(year), lines, spoilt, end, folded, twice)


def _again(year: str, rows: Rows) -> Delivery:
    """The same crimes of the year's last months, as they stand half a year later."""
    extracted = (AGAIN_ON - rows.crimes.first).days
    lines, folded = _lines(rows, year, _sent_again(rows), extracted, again=True)
    file = f"police_crime/synthetic-rms-crimes-{AGAIN_FROM:%Y-%m}-to-2014-03.csv.gz"
    return _delivery(file, _head(year), lines, [], AGAIN_ON, folded, 0)


def _sent_again(rows: Rows) -> list[int]:
    days = rows.crimes.days.tolist()
    return [at for at in rows.order if _is_sent_again(rows.crimes.first, days[at])]


def _delivery(
    file: str,
    head: str,
    lines: list[str],
    spoilt: list[str],
    extracted: date,
    folded: int,
    twice: int,
) -> Delivery:
    written = [head, *_mixed(lines, spoilt)]
    return Delivery(
        file,
        "police_crime",
        compressed(lines_to_bytes(written, "\r\n")),
        len(written),
        extracted.isoformat(),
        planted=len(spoilt),
        delivered_twice=twice,
        folded=folded,
    )


def _mixed(lines: list[str], spoilt: list[str]) -> Iterator[str]:
    """The bad rows at even distances among the others; those that must follow a row come last."""
    step = len(lines) // (len(spoilt) + 1) + 1
    bad = iter(spoilt)
    for at, line in enumerate(lines, start=1):
        yield line
        if at % step == 0:
            yield next(bad)
    yield from bad


def _head(year: str) -> str:
    heads = [OTHER_HEADS.get(year, {}).get(head, head) for head in HEAD]
    if year in BY_PERSON:
        heads[-2:] = ["Qualifier", "Person No", "Person Role", heads[-1]]
    return ",".join(heads)


def _lines(
    rows: Rows, year: str, chosen: Sequence[int], extracted: int, *, again: bool = False
) -> tuple[list[str], int]:
    """The rows of the chosen crimes, and how many of them are folded into another."""
    on = rows.days[extracted]
    told = [(rows.row(at, extracted, again), rows.crimes.flags[at], at) for at in chosen]
    if year not in BY_PERSON:
        return [f"{row},{'; '.join(flags)},{on}" for row, flags, _ in told], 0
    lines = [
        f"{row},{ending},{on}"
        for row, flags, at in told
        for ending in _persons(flags, rows.second_person[at])
    ]
    return lines, len(lines) - len(chosen)


def _persons(flags: Sequence[str], second: bool) -> Iterator[str]:
    """Flag, number and role of a crime's person, once for each flag; and of a second person."""
    for flag in flags or [""]:
        yield f"{flag},1,Victim"
    if second:
        yield f"{flags[0] if flags else ''},2,Suspect"


# --- bad rows ------------------------------------------------------------------------------------


def _spoilt(plan: Plan, year: str, rows: Rows, extracted: int) -> list[str]:
    """Rows that would be further crimes if they were not bad: of each kind in turn."""
    count = round(len(rows.order) * _BAD_SHARE)
    chance = stream(plan.seed, _SPOIL_STREAM, int(year[:4]))
    references = _references(year, _SPOILT, count)
    ending = ["", "1", "Victim"] if year in BY_PERSON else [""]
    lines = []
    for turn, at in enumerate(chance.integers(0, len(rows.order), count).tolist()):
        cells = next(csv.reader([rows.row(at, extracted, again=True)]))
        cells = [references[turn], *cells[1:], *ending, rows.days[extracted]]
        lines.append(_quoted(*_SPOILERS[turn % len(_SPOILERS)](cells)))
    if year in BY_PERSON:
        lines.append(_another_offence(rows, year, extracted))
    return lines


def _with(place: str, text: str) -> Callable[[list[str]], list[str]]:
    at = HEAD.index(place)
    return lambda cells: [*cells[:at], text, *cells[at + 1 :]]


_SPOILERS: tuple[Callable[[list[str]], list[str]], ...] = (
    _with("Recorded Date", "31/02/2014 10:15"),
    _with("HO Code", ""),
    _with("District", "Sothampton"),
    _with("LSOA", "E0195"),
    _with("Committed To", "01/01/1999 00:00"),
    _with("Crime Status", "see notes"),
    _with("Qualifiers", "Hate - raical"),
    _with("Crime Ref", "#REF!"),
    lambda cells: cells[:-3],
)


def _another_offence(rows: Rows, year: str, extracted: int) -> str:
    """A row of a crime that is there, with another offence: it cannot be the same crime."""
    first = rows.row(rows.order[0], extracted, again=False)
    cells = next(csv.reader([f"{first},,3,Witness,{rows.days[extracted]}"]))
    other = "66" if cells[1] != "66" else "46"
    return _quoted(*_with("HO Code", other)(cells))

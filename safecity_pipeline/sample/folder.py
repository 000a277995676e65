"""How the sample comes to lie in a folder: what may be overwritten, manifests, the README.

Here: everything that touches the disk.
Not here: what the files say (the sources' modules).
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from safecity_pipeline.sample.delivery import Delivery, table_to_bytes

README = "README.md"
README_TITLE = "# Synthetic sample: no row in this folder is real"
FAULTS = """\
* `looked_after_children`: in the workbook, Table LA5 has a region ten times too large, and Table
  LA4 an area that nobody knows.
* `youth_justice`: one figure is `u`, a marker that no layout declares. That cell loses its value;
  its row stays.
* `fingertips`: one value, with its interval, is ten times what its count and denominator give.
* `drugs`: in the table of admissions, the last year's numbers stand under other areas' heads. In
  the seizures of 2014-15, the heads are one column late and two are the same: that is how the
  Home Office published them, so it is no fault here and no number is lost.
* `recorded_crime`: no bad rows. Six corrections a table are taken back in the last quarter.
* `households`: one code lacks a digit, one figure stands in thousands.
* `population_by_age`: each area has one row more, of a sex or an age that does not exist.
* `police_crime`: one row in 200 has an impossible date, no offence code, a misspelt district or
  hate strand, a broken LSOA, reference or state, times in the wrong order, or is cut short. Two
  years come one row a crime, person and flag, and are folded. January to March 2014 is sent
  again, with more outcomes and some crimes cancelled.
* `police_victim`, `police_offender`, `police_arrest`: one row in 200 has an impossible age or
  date, an unknown victim, district, outcome or disposal, no identifier, or a cell too many. The
  first half of 2014-15's arrests was also sent in October 2014; the later export replaces it.
* `police_incident`: a city of a tenth of the real scale. One row in 200 has an impossible time or
  day, an unknown group or grade, a cell too many, or comes twice. 2009-10 and 2010-11 come from
  an earlier system. April to December 2014 come twice, first with fewer duplicates found.
* `ed_assault`: one row in 200 has a time of 24:30, "See notes" for a place, an assault after the
  arrival, or an unknown weapon. Twelve monthly heads stand among each year's rows, and one
  arrival in fifty has no hour.
* `peer_crime`: a group's average ten times too large; an area that nobody knows.
* `treatment`: one row of Portsmouth a year, in turn a percentage that does not fit its counts,
  counts that are swapped, or eleven months. Three periods of 2014-15 were sent twice.
* `marac`: more repeats than cases, and a "Q5". Three quarters of 2014-15 were sent twice, one of
  them estimated the first time.
* `reoffending`: a wrong percentage, a cohort of eleven months, a team that nobody knows.
* `perpetrator_programme`: more referred than identified, and an area that nobody knows. 2014-15
  was extracted twice.
* `youth_offending`: two rows a file, of eleven kinds. The closed interventions of 2013-14 were
  extracted twice. To 2010-11 they have another system's heads and words.
* `youth_summary`: a team twice in the oldest workbook, a rate ten times too large in the next.
* `safety_survey`: a test response of the year before, two answers to one question, a report of
  what was not seen; in 2015 also `yes` for 1, a response sent twice, and a question that is
  renamed.
* `mediation`: each year a case closed before it was referred; 2013-14 was sent twice.
* `partnership_action`, `programme`, `test_purchase`, `emerging_issue`: an action done without a
  day, a neighbourhood twice, a course completed without its day, a test on 31 June, an unknown
  kind of premises, a quarter Q5, an unknown issue. `late_night_levy`: none."""
MANIFEST_HEAD = ("file", "source", "period", "published_on", "rows", "synthetic")


def lay(folder: Path, deliveries: Sequence[Delivery], seed: int) -> None:
    """Write the files, a manifest beside them in each folder, and the README.

    Raises FileExistsError, before anything is written, when the folder holds what is no sample.
    """
    contents = {delivery.file: delivery.content for delivery in deliveries} | _manifests(deliveries)
    refuse_others(folder)
    _refuse_among(folder, {README, *contents})
    folder.mkdir(parents=True, exist_ok=True)
    # The README first: it marks the folder as a sample even when the rest is interrupted.
    (folder / README).write_bytes(_readme(seed).encode("utf-8"))
    for file, content in contents.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def refuse_others(folder: Path) -> None:
    """Raise FileExistsError when `folder` is a file, or holds any and is not a sample's."""
    if folder.exists() and not folder.is_dir():
        raise _refusal(folder, "is a file", folder.name)
    if not _is_sample(folder):
        _refuse_among(folder, set())


def _refuse_among(folder: Path, own: set[str]) -> None:
    held = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    # A link under one of the sample's names would have a real file overwritten elsewhere.
    foreign = [path for path in held if path.is_symlink() or _name(folder, path) not in own]
    if foreign:
        first = min(_name(folder, path) for path in foreign)
        raise _refusal(folder, "holds files that are not an earlier sample's", first)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _is_sample(folder: Path) -> bool:
    readme = folder / README
    return readme.is_file() and readme.read_bytes().startswith(README_TITLE.encode("utf-8"))


def _refusal(folder: Path, what: str, example: str) -> FileExistsError:
    return FileExistsError(
        "a sample is written only into a new or empty folder or over an earlier sample, so that "
        f"it never lies among real extracts; {folder} {what}; got: {example!r}; "
        "name another folder, or move what lies there elsewhere"
    )


def _manifests(deliveries: Sequence[Delivery]) -> dict[str, bytes]:
    """Return path -> content of each folder's manifest."""
    rows: dict[str, list[tuple[str | int, ...]]] = {}
    for one in deliveries:
        path = PurePosixPath(one.file)
        vouched = one.rows if one.vouched is None else one.vouched
        row = (path.name, one.source, one.period, one.published_on, vouched, "yes")
        rows.setdefault(f"{path.parent}/manifest.csv", [MANIFEST_HEAD]).append(row)
    return {path: table_to_bytes(table, "\n") for path, table in rows.items()}


def _readme(seed: int) -> str:
    return f"""{README_TITLE}

Every row of every file here was invented by `safecity sample` (seed {seed}). No person, no crime
and no count in it exists. Names and codes of areas, forces, offences and outcomes are the public
ones, so that the files are read like a supplier's; streets, LSOA codes (from E01900000) and
Crime IDs are made up.

Never mix these files with real extracts: keep them in a folder of their own, refresh them into a
warehouse of their own, and quote no figure that comes from them. Every extract's name begins with
`synthetic-`, and every manifest says `synthetic` = yes.

The sentences of Southampton's published assessment of 2014/15 come true in it: it was made so that
they do. Recorded violence rises by a step on 1 April 2014 because it is recorded better, and calls
for service and assaults seen in hospital do not (`--recording-step`, `--real-change`).

Every source brings the financial years from 2009-10 on, but where the real publication does not:
street-level crime begins in December 2010, self-harm in 2010/11, a cohort of reoffenders is told
two years later, the survey is held every other year, the levy began in November 2014, the third
party's outcomes are those of 2012 to 2016, and of seizures after 2014-15 no form is known.

About one street-level row in 200 is bad on purpose. Of the last six months of 2014-15 there are the
forces' own files, and a compilation that repeats some of their rows, so that refusing and counting
once can be seen at work; of all other months there is one compilation a year. The fourteen crime
types of May 2013 are used for every month, earlier ones too. Of one crime in four there is the
victim, of one in two whether it was detected: shares are right, numbers are not.

The other sources are made as hard to read as their suppliers make them, and have a few faults of
their own:

{FAULTS}

The same seed writes the same rows on every machine. To write the folder again: `safecity sample`.
"""

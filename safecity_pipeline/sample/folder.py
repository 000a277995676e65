"""How the sample comes to lie in a folder: what may be overwritten, manifests, the README.

Here: everything that touches the disk.
Not here: what the files say (the sources' modules).
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from safecity_pipeline.sample.delivery import Delivery, table_to_bytes

README = "README.md"
README_TITLE = "# Synthetic sample: no row in this folder is real"
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

About one street-level row in 200 is bad on purpose, and the compilation repeats rows that a
force's own files deliver, so that refusing and counting once can be seen at work. The fourteen
crime types of May 2013 are used for every month, April 2013 too.

The other sources are made as hard to read as their suppliers make them, and have a few faults of
their own:

* `looked_after_children`: in the workbook, Table LA5 has a region ten times too large, and Table
  LA4 an area that nobody knows.
* `youth_justice`: one figure is `u`, a marker that no layout declares. That cell loses its value;
  its row stays.
* `fingertips`: one value, with its interval, is ten times what its count and denominator give.
* `drugs`: in the table of admissions, the last year's numbers stand under other areas' heads. In
  the seizures of 2014-15, the heads are one column late and two are the same: that is how the
  Home Office published them, so it is no fault here and no number is lost.

The same seed writes the same rows on every machine. To write the folder again: `safecity sample`.
"""

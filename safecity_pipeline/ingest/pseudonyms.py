"""Identifiers of persons, replaced at the door by keyed pseudonyms.

A column of a model with `metadata={"person": True}` holds an identifier that its supplier gives to
a person. Before any rule sees it, and before anything is stored, it is replaced by the first 32
hexadecimal characters of an HMAC-SHA256; so no table, no reason and no file of a warehouse ever
holds it. The key is the deployment's own; sources of one link domain share a sub-key, so that a
person can be followed from one to the other, and into no other domain.

Belongs here: the key, the pseudonym, and what is left of a refused row of such a source. Does not
belong here: which columns name persons (the sources' models), or names, addresses and dates of
birth, which no layout may read at all.

A source whose rows are about persons, or sensitive, is guarded though it may hold no identifier: of
its refused rows only the cells that a layout reads are kept, and of one whose cells slipped none.

Rules cannot judge an identifier but for its presence: they would see the pseudonym. Where the cells
of a row have slipped, an identifier stands in a column that is none for it: of a refused row, a
cell of the shape that this supplier's identifiers have is withheld wherever it stands.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import os
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline.ingest import parse, schema, survey, transcripts
from safecity_pipeline.model import Extract, Layout, Refused, Source
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from safecity_pipeline.ingest.stage import Piece

VARIABLE, FILE_VARIABLE = "SAFECITY_PSEUDONYM_KEY", "SAFECITY_PSEUDONYM_KEY_FILE"
SHORTEST_KEY = 32  # characters; as hexadecimal digits, 128 bits
LENGTH = 32
SHORTEST_IDENTIFIER = 5  # what is shorter may be an age, a code or a flag
WITHHELD, GOT = "(withheld)", "; got: "
PROJECT = Path(__file__).resolve().parents[2]
REPAIR = (
    f"set {VARIABLE} to a secret of {SHORTEST_KEY} characters or more, such as `python -c "
    f"'import secrets; print(secrets.token_hex(32))'` prints, or {FILE_VARIABLE} to a file "
    "outside the repository that holds it, and keep it: with another key nobody can be linked to "
    "what was read before"
)
NO_KEY = str(
    Refused("it holds identifiers of persons, and there is no key to replace them", repair=REPAIR)
)


@dataclass(frozen=True)
class Key:
    """A secret. It is shown nowhere; `key_id` tells it from others."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        return hashlib.sha256(b"safecity key id\0" + self.secret).hexdigest()[:8]

    def of_domain(self, link_domain: str) -> bytes:
        """The sub-key of a link domain, from which neither the key nor another sub-key follows."""
        return hmac.digest(self.secret, b"safecity link domain\0" + link_domain.encode(), "sha256")


DEMO = Key(b"safecity demo key: published, for synthetic extracts, and protects nobody")


def from_environment() -> Key | None:
    """The deployment's key, if it has one. Raises Refused where what is named cannot be one."""
    place, text = VARIABLE, os.environ.get(VARIABLE, "").strip()
    if not text and (named := os.environ.get(FILE_VARIABLE, "").strip()):
        place, text = FILE_VARIABLE, _read(Path(named))
    elif not text:
        return None
    if len(text) < SHORTEST_KEY:
        raise Refused(f"the key has fewer than {SHORTEST_KEY} characters", place, repair=REPAIR)
    return Key(text.encode())


def _read(file: Path) -> str:
    if file.resolve().is_relative_to(PROJECT):
        raise Refused("the key lies inside the repository", FILE_VARIABLE, repair="move it out")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Refused("the key file cannot be read", FILE_VARIABLE, repair=REPAIR) from None


def throwaway() -> Key:
    """A key for figures that nobody keeps."""
    return Key(secrets.token_bytes(32))


def key_id(synthetic: bool = False) -> str:
    """Of the key in use: the published one for synthetic extracts. Empty where there is none."""
    key = DEMO if synthetic else from_environment()
    return key.key_id if key else ""


def normal(identifier: str) -> str:
    """One spelling of an identifier: without blanks, in capitals."""
    return "".join(identifier.split()).upper()


def pseudonym(identifier: str, sub_key: bytes) -> str | None:
    """What stands for an identifier; None for a blank one."""
    bare = normal(identifier).encode()
    return hmac.digest(sub_key, bare, "sha256").hex()[:LENGTH] if bare else None


def behind(source: Source) -> tuple[str, ...]:
    """What decides, beside code and rules, which pseudonyms a source's rows have."""
    return (domain(source), key_id()) if schema.personal(source) else ()


def domain(source: Source) -> str:
    return source.link_domain or source.name


class Door:
    """Where identifiers of one source's persons are replaced. `hides`: not even a pseudonym is
    shown of a refused row, for what goes back to a supplier. `guards`: of a refused row only what
    the layout reads is kept, though it may hold no identifier."""

    def __init__(self, source: Source, key: Key | None = None, hides: bool = False) -> None:
        self.source, self.key, self.hides = source, key, hides
        self.columns, self.guards = schema.personal(source), schema.guarded(source)
        self._shapes: set[str] = set()

    @classmethod
    def of(cls, source: Source) -> Door:
        """With the deployment's key, which is asked for only where it is needed."""
        return cls(source, from_environment() if schema.personal(source) else None)

    def closed_to(self, extracts: Iterable[Extract]) -> dict[str, str]:
        """Extracts that hold identifiers which nothing can replace, with the reason."""
        if not self.columns or self.key:
            return {}
        return {one.extract_id: NO_KEY for one in extracts if not one.synthetic}

    def replace(self, connection: DuckDBPyConnection, pieces: Sequence[Piece]) -> None:
        """Replace the identifiers on the stage, before anything else looks at it."""
        for column in self.columns:
            found = connection.execute(
                f"SELECT DISTINCT _extract, {column} FROM stage WHERE {column} IS NOT NULL"
            ).fetchall()
            keys = {number: self._sub_key(pieces[number].extract) for number, _ in found}
            rows = [(number, raw, pseudonym(raw, keys[number])) for number, raw in found]
            self._shapes.update(_shape(raw) for _, raw in found)
            frame = pd.DataFrame(rows, columns=["_number", "raw", "pseudonym"], dtype=object)
            connection.register("persons_now", frame.astype({"_number": "int64"}))
            connection.execute(
                f"UPDATE stage SET {column} = p.pseudonym::VARCHAR FROM persons_now AS p "
                f"WHERE stage._extract = p._number AND stage.{column} = p.raw"
            )
            connection.unregister("persons_now")

    def hush(self, connection: DuckDBPyConnection, broken: Mapping[int, Collection[int]]) -> None:
        """Have no reason quote an identifier that stands where none belongs. `broken`: rows of
        which nothing is known to stand where it belongs, by number of the piece."""
        if not self.guards:
            return
        others = [name for name in self.source.schema.columns if name not in self.columns]
        refused = connection.execute(
            f"SELECT _extract, _row, [{', '.join(others)}] FROM stage "
            "SEMI JOIN (SELECT _extract, _row FROM bad) USING (_extract, _row)"
        ).fetchall()
        hushed = [
            (number, row)
            for number, row, cells in refused
            if row in broken.get(number, ()) or any(self._may_name(one) for one in cells if one)
        ]
        if hushed:
            connection.register("hushed", pd.DataFrame(hushed, columns=["_extract", "_row"]))
            connection.execute(
                f"UPDATE bad SET reason = split_part(reason, {quoted(GOT)}, 1) "
                "FROM hushed AS h WHERE bad._extract = h._extract AND bad._row = h._row"
            )
            connection.unregister("hushed")

    def _may_name(self, cell: str) -> bool:
        return len(normal(cell)) >= SHORTEST_IDENTIFIER and _shape(cell) in self._shapes

    def _sub_key(self, extract: Extract) -> bytes:
        key = DEMO if extract.synthetic else self.key
        if key is None:
            raise RuntimeError(f"{self.source.name}: rows of persons passed without a key")
        return self._sub_keys[key]

    @cached_property
    def _sub_keys(self) -> dict[Key, bytes]:
        known = [key for key in (DEMO, self.key) if key]
        return {key: key.of_domain(domain(self.source)) for key in known}

    def received(self, piece: Piece, row: str, whole: bool) -> str | None:
        """What is kept of a refused row, as it came: the cells that the layout reads, with
        pseudonyms in place of identifiers. Of columns that it does not read nothing is known, so
        they may name somebody; of a row that is not `whole` that holds for every cell."""
        cells = _cells(row, piece) if whole else None
        if cells is None:
            return None
        heads = [*piece.reading.head, *("" for _ in cells)]
        shown = [self._shown(cell, head, piece) for head, cell in zip(heads, cells, strict=False)]
        return written(shown, _delimiter(piece))

    def _shown(self, cell: str, head: str, piece: Piece) -> str:
        column = piece.layout.columns.get(head)
        if not cell.strip():
            return ""
        if column in self.columns:
            return WITHHELD if self.hides else pseudonym(cell, self._sub_key(piece.extract)) or ""
        if column is None and survey.wide_label(piece.layout, head) is None:
            return WITHHELD
        return WITHHELD if self._may_name(cell) else cell


def _shape(identifier: str) -> str:
    """How an identifier looks: N1234567 as A9999999."""
    shape = normal(identifier).translate(parse.AS_SHAPE)
    return shape if shape.isascii() else re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", shape))


def _cells(row: str, piece: Piece) -> list[str] | None:
    try:
        lines = csv.reader(io.StringIO(row, newline=""), delimiter=_delimiter(piece), strict=True)
        found = list(lines)
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None


def _delimiter(piece: Piece) -> str:
    """Rows of a transcript are written with commas, whatever the layout says of texts."""
    layout: Layout = piece.layout
    return "," if transcripts.needed(piece.extract.path, layout) else layout.delimiter


def written(cells: Sequence[str], delimiter: str = ",") -> str:
    """Cells as a line of delimited text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="", delimiter=delimiter).writerow(cells)
    return out.getvalue()

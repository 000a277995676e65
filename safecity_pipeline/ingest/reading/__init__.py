"""Workbooks and parquet → one plain CSV a sheet, made in a guarded child process.

Belongs here: turning cells into text, and keeping a hostile or broken file from harming the
process that asked. Does not belong here: any knowledge of a source, a layout or a head; those
read the transcript, as they read a CSV file that a supplier sent.

    guard       the parent's side: `transcribe` starts the child and believes only its result file
    child       the child's side; `limits` what it may take; `archive` zip files before unpacking
    xlsx, ods, parquet   one reader each
    cells       a cell's value → its text
    writing     rows → a transcript, within the limits
    transcript  the nouns `Sheet` and `Transcript`, and reading them back

Only `parquet` opens DuckDB, in memory, and only the child imports it. The operating system
enforces the limits on memory, CPU and file size on Linux and macOS; **on Windows they are not
enforced**: what remains there are the expansion, size and cell limits that the readers check
themselves, and the time limit.
"""

from safecity_pipeline.ingest.reading.guard import transcribe
from safecity_pipeline.ingest.reading.limits import Limits
from safecity_pipeline.ingest.reading.transcript import TOP, Sheet, Transcript, read_rows

__all__ = ["TOP", "Limits", "Sheet", "Transcript", "read_rows", "transcribe"]

"""The synthetic sample: every source's extracts in the suppliers' forms, every row invented.

Here: `write`, which `safecity sample` and `safecity demo` call. By source: `street` (with
`crime_mix` and `street_faults`), `recorded_crime` (with `offences`), `population`,
`youth_justice` and `children_cautioned` (with `youth_offending`), `looked_after` (with
`looked_after_workbook`), `fingertips`, `drugs`, `force_outcomes`; shared: `places`, `upper_tier`,
`delivery`, `workbook`, `folder`.
Not here: any real row, and any rule of the pipeline. The sample imports nothing of the project, so
that a mistake in a source cannot hide in the data made to show it.
"""

from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline.sample import (
    children_cautioned,
    drugs,
    fingertips,
    force_outcomes,
    looked_after,
    looked_after_workbook,
    population,
    recorded_crime,
    street,
    youth_justice,
)
from safecity_pipeline.sample.folder import lay, refuse_others

__all__ = ["SampleFile", "write"]

SOURCES = (
    street,
    recorded_crime,
    population,
    youth_justice,
    looked_after_workbook,
    looked_after,
    children_cautioned,
    fingertips,
    drugs,
    force_outcomes,
)


@dataclass(frozen=True)
class SampleFile:
    """One written extract.

    `file` is relative to the sample's folder, with '/'; `source` the pipeline's name of its
    source; `rows` the physical rows including the head, of a workbook those of all its sheets;
    `planted` how many of them are bad on purpose; `delivered_twice` how many belong to a unit that
    another file also delivers and wins; `left_out` how many are no data of the source: heads,
    titles, blank rows, notes, and rows of what is not asked for. `planted_cells` cells lose their
    value and no more. So rows - left_out - planted - delivered_twice are valid.
    """

    file: str
    source: str
    rows: int
    planted: int
    delivered_twice: int
    left_out: int = 1
    planted_cells: int = 0


def write(folder: Path, *, seed: int = 2014) -> list[SampleFile]:
    """Write the sample into `folder`, made if missing, and return its extracts in order.

    Manifests and the README are written too and not listed. The same seed gives the same files.
    Raises FileExistsError when the folder holds anything but an earlier sample, and ValueError
    for a negative seed; nothing is written then.
    """
    if seed < 0:
        raise ValueError(f"a seed is a whole number from 0; got: {seed!r}; give such a number")
    refuse_others(folder)
    deliveries = [delivery for source in SOURCES for delivery in source.deliveries(seed)]
    lay(folder, deliveries, seed)
    return [
        SampleFile(
            one.file,
            one.source,
            one.rows,
            one.planted,
            one.delivered_twice,
            one.left_out,
            one.planted_cells,
        )
        for one in deliveries
    ]

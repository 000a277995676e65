"""The synthetic sample: three sources' extracts in the suppliers' forms, every row invented.

Here: `write`, which `safecity sample` and `safecity demo` call. By source: `street` (with
`crime_mix` and `street_faults`), `recorded_crime` (with `offences`), `population`; shared:
`places`, `delivery`, `folder`.
Not here: any real row, and any rule of the pipeline. The sample imports nothing of the project, so
that a mistake in a source cannot hide in the data made to show it.
"""

from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline.sample import population, recorded_crime, street
from safecity_pipeline.sample.folder import lay, refuse_others

__all__ = ["SampleFile", "write"]


@dataclass(frozen=True)
class SampleFile:
    """One written extract.

    `file` is relative to the sample's folder, with '/'; `source` the pipeline's name of its
    source; `rows` the physical rows including the head; `planted` how many of them are bad on
    purpose; `delivered_twice` how many belong to a unit that another file also delivers and wins.
    """

    file: str
    source: str
    rows: int
    planted: int
    delivered_twice: int


def write(folder: Path, *, seed: int = 2014) -> list[SampleFile]:
    """Write the sample into `folder`, made if missing, and return its extracts in order.

    Manifests and the README are written too and not listed. The same seed gives the same files.
    Raises FileExistsError when the folder holds anything but an earlier sample, and ValueError
    for a negative seed; nothing is written then.
    """
    if seed < 0:
        raise ValueError(f"a seed is a whole number from 0; got: {seed!r}; give such a number")
    refuse_others(folder)
    deliveries = [
        delivery
        for source in (street, recorded_crime, population)
        for delivery in source.deliveries(seed)
    ]
    lay(folder, deliveries, seed)
    return [
        SampleFile(one.file, one.source, one.rows, one.planted, one.delivered_twice)
        for one in deliveries
    ]

"""The synthetic sample: every source's extracts in the suppliers' forms, every row invented.

Here: `write`, which `safecity sample` and `safecity demo` call. A module with a function
`deliveries(plan)` writes a source's extracts: it is discovered, never listed. Shared by several:
`city` (what happens in Southampton), `places`, `upper_tier`, `delivery`, `workbook`, `folder`.
Not here: any real row, and any rule of the pipeline. The sample imports nothing of the project, so
that a mistake in a source cannot hide in the data made to show it.
"""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline.sample import helper
from safecity_pipeline.sample.delivery import Delivery
from safecity_pipeline.sample.folder import lay, refuse_others
from safecity_pipeline.sample.plan import Plan

__all__ = ["Plan", "SampleFile", "write"]


@dataclass(frozen=True)
class SampleFile:
    """One written extract.

    `file` is relative to the sample's folder, with '/'; `source` the pipeline's name of its
    source; `rows` the physical rows including the head, of a workbook those of all its sheets;
    `planted` how many of them are bad on purpose; `delivered_twice` how many belong to a unit that
    another file also delivers and wins; `left_out` how many are no data of the source: heads,
    titles, blank rows, notes, and rows of what is not asked for; `folded` how many are put together
    with an earlier one. `planted_cells` cells lose their value and no more. So rows - left_out -
    folded - planted - delivered_twice are valid.
    """

    file: str
    source: str
    rows: int
    planted: int
    delivered_twice: int
    left_out: int = 1
    planted_cells: int = 0
    folded: int = 0


def write(
    folder: Path, plan: Plan | None = None, meanwhile: Callable[[], object] = lambda: None
) -> list[SampleFile]:
    """Write the sample into `folder`, made if missing, and return its extracts in order.

    Manifests and the README are written too and not listed. The same plan gives the same files.
    A second process helps; `meanwhile` is run in this one while that is at work.
    Raises FileExistsError when the folder holds anything but an earlier sample; nothing is written
    then.
    """
    plan = plan or Plan()
    refuse_others(folder)
    deliveries = list(_deliveries(plan, meanwhile))
    lay(folder, deliveries, plan.seed)
    return [
        SampleFile(
            one.file,
            one.source,
            one.rows,
            one.planted,
            one.delivered_twice,
            one.left_out,
            one.planted_cells,
            one.folded,
        )
        for one in deliveries
    ]


def _deliveries(plan: Plan, meanwhile: Callable[[], object]) -> Iterator[Delivery]:
    """Every source's files, module by module in the order of their names."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    made = helper.made(names, plan, meanwhile)
    for name in names:
        yield from made[name]

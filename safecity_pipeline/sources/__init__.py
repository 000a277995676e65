"""One module a kind of extract: what a row means, its pandera model, its SOURCE.

Belongs here: the meaning of a supplier's rows, in one module that knows of no other. Does not
belong here: how a supplier spells them (`registry/layouts`), how files are read (`ingest`).
Modules are discovered, never listed: a new source is one new module and its layout.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from safecity_pipeline.model import Source


@cache
def discover() -> dict[str, Source]:
    """Every SOURCE of the modules in this package, by name, in alphabetical order."""
    modules = (
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    )
    found = {module.SOURCE.name: module.SOURCE for module in modules if hasattr(module, "SOURCE")}
    return dict(sorted(found.items()))

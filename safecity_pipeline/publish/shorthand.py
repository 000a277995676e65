"""Marks in the place of a figure or behind one, and what each means: one list for all products.

Belongs here: marks that more than one product prints. Does not belong here: why a certain figure is
not shown, which stands beside it.
"""

from __future__ import annotations

SUPPRESSED, BREAK, ESTIMATED, MISSING, NOT_APPLICABLE = "[c]", "[b]", "[e]", "[x]", "[z]"
MEANING = {
    SUPPRESSED: "not shown, for a reason that stands beside it",
    BREAK: "break: what is counted, or how, changed since the figure before; not like for like",
    ESTIMATED: "estimated by its supplier, or resting on an estimate",
    MISSING: "not available",
    NOT_APPLICABLE: "does not apply",
}

"""The words in which a search for a change of recording answers."""

FLAGGED = "flagged"
"""The ratio of recorded to reference stepped by more than chance gives."""

NOT_FLAGGED = "not_flagged"
"""No step beyond chance: not the same as no step."""

CANNOT_TELL = "cannot_tell"
"""Too few months, too few events, or no reference: no number is given."""

DISAGREE = "references_disagree"
"""The references stepped against each other, so that one of them is none: no single number."""

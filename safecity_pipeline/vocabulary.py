"""Words that several of the police's extracts write in the same column.

Belongs here: lists of allowed words that sources share. Does not belong here: how a supplier
spells them (its layout), or a list that only one source has.
"""

OFFENCE_GROUPS = (
    "Criminal damage and arson",
    "Drug offences",
    "Fraud and forgery",
    "Fraud offences",
    "Miscellaneous crimes",
    "Miscellaneous crimes against society",
    "Possession of weapons offences",
    "Public order offences",
    "Robbery",
    "Sexual offences",
    "Theft offences",
    "Violence against the person",
)
"""Offence groups of the Home Office since 2013."""

SEXES = ("male", "female", "unknown")

"""Words that several of the police's extracts write in the same column.

Belongs here: lists of words that sources share. Does not belong here: how a supplier
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

AGE_BANDS = {
    10: "under 10",
    18: "10 to 17",
    25: "18 to 24",
    35: "25 to 34",
    45: "35 to 44",
    55: "45 to 54",
    65: "55 to 64",
    1000: "65 and over",
}
"""The age at which a band has ended → the band, in order."""

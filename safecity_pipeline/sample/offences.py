"""The offence codes that the synthetic recorded-crime tables use.

Here: code, description, group and subgroup as the Home Office classification of 2013 to 2017
words them, each with an invented yearly rate.
Not here: counts (`recorded_crime`). Some codes look like numbers (`37.2`, and `4.1` beside
`4.10`), which is why a code must be read as text.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Offence:
    """One offence code; `rate` is invented, in offences per 100,000 residents a year."""

    code: str
    description: str
    group: str
    subgroup: str
    rate: int


def _of(group: str, subgroup: str, *entries: tuple[str, str, int]) -> tuple[Offence, ...]:
    return tuple(Offence(code, text, group, subgroup, rate) for code, text, rate in entries)


_VIOLENCE = "Violence against the person"
_SEXUAL = "Sexual offences"
_THEFT = "Theft offences"
_DAMAGE = "Criminal damage and arson"
_DRUGS = "Drug offences"
_WEAPONS = "Possession of weapons offences"
_ORDER = "Public order offences"
_OTHER = "Miscellaneous crimes"

_PERSON = (
    *_of(
        _VIOLENCE,
        "Homicide",
        ("1", "Murder", 1),
        ("4.1", "Manslaughter", 1),
        ("4.10", "Corporate manslaughter", 0),
        ("4.2", "Infanticide", 0),
    ),
    *_of(
        _VIOLENCE,
        "Violence with injury",
        ("5D", "Assault with intent to cause serious harm", 35),
        ("8N", "Assault with injury", 520),
        ("8S", "Assault with injury on a constable", 14),
    ),
    *_of(
        _VIOLENCE,
        "Violence without injury",
        ("3B", "Threats to kill", 15),
        ("104", "Assault without injury on a constable", 25),
        ("105A", "Assault without injury", 410),
    ),
    *_of(_VIOLENCE, "Stalking and harassment", ("8L", "Harassment", 140), ("8Q", "Stalking", 6)),
    *_of(_SEXUAL, "Rape offences", ("19C", "Rape of a female aged 16 and over", 28)),
    *_of(
        _SEXUAL,
        "Other sexual offences",
        ("20A", "Sexual assault on a female aged 13 and over", 40),
        ("88E", "Exposure and voyeurism", 10),
    ),
    *_of(
        "Robbery",
        "Robbery",
        ("34A", "Robbery of business property", 8),
        ("34B", "Robbery of personal property", 110),
    ),
)

_PROPERTY = (
    *_of(
        _THEFT,
        "Domestic burglary",
        ("28A", "Burglary in a dwelling", 420),
        ("28B", "Attempted burglary in a dwelling", 75),
        ("28C", "Distraction burglary in a dwelling", 6),
        ("28D", "Attempted distraction burglary in a dwelling", 1),
        ("29", "Aggravated burglary in a dwelling", 4),
    ),
    *_of(
        _THEFT,
        "Non-domestic burglary",
        ("30A", "Burglary in a building other than a dwelling", 430),
        ("30B", "Attempted burglary in a building other than a dwelling", 70),
        ("31", "Aggravated burglary in a building other than a dwelling", 1),
    ),
    *_of(
        _THEFT,
        "Theft of a motor vehicle",
        ("37.2", "Aggravated vehicle taking", 12),
        ("48", "Theft or unauthorised taking of motor vehicle", 130),
    ),
    *_of(_THEFT, "Theft from a vehicle", ("45", "Theft from vehicle", 480)),
    *_of(_THEFT, "Vehicle interference", ("126", "Interfering with a motor vehicle", 40)),
    *_of(_THEFT, "Theft from the person", ("39", "Theft from the person", 170)),
    *_of(_THEFT, "Bicycle theft", ("44", "Theft or unauthorised taking of a pedal cycle", 250)),
    *_of(_THEFT, "Shoplifting", ("46", "Shoplifting", 620)),
    *_of(
        _THEFT,
        "Other theft offences",
        ("40", "Theft in a dwelling other than from an automatic machine or meter", 100),
        ("49", "Other theft", 700),
        ("49A", "Making off without payment", 90),
    ),
    *_of(
        _DAMAGE,
        "Arson",
        ("56A", "Arson endangering life", 6),
        ("56B", "Arson not endangering life", 35),
    ),
    *_of(
        _DAMAGE,
        "Criminal damage",
        ("58A", "Criminal damage to a dwelling", 220),
        ("58B", "Criminal damage to a building other than a dwelling", 110),
        ("58C", "Criminal damage to a vehicle", 330),
        ("58D", "Other criminal damage", 160),
    ),
)

_SOCIETY = (
    *_of(_DRUGS, "Trafficking of drugs", ("92A", "Trafficking in controlled drugs", 45)),
    *_of(
        _DRUGS,
        "Possession of drugs",
        ("92D", "Possession of controlled drugs (excl. Cannabis)", 70),
        ("92E", "Possession of controlled drugs (Cannabis)", 190),
    ),
    *_of(
        _WEAPONS,
        "Possession of weapons offences",
        ("10C", "Possession of other weapons", 10),
        ("10D", "Possession of article with blade or point", 20),
    ),
    *_of(
        _ORDER,
        "Public order offences",
        ("9A", "Public fear, alarm or distress", 210),
        ("62A", "Violent disorder", 2),
        ("66", "Other offences against the State or public order", 20),
    ),
    *_of(
        _OTHER,
        "Miscellaneous crimes",
        ("33", "Going equipped for stealing, etc", 6),
        ("54", "Handling stolen goods", 15),
        ("76", "Aiding suicide", 0),
        ("79", "Perverting the course of justice", 12),
    ),
)

OFFENCES = (*_PERSON, *_PROPERTY, *_SOCIETY)
SUBGROUPS = tuple(dict.fromkeys(offence.subgroup for offence in OFFENCES))

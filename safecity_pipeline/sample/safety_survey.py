"""Synthetic community safety surveys in the form of a survey tool's export.

Here: a file a survey year, one row a respondent, one column an option, the question in row 1 above
its first option only and the options in row 2; cells 1, 0 and empty (not asked); questions that
nobody reads; and columns of addresses, which stand empty. The published percentages of 2015 hold
for any seed: so many answers as they need are dealt out. A few responses are bad.
Not here: any real answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import Plan

FILE = "safety_survey/synthetic-southampton-community-safety-survey-{}.csv"
# Of two problems that are one answer apart, the loss of a tenth of the rows turns the order or not,
# by who said what: at the sample's own seed it does by this stream.
_SIZE_STREAM, _COUNT_STREAM, _DEAL_STREAM, _ABOUT_STREAM = 350, 351, 357, 353
_FIRST_RESPONSE = 4_000_000_000
_ASKED, _NO_ANSWER = "1", ""

_SAFE = ("Very safe", "Fairly safe", "Neither safe nor unsafe", "Fairly unsafe", "Very unsafe")
_ISSUE = ("Very big issue", "Fairly big issue", "Not a very big issue", "Not an issue")
_YES_NO = ("Yes", "No")
_NOT_KNOWN = "Don't know"
_FEEL = "How safe or unsafe do you feel "
_OUTSIDE = f"{_FEEL}when outside in your local area "
_BIG = "How big an issue do you think "
_LOCAL = "How big an issue are these in your local area?"


@dataclass(frozen=True)
class Question:
    """A question: its wording, that of its options before `prefix` is put to them, and the share of
    valid answers that the first two options (of yes and no the first) have by survey year.

    `led_by`: the question whose first option leads to this one, by its place in QUESTIONS.
    `behind`: the question that in the assessed survey has one leading answer more than this one,
    and is answered like it but for that: the narrowest order that there is.
    """

    text: str
    options: tuple[str, ...]
    shares: Mapping[int, float]
    prefix: str = ""
    led_by: int | None = None
    behind: int | None = None

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}{option}" for option in (*self.options, _NOT_KNOWN))

    @property
    def leading(self) -> int:
        """How many options the share is of."""
        return 1 if self.options == _YES_NO else 2


def _years(in_2013: float, in_2015: float, in_2017: float) -> Mapping[int, float]:
    return {2013: in_2013, 2015: in_2015, 2017: in_2017}


def _local(problem: str, *shares: float, behind: int | None = None) -> Question:
    return Question(_LOCAL, _ISSUE, _years(*shares), f"{problem} - ", behind=behind)


# Of 2015 as published: over 90, 85, 52; 63 per cent to whom violence is none; 52; litter first,
# people drunk or rowdy second. All other shares are invented.
QUESTIONS = (
    Question(f"{_FEEL}in your own home?", _SAFE, _years(0.884, 0.905, 0.912)),
    Question(f"{_OUTSIDE}during the day?", _SAFE, _years(0.832, 0.850, 0.861)),
    Question(f"{_OUTSIDE}after dark?", _SAFE, _years(0.491, 0.520, 0.538)),
    Question(f"{_BIG}violence is for Southampton?", _ISSUE, _years(0.402, 0.370, 0.365)),
    Question(
        f"{_BIG}anti-social behaviour is for Southampton?", _ISSUE, _years(0.561, 0.520, 0.507)
    ),
    _local("Litter and rubbish lying around", 0.470, 0.462, 0.455),
    _local("People being drunk or rowdy in public places", 0.458, 0.462, 0.428, behind=5),
    _local("Vandalism and graffiti", 0.281, 0.262, 0.255),
    _local("Teenagers hanging around", 0.312, 0.290, 0.284),
    _local("Noisy neighbours", 0.214, 0.206, 0.211),
    _local("People using or dealing drugs", 0.335, 0.348, 0.356),
    _local("Abandoned vehicles", 0.094, 0.081, 0.077),
    Question(
        "Have you seen or experienced anti-social behaviour in the last 12 months?",
        _YES_NO,
        _years(0.552, 0.531, 0.520),
    ),
    Question("Did you report it to anyone?", _YES_NO, _years(0.342, 0.355, 0.361), led_by=12),
)
_ASSESSED = 2015
_RENAMED = {2013: ("after dark?", "at night?")}
_RESPONDENTS = {2013: 690, 2015: 1_080, 2017: 1_040}
_PUBLISHED_ON = {2013: "2013-11-18", 2015: "2015-09-14", 2017: "2017-03-20"}
_FIELDWORK = {2013: (6, 2), 2015: (6, 2), 2017: (1, 2)}  # the first month, and how many
_ABOUT = ("Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address")
_AGES = ("16-24", "25-44", "45-64", "65 and over")
_AGE_SHARES = (0.09, 0.34, 0.39, 0.18)


def deliveries(plan: Plan) -> list[Delivery]:
    """Return a file for each survey that had been held by the plan's last year."""
    surveys = [year for year in _RESPONDENTS if year <= int(plan.years[-1][:4]) + 1]
    return [_survey(plan.seed, year) for year in surveys]


def _survey(seed: int, year: int) -> Delivery:
    size = _RESPONDENTS[year] + int(stream(seed, _SIZE_STREAM, year).integers(60))
    answers = _dealt(seed, year, size)
    rows = [_about(seed, year, at) + _cells([one[at] for one in answers]) for at in range(size)]
    bad = _bad(year, rows)
    content = table_to_bytes([*_heads(year), *rows, *bad], "\r\n")
    total = 2 + len(rows) + len(bad)
    return Delivery(
        FILE.format(year),
        "safety_survey",
        content,
        total,
        _PUBLISHED_ON[year],
        planted=len(bad),
        left_out=2,
    )


def _heads(year: int) -> tuple[list[str], list[str]]:
    """The question stands above its first option only, as merged cells are saved."""
    top, below = [*_ABOUT], [""] * len(_ABOUT)
    old, new = _RENAMED.get(year, ("", ""))
    said = ""
    for question in QUESTIONS:
        text = question.text.replace(old, new) if old else question.text
        top += ["" if text == said else text, *[""] * (len(question.heads) - 1)]
        below += question.heads
        said = text
    top += ["Which age group are you in?", *[""] * (len(_AGES) - 1), "Weight"]
    return top, [*below, *_AGES, ""]


# --- who answers what -----------------------------------------------------------------------------


def _dealt(seed: int, year: int, size: int) -> list[list[str | None]]:
    """The answers to each question in the order of respondents: a place among its options, "" for
    no answer, None where the question was not asked."""
    dealt: list[list[str | None]] = []
    for number, question in enumerate(QUESTIONS):
        asked = list(range(size))
        if question.led_by is not None:
            asked = [at for at in asked if dealt[question.led_by][at] == "0"]
        answers: list[str | None] = [None] * size
        deck = _deck(seed, year, number, len(asked))
        keys = stream(seed, _DEAL_STREAM, year, number).random(len(asked)).tolist()
        for at, (_, answer) in zip(asked, sorted(zip(keys, deck, strict=True)), strict=True):
            answers[at] = answer
        dealt.append(answers)
    return dealt


def _deck(seed: int, year: int, number: int, asked: int) -> list[str]:
    """So many of each answer that the leading options have their share of the valid ones; where in
    its rounding the share lies is chance."""
    question, chance = QUESTIONS[number], stream(seed, _COUNT_STREAM, year, number)
    if question.behind is not None and year == _ASSESSED:
        deck = _deck(seed, year, question.behind, asked)
        deck[deck.index(str(question.leading - 1))] = str(question.leading)
        return deck
    silent = int(asked * 0.01 + 6 * float(chance.random()))
    unsure = int(asked * 0.02 + 8 * float(chance.random()))
    valid = asked - silent - unsure
    share = question.shares[year] + 0.006 * (float(chance.random()) - 0.5)
    leading = floor(valid * share + 0.5)
    counts = [
        *_split(leading, question.leading, float(chance.random())),
        *_split(valid - leading, len(question.options) - question.leading, float(chance.random())),
    ]
    deck = [str(place) for place, count in enumerate(counts) for _ in range(count)]
    return [*deck, *[str(len(counts))] * unsure, *[_NO_ANSWER] * silent]


def _split(total: int, parts: int, chance: float) -> list[int]:
    """Into one to three parts: the first has about two fifths, the last of three a sixth."""
    if parts == 1:
        return [total]
    first = int(total * (0.36 + 0.08 * chance))
    if parts == 2:
        return [first, total - first]
    last = total // 6
    return [first, total - first - last, last]


def _cells(answers: Sequence[str | None]) -> list[str]:
    cells: list[str] = []
    for question, answer in zip(QUESTIONS, answers, strict=True):
        options = len(question.heads)
        if answer is None:
            cells += [""] * options
        else:
            cells += ["1" if answer == str(place) else "0" for place in range(options)]
    return [*cells, *_unread(len(cells), answers)]


def _unread(number: int, answers: Sequence[str | None]) -> list[str]:
    """An age group, told by no question that is read, and a weight that is not given."""
    place = sum(len(answer or "") for answer in answers) % len(_AGES)
    return ["1" if place == at else "0" for at in range(len(_AGES))] + [""]


def _about(seed: int, year: int, at: int) -> list[str]:
    chance = stream(seed, _ABOUT_STREAM, year, at)
    first, months = _FIELDWORK[year]
    month, day = first + int(chance.integers(months)), 1 + int(chance.integers(28))
    hour, minute = 7 + int(chance.integers(16)), int(chance.integers(60))
    started = f"{month:02d}/{day:02d}/{year} {hour:02d}:{minute:02d}:00"
    ended = f"{month:02d}/{day:02d}/{year} {hour:02d}:59:59"
    number = _FIRST_RESPONSE + year * 10_000 + at
    return [str(number), "61200415", started, ended, "", ""]


# --- bad responses --------------------------------------------------------------------------------


def _bad(year: int, rows: Sequence[list[str]]) -> list[list[str]]:
    """A test of the year before, two answers to one question, a report of what was not seen, a
    response sent twice, and a cell that says yes where 1 is meant."""
    unseen = _place(12)
    not_asked = next(row for row in rows if row[unseen + 1] == "1")
    test = _with(rows[0], {2: f"06/01/{year - 1} 09:00:00"})
    twice = _with(rows[1], {_place(1) + at: "1" for at in range(2)})
    report = _with(not_asked, {_place(13): "1"})
    words = _with(rows[2], {_place(0): "yes"})
    bad = [
        _with(row, {0: str(_FIRST_RESPONSE + year * 10_000 + 9_000 + number)})
        for number, row in enumerate((test, twice, report, words))
    ]
    return [*bad, list(rows[3])] if year >= 2015 else bad[:3]


def _place(number: int) -> int:
    """The column of a question's first option."""
    return len(_ABOUT) + sum(len(question.heads) for question in QUESTIONS[:number])


def _with(row: Sequence[str], cells: Mapping[int, str]) -> list[str]:
    return [cells.get(at, cell) for at, cell in enumerate(row)]

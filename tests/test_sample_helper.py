"""The sample's second process: who makes a delivery, and what befalls it, changes no delivery."""

import sys

import pytest

from safecity_pipeline.sample import Plan, helper

PLAN = Plan()
NAMES = ["drugs", "folder", "marac", "treatment"]  # `folder` delivers nothing
ALONE = {name: helper.deliveries_of(name, PLAN) for name in NAMES}


def test_what_both_make_is_what_one_makes() -> None:
    assert [len(ALONE[name]) > 0 for name in NAMES] == [True, False, True, True]
    assert helper.made(NAMES, PLAN, lambda: None) == ALONE


def test_the_second_process_can_make_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "_make", lambda plan, left, done: None)
    assert helper.made(NAMES, PLAN, lambda: None) == ALONE


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(1)",  # cannot start
        "import sys; sys.stdin.buffer.read(9)",  # dies at work
        "print('a stray word', flush=True); input()",  # says something else
    ],
)
def test_what_befalls_the_second_process_costs_no_delivery(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(helper, "COMMAND", (sys.executable, "-c", program))
    assert helper.made(NAMES, PLAN, lambda: None) == ALONE


def test_what_is_wrong_with_a_module_is_said_in_its_own_words() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        helper.made(["drugs", "no_such_module"], PLAN, lambda: None)


def test_what_goes_wrong_meanwhile_ends_the_second_process() -> None:
    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        helper.made(NAMES, PLAN, fails)

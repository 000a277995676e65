"""A second process that makes deliveries too: on two cores the sample takes half the time.

Here: the process, and how the modules are shared out between it and the one that asks. It makes
them from the last to the first, the asking one from the first to the last, until they meet.
Not here: what a module delivers. What befalls the process costs time and nothing else: whatever it
did not hand over is made by the one that asks, and so what is wrong is said there.
"""

import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from safecity_pipeline.sample.delivery import Delivery
from safecity_pipeline.sample.plan import Plan

PACKAGE = __name__.rpartition(".")[0]
COMMAND = (sys.executable, "-c", f"from {__name__} import serve; serve()")
ROOT = Path(__file__).resolve().parents[2]

Made = dict[str, list[Delivery]]


def made(names: Sequence[str], plan: Plan, meanwhile: Callable[[], object]) -> Made:
    """The deliveries of each of the modules `names`, however they were shared out; `meanwhile` is
    run first, while the second process is at work. Raises what a module raises."""
    left, done = deque(names), Made()
    with _second(plan, left, done) as second:
        meanwhile()
        _make(plan, left, done)
        second.join()
    _make(plan, left, done)  # what the second process had begun when something befell it
    return done


def deliveries_of(name: str, plan: Plan) -> list[Delivery]:
    """What one module of this package delivers; nothing where it is not a source's."""
    make = getattr(import_module(f"{PACKAGE}.{name}"), "deliveries", None)
    return list(make(plan)) if make else []


def _make(plan: Plan, left: deque[str], done: Made) -> None:
    while left:
        try:
            name = left.popleft()
        except IndexError:  # the second process has taken the last one
            return
        done[name] = deliveries_of(name, plan)


@contextmanager
def _second(plan: Plan, left: deque[str], done: Made) -> Iterator[Thread]:
    """The thread that waits for the second process, which ends with the block at the latest."""
    pipe = subprocess.PIPE
    # In a folder of ours, for `-c` looks for modules in the current one first.
    with subprocess.Popen(
        COMMAND, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin and process.stdout
        asked = (plan, left, done, process.stdin, process.stdout)
        thread = Thread(target=_ask, args=asked, daemon=True)
        thread.start()
        try:
            yield thread
        finally:
            process.kill()
            thread.join()
            with suppress(OSError):  # what it did not live to read
                process.stdin.close()


def _ask(plan: Plan, left: deque[str], done: Made, to: BinaryIO, answers: BinaryIO) -> None:
    """Give the second process one module after another, until none is left or it has ended."""
    while left:
        try:
            name = left.pop()
        except IndexError:
            return
        try:
            pickle.dump((name, plan), to)
            to.flush()
            done[name] = pickle.load(answers)
        except Exception:  # whatever it is that a broken answer makes of pickle
            left.append(name)
            return


def serve() -> None:
    """The second process: a name and a plan in, its deliveries out, until nothing more comes."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray word would spoil the answers
    while True:
        try:
            name, plan = pickle.load(asked)
        except EOFError:
            return
        pickle.dump(deliveries_of(name, plan), answers)
        answers.flush()

"""Nothing of a cell leaves an asset in an exception.

pandera, pandas and DuckDB quote the values that they stumble over, and Dagster stores what it
catches. So whatever a step raises is replaced by a failure that says which step, which kind of
error and where in our code; a `Refused` keeps its words without the value that was got, an error
of the operating system the name of its number ("No space left on device").
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import dagster as dg

from safecity_pipeline.model import Refused

Answer = TypeVar("Answer")
OURS = Path(__file__).parents[1]


def guarded(step: str, run: Callable[[], Answer]) -> Answer:
    """What `run` answers. Raises Failure with a description that holds no cell's value."""
    try:
        return run()
    except Refused as refused:
        words = refused.in_public()
    except Exception as error:
        words = f"{_kind(error)} at {_place(error)}"
    # Raised outside the handlers: an exception raised inside them would carry the first along.
    raise dg.Failure(description=f"{step}: {words}", allow_retries=False)


def _kind(error: Exception) -> str:
    known = isinstance(error, OSError) and error.errno
    return f"{type(error).__name__} ({os.strerror(known)})" if known else type(error).__name__


def _place(error: Exception) -> str:
    """The innermost line of our own code that the error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if OURS in Path(frame.filename).parents]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"

"""Progress of long work, on the error stream: what each step has done so far.

The steps log counts and names of files under `safecity_pipeline`; here the lines are shown.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class _Lines(logging.Handler):
    """One line a message, with the seconds since the beginning."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.began = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        seconds = time.monotonic() - self.began
        print(f"{seconds:7.1f} s  {record.getMessage()}", file=sys.stderr, flush=True)


@contextmanager
def shown() -> Iterator[None]:
    """Show what `safecity_pipeline` logs while the block runs."""
    logger, handler = logging.getLogger("safecity_pipeline"), _Lines()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate

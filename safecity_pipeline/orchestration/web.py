"""Dagster's web interface and daemon on one warehouse, on this machine only."""

from __future__ import annotations

import os
import subprocess
import sys

from safecity_pipeline.orchestration.run import environment
from safecity_pipeline.settings import Settings

MODULE = "safecity_pipeline.definitions"


def command(port: int, read_only: bool) -> list[str]:
    """The process to start: with the daemon (runs, schedule, sensor), or to look only."""
    if read_only:
        start = [sys.executable, "-m", "dagster_webserver", "--read-only"]
    else:
        start = [sys.executable, "-m", "dagster", "dev"]
    return [*start, "-m", MODULE, "-h", "127.0.0.1", "-p", str(port)]


def serve(settings: Settings, port: int, read_only: bool) -> int:
    """Run until it is stopped; its exit status, 0 after Ctrl+C."""
    told = {**os.environ, **environment(settings)}
    try:
        return subprocess.run(command(port, read_only), env=told, check=False).returncode
    except KeyboardInterrupt:
        return 0

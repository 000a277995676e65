"""Dagster's web interface and daemon on one warehouse, on this machine only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from safecity_pipeline.orchestration import home
from safecity_pipeline.settings import Settings

PATIENCE = 20.0  # seconds for runs under way to be told


def command(port: int, read_only: bool, workspace: Path) -> list[str]:
    """The process to start: with the daemon (runs, schedule, sensor), or to look only."""
    if read_only:
        start = [sys.executable, "-m", "dagster_webserver", "--read-only"]
    else:
        start = [sys.executable, "-m", "dagster", "dev"]
    return [*start, "-w", str(workspace), "-h", "127.0.0.1", "-p", str(port)]


def serve(settings: Settings, port: int, read_only: bool) -> int:
    """Run until it is stopped; its exit status, 0 after Ctrl+C or a polite kill."""
    told = {**os.environ, **home.environment(settings)}
    workspace = Path(told["DAGSTER_HOME"]) / "workspace.yaml"
    signal.signal(signal.SIGTERM, _as_interrupt)
    process = subprocess.Popen(
        command(port, read_only, workspace), env=told, start_new_session=True
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        _stop(process)
        return 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server with its daemon and its code server, politely and then not."""
    if sys.platform == "win32":
        process.terminate()
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _as_interrupt(number: int, frame: object) -> NoReturn:
    """Whoever stops us means the web server too, which would else stay behind."""
    raise KeyboardInterrupt

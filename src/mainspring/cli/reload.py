"""`mainspring serve --reload`: runs the server as a child and starts it anew when a .py file changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from mainspring.cli.target import Launch, parse

_LOOK_EVERY_SECONDS: Final = 0.3
_LEFT_OUT: Final = frozenset({"node_modules", "__pycache__"})
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)

Stamps = dict[Path, int]


def serve_and_watch(launch: Launch) -> int:
    """Serve the newest files until told to stop; a child that ended waits for a change. Returns 0."""
    told = threading.Event()
    for number in _STOPS:
        signal.signal(number, lambda *_: told.set())
    folder = parse(launch.app).folder
    seen, child = stamps(folder), _start(launch)
    try:
        while not told.wait(_LOOK_EVERY_SECONDS):
            now = stamps(folder)
            if now != seen:
                print(f"changed: {', '.join(sorted(changed(seen, now)))}", file=sys.stderr, flush=True)
                _end(child)
                seen, child = now, _start(launch)
    finally:
        _end(child)
    return 0


def stamps(folder: Path) -> Stamps:
    """When each .py file below `folder` was last written; hidden and installed ones left out."""
    found: Stamps = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _LEFT_OUT]
        for path in (Path(parent, name) for name in files if name.endswith(".py")):
            with suppress(FileNotFoundError):
                found[path] = path.stat().st_mtime_ns
    return found


def changed(before: Stamps, now: Stamps) -> set[str]:
    """The names of the files that differ between the two."""
    return {path.name for path in before.keys() | now.keys() if before.get(path) != now.get(path)}


def _start(launch: Launch) -> subprocess.Popen[bytes]:
    flags = [f"{flag}={text}" for flag, text in launch.flags.items() if flag not in ("--reload", "--server-reload")]
    command = [sys.executable, "-m", "mainspring.cli", "serve", launch.app, *flags, "--reload=false"]
    return subprocess.Popen(command, start_new_session=True)  # a Ctrl-C reaches it through us, once


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
    child.wait()

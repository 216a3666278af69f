"""A test file that Node runs, as one test of ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


def run(folder: Path, file: str, **variables: str) -> None:
    """Run a file of `node:test` tests in its folder. Fails with all that Node said."""
    env = {**os.environ, **variables, "NO_PROXY": "127.0.0.1"}
    command = ["node", "--test", "--test-reporter=spec", file]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    print(done.stdout + done.stderr)
    if done.returncode:
        pytest.fail(f"{file} failed:\n{done.stdout}{done.stderr}", pytrace=False)

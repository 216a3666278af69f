"""schemathesis against live servers: `python -m tests.hostile.described [store-sqlite ...]`, or `make schemathesis`.

It reads the OpenAPI description, asks for whatever that allows and for much that it does not, and checks that no answer is a
failure and every answer is one of those described. Writes are asked to answer their rows: OpenAPI cannot say that a body comes
only then. Ends with 1 when something is not as described. Needs the command of the package schemathesis, or its path in
SCHEMATHESIS; the package brings a pytest plugin, so that it is better installed apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from tests.hostile.targets import NAMES, SHOPS, Target, running

EXAMPLES, SEED = 30, 1
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    "response_schema_conformance",
)


def check(target: Target, examples: int) -> int:
    """Run schemathesis; its exit code. What it prints goes through."""
    command = [os.environ.get("SCHEMATHESIS", "schemathesis"), "run", f"{target.url}/docs/openapi.json"]
    command += ["--url", f"{target.url}/rest/v1", "-H", f"Authorization: Bearer {target.token}", "--checks", ",".join(CHECKS)]
    command += ["-H", "Prefer: return=representation"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", str(SEED)]
    command += ["--continue-on-failure", "--no-color", "--workers", "1", "--generation-database", "none"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def main(names: Sequence[str]) -> int:
    """Check the named targets; how many were not as described."""
    examples, wrong = int(os.environ.get("MAINSPRING_TEST_EXAMPLES", EXAMPLES)), 0
    for name in names or (*SHOPS, *NAMES):
        with running(name) as target:
            print(f"==== {name}", flush=True)
            wrong += check(target, examples) != 0
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)

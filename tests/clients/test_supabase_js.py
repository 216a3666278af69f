"""The unchanged @supabase/supabase-js under Node: one pytest test for each file in `js/` and each engine."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.live import LiveServer

FILES = sorted(path.name for path in (Path(__file__).parent / "js").glob("*.test.js"))


@pytest.mark.parametrize("file", FILES)
def test_supabase_js(file: str, shop: LiveServer, tokens: dict[str, str], node_modules: Path) -> None:
    env = {
        **os.environ,
        "SHOP_URL": shop.url,
        "SHOP_ANON_KEY": shop.anon_key,
        "SHOP_SERVICE_KEY": shop.service_key,
        "SHOP_TOKENS": json.dumps(tokens),
        "NO_PROXY": "127.0.0.1",
    }
    command = ["node", "--test", "--test-reporter=spec", file]
    done = subprocess.run(command, cwd=node_modules, env=env, capture_output=True, text=True, timeout=120)
    print(done.stdout + done.stderr)
    if done.returncode:
        pytest.fail(f"{file} failed:\n{done.stdout}{done.stderr}", pytrace=False)

"""The page of what app mode honours says what the engines answer."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.compat_page import page
from tests.support.servers import PostgresServer

PAGE = Path(__file__).parents[2] / "docs" / "compat-app-mode.md"


async def test_the_page_is_what_the_engines_answer(postgres: PostgresServer) -> None:
    told = await page(postgres)
    assert PAGE.read_text("utf-8") == told, "run: python -m tests.conformance.compat_page > docs/compat-app-mode.md"

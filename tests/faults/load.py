"""Rows and searches that keep a database busy."""

from __future__ import annotations

from tests.faults.wire import Answer, Wire


async def fill(port: int, rows: int, text: str = "lorem ipsum dolor sit amet " * 8, *, after: int = 0) -> None:
    """Rows whose texts are slow to search, numbered from the one after `after` on."""
    wire = Wire(port)
    for start in range(0, rows, 5000):
        body = [{"id": after + start + number + 1, "text": f"{text}{number}"} for number in range(min(5000, rows - start))]
        answer = await wire.ask("POST", "/rest/v1/things", body)
        assert answer.status == 201, answer.body
    wire.close()


def slow(patterns: int) -> str:
    """A search that looks at every text `patterns` times and finds nothing."""
    terms = ",".join(f"text.ilike.*m{number}x*" for number in range(patterns))
    return f"/rest/v1/things?select=id&or=({terms})&order=text"


async def search(port: int, patterns: int = 60) -> Answer:
    """Run such a search."""
    wire = Wire(port)
    try:
        return await wire.ask("GET", slow(patterns))
    finally:
        wire.close()

"""Writers that remember what they were told, and the comparison of that with what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.wire import Broken, Wire

BATCH = 5
State = tuple[str, int]
"""A row's batch and its number."""


@dataclass(frozen=True, slots=True)
class Write:
    """One request: the rows it leaves behind by their keys, and what stood there before (None: nothing)."""

    after: Mapping[str, State]
    before: Mapping[str, State | None]


@dataclass(slots=True)
class Ledger:
    """What the server acknowledged, and the requests whose fate is not known."""

    rows: dict[str, State] = field(default_factory=dict)
    open: list[Write] = field(default_factory=list)
    acknowledged: int = 0
    refused: list[str] = field(default_factory=list)
    serial: int = 0

    def settle(self, found: Mapping[str, State]) -> None:
        """Compare with what is there: nothing acknowledged may be missing, nothing open may be half there."""
        for write in self.open:
            there = {key: found.get(key) for key in write.after}
            assert there in (dict(write.after), dict(write.before)), f"half of a write is there: {there}"
            self.rows.update({key: state for key, state in there.items() if state is not None})
        self.open.clear()
        lost = {key: state for key, state in self.rows.items() if found.get(key) != state}
        assert not lost, f"{len(lost)} acknowledged rows are lost or older, such as {next(iter(lost.items()))}"
        assert len(found) == len(self.rows), f"{len(found) - len(self.rows)} rows nobody wrote"


class Writer:
    """Writes one request after the other until the connection breaks or it is told to stop."""

    def __init__(self, ledger: Ledger, port: int, seed: int) -> None:
        self._ledger, self._wire, self._random = ledger, Wire(port), Random(seed)
        self._mine: list[list[str]] = []

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Write. Refusals go to the ledger; a broken connection ends it, and leaves its last write open."""
        try:
            while stop is None or not stop.is_set():
                await self._one()
        except (Broken, OSError):
            return
        finally:
            self._wire.close()

    async def _one(self) -> None:
        kind = self._random.random()
        if kind < 0.4 or not self._mine:
            await self._insert(1)
        elif kind < 0.6:
            await self._insert(BATCH)
        else:
            await self._update(self._random.choice(self._mine))

    async def _insert(self, size: int) -> None:
        self._ledger.serial += 1
        batch = f"b{self._ledger.serial}"
        after = {f"{batch}-{number}": (batch, 0) for number in range(size)}
        rows: list[dict[str, Any]] = [{"key": key, "batch": batch, "n": 0} for key in after]
        write = Write(after, dict.fromkeys(after))
        if await self._send(write, "POST", "/rest/v1/items", rows if size > 1 else rows[0]):
            self._mine.append(list(after))

    async def _update(self, keys: Sequence[str]) -> None:
        self._ledger.serial += 1
        batch, new = self._ledger.rows[keys[0]][0], self._ledger.serial
        write = Write(dict.fromkeys(keys, (batch, new)), {key: self._ledger.rows[key] for key in keys})
        await self._send(write, "PATCH", f"/rest/v1/items?batch=eq.{batch}", {"n": new})

    async def _send(self, write: Write, method: str, target: str, body: Any) -> bool:
        """Whether the server acknowledged it. It is open until there is an answer."""
        self._ledger.open.append(write)
        answer = await self._wire.ask(method, target, body)
        self._ledger.open.remove(write)
        if answer.status not in (201, 204):
            self._ledger.refused.append(f"{answer.status} {answer.body.decode()}")
            return False
        self._ledger.rows.update(write.after)
        self._ledger.acknowledged += 1
        return True


async def stored(port: int) -> dict[str, State]:
    """What is there."""
    wire = Wire(port)
    answer = await wire.ask("GET", "/rest/v1/items?select=key,batch,n")
    wire.close()
    assert answer.status == 200, answer.body
    return {row["key"]: (row["batch"], row["n"]) for row in answer.json()}

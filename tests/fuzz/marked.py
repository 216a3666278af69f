"""Requests whose every value can be recognised: what was made of them tells where values went."""

from __future__ import annotations

import random

from tests.fuzz.grammar import FITTING, FLAGS, MOMENTS, NUMBERS, TEXTS, WHOLE, Grammar, World


class Marked(Grammar):
    """Makes requests about a world with values that nothing else contains. Those of another `base` are of the same shape."""

    def __init__(self, world: World, rng: random.Random, base: int) -> None:
        super().__init__(world, rng)
        self._next = base
        self.markers: list[str] = []

    def _marker(self) -> int:
        self._next += 13
        return self._next

    def _kept(self, text: str) -> str:
        self.markers.append(text)
        return text

    def fitting(self, name: str) -> str:
        kind = FITTING.get(name.partition("-")[0])
        if kind == FLAGS:
            return "true"
        if kind in (NUMBERS, WHOLE):
            return self._kept(str(self._marker()))
        if kind == MOMENTS:
            return self._kept(f"{self._marker() % 5000 + 4000}-03-07")
        if name in ("owner", "who", "uid"):
            return self._kept(f"a0000000-0000-4000-8000-00000{self._marker()}")
        if kind is not None and kind != TEXTS:
            return self.rng.choice(kind)
        return self._kept(f"zq{self._marker()}")

    def quoted(self, name: str) -> str:
        return self.fitting(name)

    def number(self) -> str:
        return self._kept(str(self._marker()))

    def value(self, name: str) -> object:
        text = self.fitting(name)
        return (
            int(text)
            if FITTING.get(name) in (NUMBERS, WHOLE)
            else {"n": self._kept(f"zq{self._marker()}")}
            if name == "data"
            else text
        )

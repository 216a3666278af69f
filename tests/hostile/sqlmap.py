"""sqlmap against live servers: `python -m tests.hostile.sqlmap [sqlite|postgres|database ...]`, or `make sqlmap`.

Level 3 on every place where a request says something: filters and their names, logic trees, order, select, JSON paths, embeds,
on_conflict, columns, bodies, arguments, headers. Ends with 1 when anything is found to be injectable. Needs sqlmap (Debian's).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.hostile.targets import NAMES, Target, running

LEVEL, RISK, SECONDS = 3, 3, 300
ANSWERS = "skip those kind of cases=N,reduce the number of requests=N,do you want to skip=N"
"""What sqlmap asks before it spares itself work: it must not, neither where a value looks cast nor for UNION."""


@dataclass(frozen=True)
class Place:
    """Where to attack: the star in the address, the body or a header is what sqlmap replaces."""

    what: str
    path: str
    body: str | None = None
    header: str | None = None
    method: str | None = None
    more: tuple[str, ...] = ()


PLACES = (
    Place("filter", "/books?id=eq.1*"),
    Place("text filter", "/books?title=eq.one*"),
    Place("filter's column", "/books?id*=eq.1"),
    Place("filter's operator", "/books?id=eq*.1"),
    Place("list filter", "/books?id=in.(1,2*)"),
    Place("pattern", "/books?title=ilike.b*"),
    Place("logic tree", "/books?or=(id.eq.1*,id.eq.2)"),
    Place("order", "/books?order=id*"),
    Place("select", "/books?select=id*"),
    Place("cast", "/books?select=id::text*"),
    Place("JSON path", "/books?select=id,data->n*"),
    Place("JSON path in a filter", "/books?data->>n*=eq.1"),
    Place("embed", "/authors?select=id,books!author_id(id*)"),
    Place("embed's filter", "/authors?select=id,books!author_id(id)&books.id=eq.1*"),
    Place("limit", "/books?limit=1*", more=("--invalid-string",)),  # sqlmap gives up at the 416 of a negative one
    Place(
        "on_conflict", "/genres?on_conflict=id*", '[{"id": 1, "name": "sea"}]', "Prefer: resolution=merge-duplicates, tx=rollback"
    ),
    Place("columns", "/genres?columns=id*", '[{"id": 1}]', "Prefer: resolution=ignore-duplicates"),
    Place("inserted value", "/genres", '[{"id": 1, "name": "sea*"}]'),
    Place("inserted column", "/genres", '[{"id*": 1}]'),
    Place("changed value", "/genres?id=eq.1", '{"name": "sea*"}', method="PATCH"),
    Place("argument", "/rpc/books_of", '{"author": "1*"}'),
    Place("argument of a GET", "/rpc/books_of?author=1*"),
    Place("order of a call", "/rpc/books_of?author=1&order=id*"),
    Place("Prefer", "/books", header="Prefer: count=exact*"),
    Place("Range", "/books", header="Range: 0-4*"),
    Place("profile", "/books", header="Accept-Profile: public*"),
)
_REFUSED = re.compile(r"\d{3} \([^)]*\) - (\d+) times?")
_CLEAN = "do not appear to be injectable"
_FOUND = re.compile(r"^Parameter: .*|.*is vulnerable.*|.*sqlmap identified.*", re.MULTILINE)


def attack(target: Target, place: Place) -> tuple[str, float]:
    """What sqlmap says of a place (`clean`, or what it found), and how long it took."""
    with tempfile.TemporaryDirectory(prefix="mainspring-sqlmap-") as folder:
        command = ["sqlmap", "-u", f"{target.url}/rest/v1{place.path}", f"--level={LEVEL}", f"--risk={RISK}"]
        command += [
            f"--dbms={target.dbms}",
            "--batch",
            "--flush-session",
            "--output-dir",
            folder,
            "--ignore-code=*",
            "--answers",
            ANSWERS,
        ]
        command += ["-H", f"Authorization: Bearer {target.token}", "--skip=Authorization,User-Agent,Referer,Host,Cookie"]
        if place.body is not None:
            command += ["--data", place.body, "-H", "Content-Type: application/json"]
        if place.header is not None:
            command += ["-H", place.header]
        if place.method is not None:
            command += ["--method", place.method]
        command += place.more
        begun = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return f"not done within {SECONDS} s", time.monotonic() - begun
        found = _FOUND.findall(done.stdout)
        told = "; ".join(found) if found else "clean" if _CLEAN in done.stdout else f"no verdict: {done.stdout[-400:]}"
        refused = sum(map(int, _REFUSED.findall(done.stdout)))
        return f"{told} ({refused} refused)", time.monotonic() - begun


def main(names: Sequence[str]) -> int:
    """Attack every place of the named targets; the number of places that are not clean."""
    wrong = 0
    for name in names or NAMES:
        with running(name) as target:
            for place in PLACES:
                told, seconds = attack(target, place)
                wrong += not told.startswith("clean")
                print(f"{name:10} {place.what:24} {seconds:6.1f} s  {told}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)

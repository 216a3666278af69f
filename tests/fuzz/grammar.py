"""Requests of PostgREST's grammar and ours, made at random from a seed: most of them make sense, and the rest nearly do."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

OPERATORS = (
    *("eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch", "in", "isdistinct", "cs", "cd", "ov"),
    *("sl", "sr", "nxr", "nxl", "adj", "fts", "plfts", "phfts", "wfts", "is"),
)
VALUES = (
    *(
        "1",
        "2",
        "-1",
        "0",
        "1.5",
        "true",
        "false",
        "null",
        "a",
        "Ada",
        "book*",
        "%",
        "_",
        "",
        " ",
        "{1,2}",
        "{a,b}",
        "[1,5)",
        "(,)",
    ),
    *("2020-01-02", "2020-01-02T03:04:05Z", "12:30", "1 day", "a0000000-0000-4000-8000-000000000001", '{"n":1}', "[1]", '"two"'),
    *(
        "glad",
        "\\x00ff",
        "9223372036854775808",
        "-32769",
        "1e400",
        "NaN",
        "infinity",
        "'; drop table books; --",
        "$1",
        "%s",
        "?",
        ":x",
    ),
    *(
        "(a|b)*c",
        "((",
        "a & b",
        "fat:* | !cat",
        "é",
        "日本",
        "\u202e",
        "\ud83d\ude00",
        "a" * 300,
        "0x1F",
        "+1",
        "now()",
        "2020-13-45",
    ),
)
NUMBERS, TEXTS, MOMENTS, FLAGS = (
    ("1", "2", "3", "0", "-1", "1.5"),
    ("book*", "Ada", "sea", "a", "%"),
    ("2020-01-02",),
    ("true", "false"),
)
WHOLE = NUMBERS[:5]
FITTING = {
    **dict.fromkeys(
        ("id", "author_id", "editor_id", "friend_id", "book_id", "genre_id", "books", "n", "a", "b", "author"), WHOLE
    ),
    **dict.fromkeys(("price", "weight", "double"), NUMBERS),
    **dict.fromkeys(("title", "name", "loud", "secret", "isbn", "size", "label", "why", "a column"), TEXTS),
    **dict.fromkeys(("printed", "sold", "noted", "born", "on"), MOMENTS),
    **dict.fromkeys(("lent", "flag"), FLAGS),
    **dict.fromkeys(("opens", "opened"), ("12:30", "01:00")),
    **dict.fromkeys(("owner", "who", "uid"), ("a0000000-0000-4000-8000-000000000001",)),
    "mood": ("glad", "sad"),
    "lasts": ("1 day", "02:00"),
    "raw": ("\\x01",),
    "tags": ("{a,b}", "{}"),
    "during": ("[2026-01-01,2026-02-01)",),
    "words": ("fish", "red | one"),
    "data": ('{"n": 1}', "[1]"),
}
"""Values that the columns and arguments of these names take."""

_COMPARING = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "isdistinct")
SUITING = {
    NUMBERS: _COMPARING,
    WHOLE: _COMPARING,
    TEXTS: (*_COMPARING, "like", "ilike", "match", "imatch", "fts", "plfts", "wfts"),
    FLAGS: ("eq", "neq", "is"),
}
CASTS = (
    "text",
    "integer",
    "int",
    "bigint",
    "numeric",
    "float8",
    "boolean",
    "date",
    "timestamptz",
    "uuid",
    "jsonb",
    "json",
    "bytea",
    "no",
)
AGGREGATES = ("count", "sum", "avg", "min", "max", "median")
PREFERENCES = (
    *("return=representation", "return=minimal", "return=headers-only", "count=exact", "count=planned", "count=estimated"),
    *("resolution=merge-duplicates", "resolution=ignore-duplicates", "missing=default", "handling=strict", "handling=lenient"),
    *(
        "max-affected=1",
        "max-affected=-1",
        "max-affected=99999999999999999999",
        "tx=rollback",
        "tx=commit",
        "timezone=UTC",
        "timezone=Mars",
    ),
    "nonsense",
)
MEDIA = (
    *(
        "application/json",
        "*/*",
        "text/csv",
        "application/vnd.pgrst.object+json",
        "application/vnd.pgrst.array+json;nulls=stripped",
    ),
    *("application/vnd.pgrst.object+json;nulls=stripped", "application/geo+json", "application/vnd.pgrst.plan+json", "text/html"),
    *(
        "application/openapi+json",
        "application/vnd.oai.openapi+json;version=3.1",
        "application/json;q=0, text/csv;q=1",
        "a/b;q=x",
        ",;",
    ),
    'application/vnd.pgrst.plan+text; for="application/json"; options=analyze|verbose',
)
BODIES = (
    "application/json",
    "text/csv",
    "application/x-www-form-urlencoded",
    "text/plain",
    "text/xml",
    "application/octet-stream",
    "a",
)

_STEPS = ("s", "1", "$", "a'b", "99999999999")


@dataclass(frozen=True)
class World:
    """What exists: the columns of each table, what each can embed, the arguments of each function."""

    tables: dict[str, list[str]]
    embeds: dict[str, list[str]]
    hints: list[str]
    functions: dict[str, list[str]]


@dataclass
class Request:
    """A request as it goes over the wire; its query is bytes, because it need not be text."""

    method: str
    path: str
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.path}?{self.query!r} {self.headers} {self.body[:300]!r}"


class Grammar:
    """Makes requests about a world; the same seed makes the same ones."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world, self.rng = world, rng
        self.tame = rng.random() < 0.5

    def often(self, share: float = 0.5) -> bool:
        return self.rng.random() < share

    def odd(self, share: float) -> bool:
        """Whether to say something that hardly makes sense; in a tame request, never."""
        return self.often(share) and not self.tame

    def pick(self, good: Sequence[str], odd: Sequence[str]) -> str:
        """One of what makes sense, or in a request that is not tame, of what does not."""
        return self.rng.choice([*good, *(() if self.tame else odd)])

    # ------------------------------------------------------------ pieces

    def table(self) -> str:
        if self.odd(0.03):
            return self.rng.choice(["nothing", "pg_class", "a b", "é"])
        return self.pick([name for name in self.world.tables if name != "vault"], ["vault"])

    def column(self, table: str) -> str:
        if not self.odd(0.06):
            return self.pick([name for name in self.world.tables.get(table, ["id"]) if name != "secret"], ["secret"])
        return self.rng.choice(["nothing", '"a b"', "*", "secret", "", '"', "id.x", "é", "rowid", "ctid", "select"])

    def field(self, table: str, cast: float = 0.1) -> str:
        text = self.column(table)
        if text == "data" or self.odd(0.06):
            text += "".join(
                self.pick(["->"], ["->>"]) + self.pick(["n", "deep", "x", "0", "-1", '"a b"'], _STEPS) for _ in range(2)
            )
            text += self.pick(["", "->>s"], ["->", "->>"])
        return text + (f"::{self.pick(['text'], CASTS)}" if self.often(cast) else "")

    def aggregate(self, table: str) -> str:
        function = self.pick(["count", "min", "max"], AGGREGATES)
        of = "" if function == "count" and self.often() else f"{self.field(table, 0.1)}."
        return f"{of}{function}()" + (f"::{self.rng.choice(CASTS)}" if self.often(0.2) else "")

    def select(self, table: str, depth: int = 0) -> str:
        return ",".join(self.item(table, depth) for _ in range(self.rng.randint(0 if depth else 1, 3)))

    def item(self, table: str, depth: int) -> str:
        alias = self.pick(["a:", "b:", '"c d":', "é:"], ["id:"]) if self.often(0.2) else ""
        match self.rng.random():
            case chance if chance < 0.2:
                return "*"
            case chance if chance < 0.55 or depth > 3:
                return alias + self.field(table)
            case chance if chance < 0.62:
                return alias + self.aggregate(table)
        target = self.table() if self.odd(0.1) else self.rng.choice(self.world.embeds.get(table) or ["nothing"])
        hint = f"!{self.rng.choice(self.world.hints)}" if self.odd(0.4) else ""
        if self.tame and {table, target} == {"books", "authors"}:
            hint = "!author_id"
        join = self.rng.choice(["!inner", "!left", ""]) if self.often(0.3) else ""
        spread = "..." if self.often(0.1) else alias
        return f"{spread}{target}{hint}{join}({self.select(target, depth + 1)})"

    def fitting(self, name: str) -> str:
        """A value, mostly one that fits the column or argument."""
        known = FITTING.get(name.partition("-")[0])
        return self.rng.choice(known if known and not self.odd(0.25) else VALUES)

    def operation(self, name: str) -> str:
        known = SUITING.get(FITTING.get(name, ()), ("eq", "neq", "gt", "lte", "is"))
        operator = self.rng.choice(OPERATORS if self.odd(0.4) else known)
        if self.odd(0.05) or (operator in ("eq", "gt", "like") and self.often(0.2)):
            operator += self.pick(["(any)", "(all)"], ["(english)", "(x)"])
        value = self.fitting(name)
        if operator == "is":
            value = self.pick(["null", "not_null"], ["true", "unknown", "not.null", value])
        elif operator == "in":
            value = "(" + ",".join(self.quoted(name) for _ in range(self.rng.randint(1, 4))) + ")"
        elif "(" in operator and not self.odd(0.3):
            value = "{" + ",".join(self.quoted(name) for _ in range(self.rng.randint(1, 3))) + "}"
        return f"{'not.' if self.often(0.15) else ''}{operator}.{value}"

    def quoted(self, name: str) -> str:
        value = self.fitting(name)
        return json.dumps(value, ensure_ascii=False) if self.often(0.3) else value

    def tree(self, table: str, depth: int = 0, *, having: bool = False) -> str:
        def leaf() -> str:
            if depth < 3 and self.often(0.2):
                return self.rng.choice(["and", "or", "not.and", "not.or"]) + self.tree(table, depth + 1, having=having)
            name = self.aggregate(table) if having and self.often(0.9) else self.field(table, 0)
            return f"{name}.{self.operation(name)}"

        return "(" + ",".join(leaf() for _ in range(self.rng.randint(1, 3))) + ")"

    def order(self, table: str) -> str:
        def term() -> str:
            text = self.aggregate(table) if self.odd(0.2) else self.field(table, 0)
            if self.odd(0.3):
                text = f"{self.rng.choice(self.world.embeds.get(table) or ['x'])}({text})"
            return text + self.pick(["", ".asc", ".desc", ".nullsfirst", ".desc.nullslast"], [".up"])

        return ",".join(term() for _ in range(self.rng.randint(1, 3)))

    def number(self) -> str:
        odd = ["-1", "1.5", "x", "", "99999999999999999999999", "9223372036854775807", "null"]
        return self.pick(["0", "1", "2", "3", "5", "10", "20", "100"], odd)

    # ------------------------------------------------------------ whole requests

    def parameters(self, table: str) -> list[tuple[str, str]]:
        found = [("select", self.select(table))] if self.often(0.7) else []
        for _ in range(self.rng.randint(0, 3)):
            name = self.field(table, 0)
            found.append((name, self.operation(name)))
        if self.often(0.2):
            found.append((self.rng.choice(["and", "or", "not.and", "not.or"]), self.tree(table)))
        if self.often(0.3):
            found.append(("order", self.order(table)))
        found += [(name, self.number()) for name in ("limit", "offset") if self.often(0.15)]
        if self.odd(0.1):
            found.append(("having", self.tree(table, having=True)))
        if self.often(0.07):
            found.append(("distinct", self.pick(["true", "false"], ["x", ""])))
        if self.often(0.07):
            found.append(("cursor", self.pick([""], ["x", "AAAA", "eyJhIjoxfQ", "%00"])))
        embedded = [each for each in self.world.embeds.get(table, []) if f"{each}(" in str(found)]
        if embedded or self.odd(0.1):
            target = self.rng.choice(embedded or self.world.embeds.get(table) or ["x"])
            kind = self.pick(["order", "limit", "offset", "and", "or", "column", "null"], ["having", "distinct"])
            column = self.field(target, 0)
            value = {
                **dict.fromkeys(("order",), self.order(target)),
                **dict.fromkeys(("limit", "offset"), self.number()),
                **dict.fromkeys(("and", "or", "having"), self.tree(target)),
                "distinct": "true",
                "column": self.operation(column),
                "null": self.rng.choice(["is.null", "not.is.null"]),
            }[kind]
            name = column if kind == "column" else kind
            found.append((target if kind == "null" else f"{target}.{name}", value))
        if self.often(0.1):
            found.append(("columns", ",".join(self.column(table) for _ in range(self.rng.randint(1, 3)))))
        if self.often(0.1):
            found.append(("on_conflict", ",".join(self.column(table) for _ in range(self.rng.randint(1, 2)))))
        self.rng.shuffle(found)
        return found

    def query(self, pairs: list[tuple[str, str]]) -> bytes:
        safe = self.rng.choice(["", "(),.:*!{}\"'>-", "~"])
        return "&".join(f"{_escaped(name, safe)}={_escaped(value, safe)}" for name, value in pairs).encode(
            "utf-8", "surrogatepass"
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        found: list[tuple[str, str]] = []
        if self.often(0.25):
            found.append(
                ("prefer", ", ".join(self.rng.sample(PREFERENCES[:9] if self.tame else PREFERENCES, self.rng.randint(1, 3))))
            )
        if self.often(0.12):
            found.append(("accept", self.pick(MEDIA[:3], MEDIA)))
        if self.often(0.1):
            found.append(("range", self.pick(["0-4", "1-"], ["5-2", "-3", "x", "0-99999999999999999999", "bytes=0-4"])))
        if self.odd(0.06):
            found.append((self.rng.choice(["accept-profile", "content-profile"]), self.rng.choice(["public", "api", "x", "é"])))
        return [(name.encode(), value.encode()) for name, value in found]

    def row(self, table: str) -> dict[str, object]:
        names = self.rng.sample(self.world.tables[table], self.rng.randint(0, min(5, len(self.world.tables[table]))))
        odd = ["nothing"] if self.odd(0.06) else []
        return {name: self.value(name) for name in [*names, *odd]}

    def value(self, name: str) -> object:
        if name in FITTING and not self.odd(0.4):
            text = self.rng.choice(FITTING[name])
            return json.loads(text) if text in NUMBERS + FLAGS or name == "data" else text
        deep: object = "x"
        for _ in range(self.rng.choice([0, 1, 3, 80])):
            deep = [deep] if self.often() else {"k": deep}
        return self.rng.choice([*VALUES, 1, 2, 1.5, -1, 10**30, 1e300, True, None, [1, "a"], {"n": 1}, [], {}, deep])

    def body(self, make: list[dict[str, object]], single: bool) -> tuple[bytes, bytes]:
        kind = self.rng.choice(BODIES) if self.odd(0.3) else "application/json"
        if kind == "text/csv":
            names = list(make[0]) if make else ["id"]
            lines = [",".join(names), *(",".join(f'"{row.get(name)}"' for name in names) for row in make)]
            return "\n".join(lines).encode("utf-8", "surrogatepass"), kind.encode()
        if kind == "application/x-www-form-urlencoded":
            return self.query([(name, str(value)) for name, value in (make[0] if make else {}).items()]), kind.encode()
        given: object = make[0] if make and (single or self.often()) else make
        return json.dumps(given).encode(), kind.encode()

    def request(self) -> Request:
        """One request."""
        if self.often(0.2):
            return self.call()
        if self.often(0.02):
            return Request(
                self.rng.choice(["GET", "HEAD", "OPTIONS", "POST"]), "/", self.query(self.parameters("x")), self.headers()
            )
        table = self.table()
        method = self.rng.choice(["GET"] * 12 + ["HEAD", "OPTIONS", "POST", "POST", "POST", "PATCH", "PATCH", "PUT", "DELETE"])
        request = Request(method, f"/{table}", self.query(self.parameters(table)), self.headers())
        if method in ("POST", "PUT") and not self.odd(0.3):
            key = [("id", f"eq.{self.rng.choice(WHOLE)}")] if method == "PUT" else []
            shaping = ("select", "columns", "on_conflict")
            request.query = self.query([pair for pair in self.parameters(table) if pair[0] in shaping] + key)
        if method in ("POST", "PATCH", "PUT") and table in self.world.tables:
            rows = [self.row(table) for _ in range(self.rng.choice([1, 1, 1, 0, 2, 3]))]
            if rows and not self.odd(0.4):
                rows = [{name: self.value(name) for name in rows[0]} for _ in rows]
            request.body, kind = self.body(rows, method != "POST")
            request.headers.append((b"content-type", kind))
        return request

    def call(self) -> Request:
        name = "nothing" if self.odd(0.06) else self.rng.choice(list(self.world.functions))
        arguments = {each: self.value(each) for each in self.world.functions.get(name, []) if not self.odd(0.2)}
        request = Request(
            self.rng.choice(["GET", "GET", "GET", "POST", "POST", "POST", "HEAD", "OPTIONS", "PATCH"]),
            f"/rpc/{name}",
            b"",
            self.headers(),
        )
        pairs = self.parameters("books") if self.odd(0.3) or (name == "books_of" and self.often()) else []
        if request.method == "POST":
            request.body, kind = self.body([arguments], single=True)
            request.headers.append((b"content-type", kind))
        else:
            pairs = [*((each, str(value)) for each, value in arguments.items()), *pairs]
        request.query = self.query(pairs)
        return request


def _escaped(text: str, safe: str) -> str:
    return text if safe == "~" else quote(text.encode("utf-8", "surrogatepass"), safe=safe)

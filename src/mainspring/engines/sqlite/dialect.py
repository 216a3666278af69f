"""SQLite's spelling of plans. Values are stored in the canonical form of `datatypes` (see `engines/sqlite/ddl`)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from mainspring.datatypes import BIGINT, DataType, Document, Kind, to_json
from mainspring.engines.sql.dialect import SYMBOLS, Dialect, Step
from mainspring.engines.sql.statement import Arguments, Encoder, same
from mainspring.engines.sqlite import adopted, names, search
from mainspring.engines.sqlite.comparisons import spec
from mainspring.engines.sqlite.functions import next_run
from mainspring.errors import NotSupported, ValueOutOfRange
from mainspring.query import regex
from mainspring.query.aggregates import result_type
from mainspring.query.ast import Quantifier, TableName
from mainspring.query.expr import Apply, Ref, Search
from mainspring.query.functions import DIGITS
from mainspring.query.ops import INSIDE, Form, Operator
from mainspring.query.search import CONFIGS, unsupported

NUMERIC_DIGITS = DIGITS

_encode_json = msgspec.json.Encoder(decimal_format="number").encode


def json_dump(value: Any) -> str:
    """JSON text as SQLite stores it."""
    return _encode_json(value).decode()


def _real(value: Decimal) -> float:
    if len(value.as_tuple().digits) > NUMERIC_DIGITS and len(value.normalize().as_tuple().digits) > NUMERIC_DIGITS:
        raise ValueOutOfRange("numeric", str(value), reason=f"SQLite keeps {NUMERIC_DIGITS} significant digits")
    if value and value.adjusted() >= NUMERIC_DIGITS:
        raise ValueOutOfRange("numeric", str(value), reason=f"SQLite keeps {NUMERIC_DIGITS} significant digits")
    return float(value)


def _array(type_: DataType) -> Encoder:
    stored = _unzoned(type_)
    return lambda value: json_dump(to_json(stored, value))


def _unzoned(type_: DataType) -> DataType:
    return replace(type_, zone=None, item=_unzoned(type_.item) if type_.item else None)


_ENCODERS: dict[Kind, Encoder] = {Kind.NUMERIC: _real, Kind.BOOLEAN: int, Kind.JSON: json_dump}


def encoder(type_: DataType) -> Encoder:
    """From a canonical value to the stored one."""
    if type_.kind is Kind.ARRAY:
        return _ARRAYS.setdefault(type_, _array(type_))
    if type_.wide:
        return str
    return _ENCODERS.get(type_.kind, same)


_ARRAYS: dict[DataType, Encoder] = {}


def storing(type_: DataType) -> Encoder:
    """From a canonical value to how its column holds it."""
    own = adopted.stored(type_) if type_.native is not None else None
    return own or encoder(type_)


def _glob(pattern: str) -> str:
    """A LIKE pattern as a GLOB pattern, which is case-sensitive."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            parts.append(_glob_literal(next(characters, "\\")))
        else:
            parts.append({"%": "*", "_": "?"}.get(character) or _glob_literal(character))
    return "".join(parts)


def _glob_literal(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character


def _globs(patterns: list[str | None]) -> str:
    return json_dump([None if pattern is None else _glob(pattern) for pattern in patterns])


def _regex(pattern: str) -> str:
    return regex.for_re2(pattern, False)


def _folded_regex(pattern: str) -> str:
    return regex.for_re2(pattern, True)


def _regexes(patterns: list[str | None]) -> str:
    return json_dump([None if pattern is None else _regex(pattern) for pattern in patterns])


def _folded_regexes(patterns: list[str | None]) -> str:
    return json_dump([None if pattern is None else _folded_regex(pattern) for pattern in patterns])


def _document_text(document: Document) -> str:
    return json_dump(document.value)


def _document_texts(documents: list[Document | None]) -> str:
    return json_dump([None if document is None else json_dump(document.value) for document in documents])


def _listed(values: list[Any]) -> str:
    return json_dump([float(value) if isinstance(value, Decimal) else value for value in values])


def _listed_wide(values: list[Any]) -> str:
    return json_dump([None if value is None else str(value) for value in values])


def _listed_bytes(values: list[bytes | None]) -> str:
    return json_dump([None if value is None else value.hex().upper() for value in values])


_TESTS = {"null": "NULL", "not_null": "NOT NULL", "true": "1", "false": "0", "unknown": "NULL"}


class SqliteDialect(Dialect):
    """SQLite 3.44 and later (ordered aggregates, STRICT tables, RETURNING)."""

    name = "sqlite"

    def quote(self, identifier: str) -> str:
        return names.quote(identifier)

    def table(self, name: TableName) -> str:
        return names.table(name)

    def placeholder(self, number: int, type_: DataType, form: Form = Form.SCALAR) -> str:
        if form is not Form.LIST:
            return f"?{number}"
        item = _key("value", type_) if type_.kind is Kind.JSON else _comparable("value", type_)
        return f"(SELECT {item} FROM json_each(?{number}))"

    def encoder(self, type_: DataType, form: Form, operator: str | None) -> Encoder:
        if form is Form.PATTERNS:
            return _globs if operator == "like" else json_dump
        if form is Form.REGEX:
            return _folded_regex if operator == "imatch" else _regex
        if form is Form.REGEXES:
            return _folded_regexes if operator == "imatch" else _regexes
        if type_.kind is Kind.JSON:
            return _document_text if form is Form.SCALAR else _document_texts
        if form in (Form.LIST, Form.VALUES):
            return _listed_bytes if type_.kind is Kind.BYTES else _listed_wide if type_.wide else _listed
        if form is Form.PATTERN:
            return _glob if operator == "like" else same
        return encoder(type_)

    def path(self, column: str, steps: Sequence[Step], as_text: bool, arguments: Arguments) -> str:
        place = f"?{arguments.constant(_path(steps))}"
        if not as_text:
            return f"({column} -> {place})"
        return (
            f"(CASE json_type({column}, {place}) WHEN 'text' THEN {column} ->> {place} WHEN 'null' THEN NULL"
            f" WHEN 'integer' THEN CAST({column} ->> {place} AS TEXT) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'"
            f" ELSE ms_json_text({column} -> {place}) END)"
        )

    def compare(self, operator: Operator, left: str, right: str, type_: DataType) -> str:
        if type_.wide:
            left, right = _comparable(left, type_), right if operator.form is Form.LIST else _comparable(right, type_)
        match operator.name:
            case "like":
                return f"{left} GLOB {right}"
            case "ilike":
                return f"{left} LIKE {right} ESCAPE '\\'"
            case "match" | "imatch":  # the pattern itself folds case
                return f"ms_match({right}, {left})"
            case name if name in INSIDE:
                return f"ms_test({names.literal(name)}, {left}, {right}, {_spec(type_)})"
            case "in" if type_.kind is Kind.JSON:
                return f"{_key(left, type_)} IN {right}"
            case "in":
                return f"{_hex(left) if type_.kind is Kind.BYTES else left} IN {right}"
            case name if _keyed(name, type_):
                symbol = "IS NOT" if name == "isdistinct" else SYMBOLS[name]
                return f"{_key(left, type_)} {symbol} {_key(right, type_)}"
            case "isdistinct":
                return f"{left} IS NOT {right}"
            case "gt" | "gte" | "lt" | "lte" if type_.kind is Kind.ENUM:
                return f"{_rank(left, type_)} {SYMBOLS[operator.name]} {_rank(right, type_)}"
            case name:
                return f"{left} {SYMBOLS[name]} {right}"

    def quantified(self, operator: Operator, left: str, right: str, type_: DataType, quantifier: Quantifier) -> str:
        """Three-valued, as PostgreSQL has it: unknown where an item decides nothing and no other one does."""
        one = self.compare(operator, _hex(left) if type_.kind is Kind.BYTES else left, "q.value", type_)
        none, decides = ("0", "max(r) = 1") if quantifier is Quantifier.ANY else ("1", "min(r) = 0")
        found = "1" if quantifier is Quantifier.ANY else "0"
        return (
            f"(SELECT CASE WHEN count(*) = 0 THEN {none} WHEN {decides} THEN {found} WHEN count(r) < count(*) THEN NULL"
            f" ELSE {none} END FROM (SELECT {one} AS r FROM json_each({right}) AS q))"
        )

    def apply(self, node: Apply, arguments: Sequence[str]) -> str:
        match node.function:
            case "concat":
                return f"({' || '.join(arguments)})"
            case "text":
                return f"({_text(arguments[0], node.arguments[0].type)})"
            case "add" | "subtract" | "multiply" as name:
                return _calculated(name, arguments, node)
            case name:  # SQLite folds ASCII letters only
                return self.canonical(f"{name}({', '.join(arguments)})", node.type)

    def canonical(self, value: str, type_: DataType) -> str:
        return f"ms_wide({value}, {_scale(type_)})" if type_.wide else value

    def adopted(self, column: str, type_: DataType) -> str:
        return adopted.canonical(column, type_)

    def search(self, node: Search, left: str, right: str, arguments: Arguments) -> str:
        if node.config not in CONFIGS:
            raise unsupported(node.op, node.config, "SQLite")
        function = "ms_search" if node.left.type.kind is Kind.TEXT else "ms_search_document"
        return f"{function}({left}, '{node.op}', '{node.config}', {right})"

    def candidates(self, node: Search, alias: str, arguments: Arguments) -> str | None:
        column = node.left.column if isinstance(node.left, Ref) and not node.left.path else None
        if column is None or node.table is None or column not in search.indexed(node.table):
            return None
        from mainspring.engines.sqlite.narrow import narrowing  # here: few start with a search

        query, everything = (arguments.add(node.right.index, encode) for encode in narrowing(node.op, node.config))
        return search.candidates(node.table, column, alias, f"?{query}", f"?{everything}")

    def truth(self, value: str) -> str:
        return f"{value} = 1"  # unlike the bare value, an index can serve it

    def test(self, value: str, what: str) -> str:
        return f"{value} IS {_TESTS[what]}"

    def order(self, value: str, type_: DataType, descending: bool, nulls_first: bool, *, nullable: bool) -> str:
        key = _rank(value, type_) if type_.kind is Kind.ENUM else _comparable(value, type_)
        key = _key(value, type_) if _keyed("gt", type_) else key
        nulls = f" NULLS {'FIRST' if nulls_first else 'LAST'}" if nullable else ""
        return f"{key}{' DESC' if descending else ''}{nulls}"

    def document_value(self, value: str, type_: DataType) -> str:
        return _document(value, type_)

    def cursor_value(self, value: str, type_: DataType) -> str:
        document = self.document_value(value, type_)
        return f"json(CASE WHEN {value} IS NOT NULL THEN json_array({document}) END)" if type_.kind is Kind.JSON else document

    def document_text(self, document: str) -> str:
        return document

    def document_again(self, text: str) -> str:
        return f"json({text})"

    def convert(self, value: str, source: DataType, target: DataType) -> tuple[str, DataType]:
        if target.kind is Kind.TEXT:
            return (f"substr({_text(value, source)}, 1, {target.length})" if target.length else _text(value, source)), target
        if source.native is not None:
            value = adopted.castable(value, source)
        if source.zone and target.kind is Kind.DATE:
            return f"ms_clock_date({value}, {names.literal(source.zone)})", target
        if source.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ) and target.kind is Kind.DATE:
            return f"substr({value}, 1, 10)", target
        if source.kind in (Kind.INTEGER, Kind.BOOLEAN) and target.kind is Kind.NUMERIC:
            return value, BIGINT
        if source.wide:
            return (f"ms_real({value})" if target.kind is Kind.FLOAT else self.canonical(value, target)), target
        return f"CAST({value} AS REAL)" if target.kind is Kind.FLOAT else value, target

    def aggregate(self, function: str, value: str, type_: DataType) -> tuple[str, DataType]:
        shown = result_type(function, type_) or type_
        if type_.wide and function != "count":
            return f"ms_wide_{function}({value})", shown
        match function, type_.kind:
            case ("min" | "max", Kind.ENUM):
                whens = " ".join(f"WHEN {place} THEN {names.literal(item)}" for place, item in enumerate(type_.values))
                return f"(CASE {function}({_rank(value, type_)}) {whens} END)", shown
            case "sum", Kind.INTEGER:
                return f"sum({value})", BIGINT
            case "sum", Kind.NUMERIC if type_.scale is None and type_.precision is None:
                return f"ms_exact_sum({value})", shown
            case "sum", _:
                return _total(f"sum({value})", type_), shown
            case "avg", Kind.INTEGER | Kind.NUMERIC:
                return f"ms_round(avg({value}))", shown
            case _:
                return f"{function}({value})", shown

    def few(self, count: str, most: int, refusal: str, arguments: Arguments) -> str:
        run = arguments.made(next_run)
        return f"json_extract('{{}}', ms_looked(?{run}, total_changes(), {count}, {most}, {names.literal(refusal)})) IS NOT NULL"

    def json_object(self, pairs: list[tuple[str, str]]) -> str:
        return f"json_object({', '.join(f'{names.literal(key)}, {value}' for key, value in pairs)})"

    def json_list(self, values: list[str]) -> str:
        return f"json_array({', '.join(values)})"

    def json_array(self, document: str) -> str:
        return f"json_group_array({document})"

    def position(self, value: str, number: int, type_: DataType) -> str:
        sought = _hex(value) if type_.kind is Kind.BYTES else value
        return f"(SELECT p.key FROM json_each(?{number}) AS p WHERE p.value = {sought} LIMIT 1)"

    def least(self, value: str, bound: int) -> str:
        return f"min(coalesce({value}, {bound}), {bound})"


def _path(steps: Sequence[Step]) -> str:
    parts = ["$"]
    for step in steps:
        if isinstance(step.value, int):
            parts.append(f"[{step.value}]" if step.value >= 0 else f"[#{step.value}]")
        elif '"' in step.value or "\\" in step.value:
            raise NotSupported("a JSON key with a quote or backslash in a path", by="SQLite")
        else:
            parts.append(f'."{step.value}"')
    return "".join(parts)


_SIGNS = {"add": "+", "subtract": "-", "multiply": "*"}


def _calculated(name: str, arguments: Sequence[str], node: Apply) -> str:
    """Arithmetic. What fits a double's digits is rounded to its scale.

    Wide numerics are doubles, too, as long as one keeps their digits, and beyond that decimal numbers in a text: SQLite
    calculates those that fit for certain, which are most, `functions` the others.
    """
    (left, right), type_ = arguments, node.type
    result = f"({left} {_SIGNS[name]} {right})"
    if type_.kind is Kind.INTEGER:
        return result
    rounded = f"round({result}, {type_.scale or 0})"
    if not type_.wide:
        return rounded
    exact = f"ms_{name}({left}, {right}, {_scale(type_)})"
    room = NUMERIC_DIGITS - (type_.scale or 0)
    if type_.scale is None or room < 1 or any(argument.type.wide for argument in node.arguments):
        return exact
    fits = f"abs({rounded}) < {10**room}"
    if name != "multiply":  # a small difference of large numbers has their errors
        fits = f"abs({left}) < {10**room // 2} AND abs({right}) < {10**room // 2}"
    return f"(CASE WHEN {fits} THEN {rounded} ELSE {exact} END)"


def _scale(type_: DataType) -> str:
    return "NULL" if type_.scale is None else str(type_.scale)


def _comparable(value: str, type_: DataType) -> str:
    """What values are compared and ordered by."""
    return f"ms_numeric_key({value})" if type_.wide else value


OVERFLOW = "abs(-9223372036854775808)"
"""An expression that fails: SQLite's "integer overflow", which is what a total beyond its numbers is."""


def _total(total: str, type_: DataType) -> str:
    """A sum of doubles: of exact numbers as long as it is exact, of others while it is finite."""
    if type_.kind is Kind.FLOAT:
        return f"(CASE WHEN abs({total}) > 1.7976931348623157e308 THEN {OVERFLOW} ELSE {total} END)"
    largest = 10 ** (NUMERIC_DIGITS - (type_.scale or 0)) if (type_.scale or 0) < NUMERIC_DIGITS else 1
    return f"(CASE WHEN abs({total}) >= {largest} THEN {OVERFLOW} ELSE ms_round({total}) END)"


def _hex(value: str) -> str:
    """The digits of bytes; null has none (SQLite's hex() would give it those of an empty value)."""
    return f"(CASE WHEN {value} IS NOT NULL THEN hex({value}) END)"


def _spec(type_: DataType) -> str:
    return names.literal(spec(type_))


def _key(value: str, type_: DataType) -> str:
    """Bytes that order and equal one another as the values do."""
    return f"ms_key({value}, {_spec(type_)})"


def _keyed(operator: str, type_: DataType) -> bool:
    """Whether stored values do not compare as they are. Of ranges and of most arrays equal values have one text."""
    if type_.kind in (Kind.ARRAY, Kind.RANGE):
        return operator in ("gt", "gte", "lt", "lte") or (type_.item is not None and type_.item.kind is Kind.JSON)
    return type_.kind is Kind.JSON


def _rank(value: str, type_: DataType) -> str:
    """An enum's place in its declaration."""
    whens = " ".join(f"WHEN {names.literal(item)} THEN {place}" for place, item in enumerate(type_.values))
    return f"(CASE {value} {whens} END)"


def _document(value: str, type_: DataType) -> str:
    usual = _own_document(value, type_)
    return usual if type_.native is None else adopted.document(value, type_, usual)


def _own_document(value: str, type_: DataType) -> str:
    match type_.kind:
        case Kind.BOOLEAN:
            return f"CASE {value} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"
        case Kind.FLOAT:
            # SQLite itself writes up to 17 digits where 16 read back the same.
            whole = f"CAST({value} AS INTEGER)"
            return f"CASE WHEN {value} = {whole} AND abs({value}) < 1e15 THEN {whole} ELSE json(ms_float_text({value})) END"
        case Kind.NUMERIC:
            return f"json({_number(value, type_)})"
        case Kind.BYTES:
            return f"CASE WHEN {value} IS NOT NULL THEN '\\x' || lower(hex({value})) END"
        case Kind.INTERVAL:
            return f"ms_interval({value})"
        case Kind.TIMESTAMPTZ if type_.zone:
            return f"ms_clock({value}, {names.literal(type_.zone)})"
        case Kind.ARRAY if type_.item is not None and type_.item.zone:
            return f"json(ms_clocks({value}, {names.literal(type_.item.zone)}))"
        case Kind.ARRAY if type_.item is not None and type_.item.item is not None and type_.item.item.zone:
            return f"json(ms_range_clocks({value}, {names.literal(type_.item.item.zone)}))"
        case Kind.RANGE if type_.item is not None and type_.item.zone:
            return f"ms_range_clock({value}, {names.literal(type_.item.zone)})"
        case Kind.JSON | Kind.ARRAY:
            return f"json({value})"
        case _:
            return value


def _number(value: str, type_: DataType) -> str:
    """A number in decimal notation; below 0.0001 `%g` would turn to an exponent."""
    if type_.wide:
        return f"ms_number({value}, {_scale(type_)})"
    if type_.precision is not None or type_.scale is not None:
        return f"CASE WHEN {value} IS NOT NULL THEN printf('%.{type_.scale or 0}f', {value}) END"
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN abs({value}) BETWEEN 1e-300 AND 1e-4"
        f" THEN ms_decimal_text({value}) ELSE printf('%.15g', {value}) END"
    )


def _text(value: str, type_: DataType) -> str:
    usual = _own_text(value, type_)
    return usual if type_.native is None else adopted.text(value, type_, usual)


def _own_text(value: str, type_: DataType) -> str:
    match type_.kind:
        case Kind.INTEGER:
            return f"CAST({value} AS TEXT)"
        case Kind.BOOLEAN:
            return f"CASE {value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        case Kind.FLOAT:
            return f"ms_float_text({value})"
        case Kind.NUMERIC:
            return _number(value, type_)
        case Kind.TIMESTAMP:
            return f"replace({value}, 'T', ' ')"
        case Kind.TIMESTAMPTZ if type_.zone:
            return f"ms_clock_text({value}, {names.literal(type_.zone)})"
        case Kind.TIMESTAMPTZ:
            return f"replace(substr({value}, 1, length({value}) - 3), 'T', ' ')"
        case Kind.JSON:
            return f"ms_json_text({value})"
        case Kind.BYTES | Kind.INTERVAL | Kind.RANGE:
            return _document(value, type_)
        case _:
            return value

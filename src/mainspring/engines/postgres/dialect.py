"""PostgreSQL's spelling of plans. Every argument is the text of its value, typed by a cast in the placeholder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from mainspring.datatypes import TEXT, DataType, Document, Kind, interval_text
from mainspring.engines.postgres import names
from mainspring.engines.postgres.ddl import column_type
from mainspring.engines.sql.dialect import SYMBOLS, Dialect, Step
from mainspring.engines.sql.statement import Arguments, Encoder
from mainspring.query import regex
from mainspring.query.aggregates import result_type
from mainspring.query.ast import Quantifier, TableName
from mainspring.query.expr import Apply, Ref, Search
from mainspring.query.ops import Form, Operator
from mainspring.query.search import CONFIGS

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*"}
_LOOKED = "mainspring.looked"
_LISTS = (Form.LIST, Form.VALUES, Form.PATTERNS, Form.REGEXES)
_SYMBOLS = {
    **SYMBOLS,
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
}
_SEARCHES = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
BY_CODE_POINT = 'COLLATE "C"'

_encode_json = msgspec.json.Encoder(decimal_format="number").encode


class PostgresDialect(Dialect):
    """PostgreSQL 14 and later."""

    name = "postgres"

    def quote(self, identifier: str) -> str:
        return names.quote(identifier)

    def table(self, name: TableName) -> str:
        return names.table(name)

    def placeholder(self, number: int, type_: DataType, form: Form = Form.SCALAR) -> str:
        if form not in _LISTS:
            return f"${number}::{argument_type(type_)}"
        as_text = "text[]::" if type_.kind is Kind.NATIVE else ""  # its own arrays may not be written with commas
        return f"${number}::{as_text}{argument_type(type_)}[]"

    def encoder(self, type_: DataType, form: Form, operator: str | None) -> Encoder:
        if form in (Form.REGEX, Form.REGEXES):
            return _REGEX[form, operator == "imatch"]
        if type_.kind is Kind.JSON:
            return _documents if form in _LISTS else _document
        return _list_encoder(type_) if form in _LISTS else encoder(type_)

    def path(self, column: str, steps: Sequence[Step], as_text: bool, arguments: Arguments) -> str:
        place = column
        for number, step in enumerate(steps, 1):
            arrow = "->>" if as_text and number == len(steps) else "->"
            mark = f"${arguments.add(step.index, _plain)}"
            place = _element(place, arrow, mark) if isinstance(step.value, int) else f"({place} {arrow} {mark}::text)"
        return place

    def compare(self, operator: Operator, left: str, right: str, type_: DataType) -> str:
        match operator.name:
            case "like":
                return f"{left} {BY_CODE_POINT} LIKE {right}"
            case "ilike":  # under "C" only ASCII letters fold
                return f"{left} {BY_CODE_POINT} ILIKE {right}"
            case "match" | "imatch":  # the pattern itself folds case
                return f"{left} {BY_CODE_POINT} ~ {right}"
            case "in":
                return f"{left} = ANY({right})"
            case "isdistinct":
                return f"{left} IS DISTINCT FROM {right}"
            case "gt" | "gte" | "lt" | "lte" if _is_text(type_):
                return f"{left} {BY_CODE_POINT} {SYMBOLS[operator.name]} {right}"
            case name:
                return f"{left} {_SYMBOLS[name]} {right}"

    def quantified(self, operator: Operator, left: str, right: str, type_: DataType, quantifier: Quantifier) -> str:
        return self.compare(operator, left, f"{quantifier.upper()}({right})", type_)

    def search(self, node: Search, left: str, right: str, arguments: Arguments) -> str:
        config = self._config(node, arguments)
        return f"to_tsvector({config}, {left}) @@ {_SEARCHES[node.op]}({config}, {right})"

    def _config(self, node: Search, arguments: Arguments) -> str:
        """A configuration: one that an index may be made for as a constant, any other as an argument."""
        declared = isinstance(node.left, Ref) and node.left.column.search == node.config
        if declared or node.config in CONFIGS:
            return names.config(node.config)
        return f"${arguments.constant(node.config.encode())}::regconfig"

    def apply(self, node: Apply, arguments: Sequence[str]) -> str:
        match node.function:
            case "concat":
                return f"({' || '.join(arguments)})"
            case "lower" | "upper" as name:  # under "C" only ASCII letters fold
                return f"{name}({arguments[0]} {BY_CODE_POINT})"
            case "text" if node.arguments[0].type.kind is Kind.TIMESTAMPTZ:  # in UTC, wherever the request shows moments
                return f"(({arguments[0]} AT TIME ZONE 'UTC')::text || '+00')"
            case "text":
                return f"({self.convert(arguments[0], node.arguments[0].type, TEXT)[0]})"
            case "add" | "subtract" | "multiply" as name:
                sort = "bigint" if node.type.kind is Kind.INTEGER else "numeric"
                left, right = (f"{argument}::{sort}" for argument in arguments)
                return f"({left} {_SIGNS[name]} {right})"
            case name:
                return f"{name}({', '.join(arguments)})"

    def order(self, value: str, type_: DataType, descending: bool, nulls_first: bool, *, nullable: bool) -> str:
        key = f"{value} {BY_CODE_POINT}" if _is_text(type_) else value
        usual = nulls_first is descending or not nullable
        nulls = "" if usual else f" NULLS {'FIRST' if nulls_first else 'LAST'}"
        return f"{key}{' DESC' if descending else ''}{nulls}"

    def adopted(self, column: str, type_: DataType) -> str:
        match type_.kind:
            case Kind.FLOAT:  # a real by way of its text: 0.1 is to be what a request calls 0.1
                return f"({column}::text::double precision)"
            case _:
                return f"({column}::{argument_type(type_)})"

    def document_value(self, value: str, type_: DataType) -> str:
        return _number(value, type_)

    def cursor_value(self, value: str, type_: DataType) -> str:
        if type_.kind is Kind.JSON:
            return f"(CASE WHEN {value} IS NOT NULL THEN json_build_array({value}) END)"
        if type_.kind is not Kind.TIMESTAMPTZ:
            return self.document_value(value, type_)
        return f"((to_json({value} AT TIME ZONE 'UTC') #>> '{{}}') || '+00:00')"

    def document_text(self, document: str) -> str:
        return f"({document})::text"

    def document_again(self, text: str) -> str:
        return f"{text}::json"

    def convert(self, value: str, source: DataType, target: DataType) -> tuple[str, DataType]:
        exact = _number(value, source) if source.kind is Kind.NUMERIC else value
        if source.kind is Kind.BOOLEAN and target.kind not in (Kind.BOOLEAN, Kind.TEXT):
            exact = f"{exact}::int"
        if source.kind is target.kind and target.kind not in (Kind.INTEGER, Kind.NUMERIC):
            return exact, target
        return f"{exact}::{argument_type(target)}", target

    def aggregate(self, function: str, value: str, type_: DataType) -> tuple[str, DataType]:
        shown = result_type(function, type_) or type_
        if function in ("min", "max") and type_.kind is Kind.TEXT:
            return f"{function}({value} {BY_CODE_POINT})", shown
        if function == "avg" and type_.kind is not Kind.FLOAT:  # the cast of a double keeps 15 significant digits
            return f"avg({value})::float8::numeric", shown
        return f"{function}({value})", shown

    def few(self, count: str, most: int, refusal: str, arguments: Arguments) -> str:
        """The sum is kept in a setting, which lasts as long as the transaction."""
        before = f"coalesce(nullif(current_setting('{_LOOKED}', true), ''), '0')::bigint"
        sum_ = f"set_config('{_LOOKED}', ({before} + {count})::text, true)::bigint"
        return f"(CASE WHEN {sum_} > {most} THEN {names.literal(refusal)} ELSE '1' END)::int = 1"

    def json_object(self, pairs: list[tuple[str, str]]) -> str:
        """The select list of a subquery: PostgreSQL makes its objects of named rows."""
        return ", ".join(f"{value} AS {self.quote(key)}" for key, value in pairs)

    def json_list(self, values: list[str]) -> str:
        return f"json_build_array({', '.join(values)})"

    def json_array(self, document: str) -> str:
        return f"coalesce(json_agg({document}), '[]'::json)"

    def position(self, value: str, number: int, type_: DataType) -> str:
        return f"array_position({self.placeholder(number, type_, Form.LIST)}, {value})"

    def returned(self, alias: str) -> str:
        """What an insert returns of a row: its identity, and whether it is new."""
        return f"{alias}.ctid, {alias}.xmax = 0"

    def row_id(self, alias: str) -> str:
        """What identifies a row within one transaction."""
        return f"{alias}.ctid"

    def among(self, row_id: str, number: int) -> str:
        """Whether a row's identity is among those in extra argument `number`."""
        return f"{row_id} = ANY(${number}::tid[])"

    def least(self, value: str, bound: int) -> str:
        return f"least({value}, {bound})"


def argument_type(type_: DataType) -> str:
    """The type to which an argument is cast: as its column, but without a length (which a cast would cut to)."""
    match type_.kind:
        case Kind.TEXT:
            return "text"
        case Kind.NUMERIC:
            return "numeric"
        case Kind.ARRAY if type_.item is not None and type_.item.length is not None:
            return "varchar[]"  # arrays of text and of varchar do not compare
        case Kind.ARRAY if type_.item is not None:
            return f"{argument_type(type_.item)}[]"
        case _:
            return column_type(type_)


def _is_text(type_: DataType) -> bool:
    """Whether values of the type, or its items, are text."""
    return Kind.TEXT in (type_.kind, type_.item.kind if type_.item else None)


def _element(place: str, arrow: str, mark: str) -> str:
    """An array's element. PostgreSQL takes a number or a text for an array of one, which it is not."""
    return f"(SELECT v {arrow} {mark}::int FROM (SELECT {place} AS v OFFSET 0) AS j WHERE jsonb_typeof(v) = 'array')"


def _number(value: str, type_: DataType) -> str:
    """A numeric as `datatypes` writes it: at its scale (which its column keeps), or as short as can be."""
    if type_.kind is not Kind.NUMERIC or type_.precision is not None:
        return value
    return f"trim_scale({value})" if type_.scale is None else f"round({value}, {type_.scale})"


# ---------------------------------------------------------------- values


def encoder(type_: DataType) -> Encoder:
    """From a canonical value to its text for PostgreSQL, as bytes."""
    return _array_encoder(type_) if type_.kind is Kind.ARRAY else _ENCODERS.get(type_.kind, _plain)


def array(items: Iterable[bytes | None]) -> bytes:
    """An array literal of encoded items."""
    return b"{" + b",".join(b"NULL" if item is None else _quoted(item) for item in items) + b"}"


def _quoted(item: bytes) -> bytes:
    return b'"' + item.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _plain(value: Any) -> bytes:
    return str(value).encode()


def _boolean(value: bool) -> bytes:
    return b"t" if value else b"f"


def _float(value: float) -> bytes:
    return repr(value).encode()


def _document(value: Document) -> bytes:
    return _encode_json(value.value)


def _documents(values: Iterable[Document | None]) -> bytes:
    return array(None if value is None else _encode_json(value.value) for value in values)


def _regex(fold: bool) -> Encoder:
    return lambda pattern: regex.for_postgres(pattern, fold).encode()


def _regexes(fold: bool) -> Encoder:
    encode = _regex(fold)
    return lambda patterns: array(None if pattern is None else encode(pattern) for pattern in patterns)


_REGEX = {(form, fold): make(fold) for form, make in ((Form.REGEX, _regex), (Form.REGEXES, _regexes)) for fold in (False, True)}


def _interval(value: int) -> bytes:
    return interval_text(value).encode()


def _bytes(value: bytes) -> bytes:
    return b"\\x" + value.hex().encode()


_ENCODERS: dict[Kind, Encoder] = {
    Kind.BOOLEAN: _boolean,
    Kind.FLOAT: _float,
    Kind.INTERVAL: _interval,
    Kind.JSON: _encode_json,
    Kind.BYTES: _bytes,
}


@cache
def _list_encoder(type_: DataType) -> Encoder:
    encode = encoder(type_)
    return lambda values: array(None if value is None else encode(value) for value in values)


def _array_encoder(type_: DataType) -> Encoder:
    if type_.item is None:
        raise AssertionError("an array has items of a type")
    return _list_encoder(type_.item)

"""What differs between SQL databases, in one place. A dialect overrides only what it must."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from mainspring.datatypes import DataType
from mainspring.engines.sql.statement import Arguments, Encoder
from mainspring.query.ast import Quantifier, TableName
from mainspring.query.expr import Apply, Search
from mainspring.query.ops import Form, Operator

_TESTS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}
SYMBOLS = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a JSON path: the plan's parameter and the constant it holds (str: key, int: index)."""

    index: int
    value: str | int


class Dialect(ABC):
    """How one database writes what all of them can do."""

    name: str

    @abstractmethod
    def quote(self, identifier: str) -> str:
        """A catalogued identifier, quoted."""

    @abstractmethod
    def table(self, name: TableName) -> str:
        """A table's name in FROM."""

    @abstractmethod
    def placeholder(self, number: int, type_: DataType, form: Form = Form.SCALAR) -> str:
        """The placeholder of argument `number` (from 1), typed where the database needs it."""

    @abstractmethod
    def encoder(self, type_: DataType, form: Form, operator: str | None) -> Encoder:
        """From the canonical value to what the driver takes."""

    @abstractmethod
    def path(self, column: str, steps: Sequence[Step], as_text: bool, arguments: Arguments) -> str:
        """A place in a JSON column (its text with `as_text`); the steps are bound, never written."""

    @abstractmethod
    def compare(self, operator: Operator, left: str, right: str, type_: DataType) -> str:
        """A comparison of two compiled operands."""

    @abstractmethod
    def quantified(self, operator: Operator, left: str, right: str, type_: DataType, quantifier: Quantifier) -> str:
        """A comparison with any or all of the items of a compiled list."""

    @abstractmethod
    def search(self, node: Search, left: str, right: str, arguments: Arguments) -> str:
        """Full-text search in a compiled operand. Raises NotSupported for a configuration that the database has not."""

    def candidates(self, node: Search, alias: str, arguments: Arguments) -> str | None:
        """A condition that an index serves and that holds for every row that fits a search; None where there is no such index."""
        return None

    @abstractmethod
    def apply(self, node: Apply, arguments: Sequence[str]) -> str:
        """A function of `query.functions` applied to compiled operands, parenthesised."""

    def canonical(self, value: str, type_: DataType) -> str:
        """A value of `type_` that was computed, in the one form by which equal ones are told."""
        return value

    def adopted(self, column: str, type_: DataType) -> str:
        """The canonical value of a column that the database holds in a form of its own (`type_.native`)."""
        return column

    def truth(self, value: str) -> str:
        """A boolean value as a condition."""
        return value

    def test(self, value: str, what: str) -> str:
        """`IS null | not_null | true | false | unknown`."""
        return f"{value} IS {_TESTS[what]}"

    @abstractmethod
    def order(self, value: str, type_: DataType, descending: bool, nulls_first: bool, *, nullable: bool) -> str:
        """One term of ORDER BY. Text must order by code point, enums by declaration."""

    @abstractmethod
    def document_value(self, value: str, type_: DataType) -> str:
        """The SQL whose value stands in a JSON document in the JSON form of `datatypes`."""

    def cursor_value(self, value: str, type_: DataType) -> str:
        """The document form of a value in a cursor, whatever time zone an answer is shown in.

        JSON stands in an array, so that a null that is there is not one that is missing.
        """
        return self.document_value(value, type_)

    @abstractmethod
    def document_text(self, document: str) -> str:
        """The text of a document, which can be grouped by."""

    @abstractmethod
    def document_again(self, text: str) -> str:
        """The document of a text made by `document_text`."""

    def document_of(self, value: str, type_: DataType | None) -> str:
        """The document form of a bare value; of the text of a document where there is no type."""
        return self.document_again(value) if type_ is None else self.document_value(value, type_)

    @abstractmethod
    def convert(self, value: str, source: DataType, target: DataType) -> tuple[str, DataType]:
        """A cast with the result of `query.casts`: the bare value, and the type by which it is shown in a document."""

    @abstractmethod
    def aggregate(self, function: str, value: str, type_: DataType) -> tuple[str, DataType]:
        """An aggregate of bare values of `type_` as `query.aggregates` has it, and the type by which it is shown."""

    @abstractmethod
    def few(self, count: str, most: int, refusal: str, arguments: Arguments) -> str:
        """True; an error that names `refusal` once the counts for which it is asked make more than `most` in one statement."""

    @abstractmethod
    def json_object(self, pairs: list[tuple[str, str]]) -> str:
        """An object of document values under their keys."""

    @abstractmethod
    def json_list(self, values: list[str]) -> str:
        """An array of document values."""

    @abstractmethod
    def json_array(self, document: str) -> str:
        """The aggregate that collects documents into an array; `[]` for none."""

    @abstractmethod
    def position(self, value: str, number: int, type_: DataType) -> str:
        """The place of a value of `type_` in the list that is argument `number`."""

    @abstractmethod
    def least(self, value: str, bound: int) -> str:
        """The smaller of an argument (null: none) and a bound."""

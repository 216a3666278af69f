"""The expressions of the policy language: what columns, facts about the caller and their comparisons build.

They only build conditions of the query AST. They know no caller, no plan and no engine.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import NoReturn
from uuid import UUID

from mainspring.catalog.model import Column, Table
from mainspring.datatypes import TEXT, DataType, Kind, from_json
from mainspring.errors import MainspringError
from mainspring.policy.mistakes import Misuse
from mainspring.query import ast
from mainspring.query.ops import OPERATORS

_MIRRORED = {"eq": "eq", "neq": "neq", "gt": "lt", "gte": "lte", "lt": "gt", "lte": "gte"}
_LITERALS = (str, bool, int, float, Decimal, bytes, date, datetime, time, timedelta, UUID, Enum, list, tuple)
_SUBJECT = "`and`, `or`, `not`, `in`, `if` and chained comparisons cannot look into a policy expression"


class Expression:
    """What `row`, `me` and comparisons yield. Combine with & | ~."""

    __slots__ = ()

    def __and__(self, other: object) -> Condition:
        return Condition(ast.And((condition(self), condition(other))))

    def __or__(self, other: object) -> Condition:
        return Condition(ast.Or((condition(self), condition(other))))

    __rand__ = __and__
    __ror__ = __or__

    def __invert__(self) -> Condition:
        return Condition(ast.Not(condition(self)))

    def __bool__(self) -> NoReturn:
        raise Misuse(_SUBJECT, "use & | ~ with parentheses around each comparison, and .in_([...])")

    def __iter__(self) -> NoReturn:
        raise Misuse("a policy expression cannot be iterated over", "use & | ~, .in_([...]) or exists(...)")

    def __contains__(self, item: object) -> NoReturn:
        raise Misuse(_SUBJECT, "use & | ~ and .in_([...])")

    def __hash__(self) -> NoReturn:
        raise Misuse("a policy expression cannot be looked up in a set or dict", "use .in_([...])")

    def __str__(self) -> NoReturn:
        raise Misuse("a policy expression has no text: it stands for a value of every row", "compare it as it is")

    def __format__(self, spec: str) -> NoReturn:
        self.__str__()


class Condition(Expression):
    """Something that holds, does not hold, or is unknown."""

    __slots__ = ("node",)

    def __init__(self, node: ast.Expr) -> None:
        self.node = node

    def __eq__(self, other: object) -> NoReturn:
        raise Misuse("conditions cannot be compared", "put each comparison in parentheses")

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __hash__ = Expression.__hash__


def condition(value: object) -> ast.Expr:
    """`value` as a condition: a Condition, True or False, a boolean column, a claim. Raises Misuse for anything else."""
    match value:
        case True:
            return ast.TRUE
        case False:
            return ast.FALSE
        case Condition():
            return value.node
        case Operand():
            return value._truth()
        case _:
            said = "nothing (is a `return` missing?)" if value is None else f"{value!r:.80}"
            raise Misuse(f"a condition is needed, not {said}", "return a comparison, True or False")


class Operand(Expression):
    """Something that has a value: a column, a place in its JSON, a fact about the caller."""

    __slots__ = ()

    def _node(self) -> ast.Operand:
        raise NotImplementedError

    def _type(self) -> DataType | None:
        raise NotImplementedError

    def _constant(self, value: object) -> ast.Const:
        raise NotImplementedError

    def _truth(self) -> ast.Expr:
        raise NotImplementedError

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self.is_null() if other is None else _compare("eq", self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self.is_not_null() if other is None else _compare("neq", self, other)

    __hash__ = Expression.__hash__

    def __lt__(self, other: object) -> Condition:
        return _compare("lt", self, other)

    def __le__(self, other: object) -> Condition:
        return _compare("lte", self, other)

    def __gt__(self, other: object) -> Condition:
        return _compare("gt", self, other)

    def __ge__(self, other: object) -> Condition:
        return _compare("gte", self, other)

    def is_null(self) -> Condition:
        """IS NULL."""
        return Condition(ast.Is(self._node(), "null"))

    def is_not_null(self) -> Condition:
        """IS NOT NULL."""
        return Condition(ast.Is(self._node(), "not_null"))

    def in_(self, values: object) -> Condition:
        """Whether the value is one of `values`: a list, tuple or set of literals, or a claim that is a list."""
        _accepted("in", self)
        if isinstance(values, Fact):
            return Condition(ast.Compare("in", self._node(), values._node()))
        if not isinstance(values, list | tuple | set | frozenset):
            raise Misuse(f"in_ takes a list of literals or a claim, not {values!r:.80}")
        items = sorted(values, key=repr) if isinstance(values, set | frozenset) else values
        constants = tuple(self._constant(_literal(item)).value for item in items)
        return Condition(ast.Compare("in", self._node(), ast.Const(constants)))

    def like(self, pattern: str) -> Condition:
        """SQL's LIKE, case-sensitive: % for any text, _ for any character, backslash to escape."""
        return _matching("like", self, pattern)

    def ilike(self, pattern: str) -> Condition:
        """LIKE that takes A-Z and a-z for the same."""
        return _matching("ilike", self, pattern)

    def startswith(self, prefix: str) -> Condition:
        """Whether the text begins with `prefix`, taken literally."""
        if not isinstance(prefix, str):
            raise Misuse(f"startswith takes a string, not {prefix!r:.80}")
        escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return _matching("like", self, escaped + "%")


def _literal(value: object) -> object:
    if isinstance(value, Expression) or value is None:
        said = "null" if value is None else "another expression"
        raise Misuse(f"a literal is needed here, not {said}", "combine comparisons with |")
    if not isinstance(value, _LITERALS):
        raise Misuse(f"{value!r:.80} is no value that can be compared with")
    return value


def _accepted(op: str, operand: Operand) -> None:
    type_ = operand._type()
    if type_ is not None and not OPERATORS[op].accepts(type_):
        hint = 'name a place in it: row.data["key"]' if type_.kind is Kind.JSON else None
        raise Misuse(f"{operand!r} is of type {type_}, which `{op}` does not take", hint)


def _compare(op: str, left: Operand, right: object) -> Condition:
    _accepted(op, left)
    if isinstance(right, Condition):
        raise Misuse("a condition cannot be compared with", "put each comparison in parentheses")
    if not isinstance(right, Operand):
        if isinstance(left, Field) and left._path and op not in ("eq", "neq") and not isinstance(right, str):
            raise Misuse(f"{left!r} is compared as text, so {right!r:.80} cannot be put in order with it")
        return Condition(ast.Compare(op, left._node(), left._constant(_literal(right))))
    if isinstance(left, Fact) and isinstance(right, Field):
        op, left, right = _MIRRORED[op], right, left
    _accepted(op, right)
    _comparable(left, right)
    return Condition(ast.Compare(op, left._node(), right._node()))


def _comparable(left: Operand, right: Operand) -> None:
    one, other = left._type(), right._type()
    if one is None or other is None or isinstance(right, Fact):
        return
    if one.kind is other.kind:
        return
    raise Misuse(f"{left!r} is of type {one} and {right!r} of type {other}: they cannot be compared")


def _matching(op: str, operand: Operand, pattern: object) -> Condition:
    if not isinstance(pattern, str):
        raise Misuse(f"{op} takes a string, not {pattern!r:.80}")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise Misuse(f"the pattern {pattern!r:.80} ends with a lone backslash", "write two to mean one")
    _accepted(op, operand)
    return Condition(ast.Compare(op, operand._node(), ast.Const(pattern)))


class Field(Operand):
    """A column of a row, or a place inside its JSON; such a place is compared as text."""

    __slots__ = ("_column", "_path", "_scope", "_table")

    def __init__(self, table: Table, column: Column, scope: int, path: tuple[str | int, ...] = ()) -> None:
        self._table, self._column, self._scope, self._path = table, column, scope, path

    def __repr__(self) -> str:
        return f"{self._table.name.name}.{self._column.name}" + "".join(f"[{step!r}]" for step in self._path)

    def __getitem__(self, step: str | int) -> Field:
        if self._column.type.kind is not Kind.JSON:
            raise Misuse(f"{self!r} is of type {self._column.type}: only JSON columns have places inside")
        if isinstance(step, bool) or not isinstance(step, str | int):
            raise Misuse(f"a place in JSON is a key or an index, not {step!r:.80}")
        return Field(self._table, self._column, self._scope, (*self._path, step))

    def as_text(self) -> Field:
        """The place's text, as `->>` gives it (comparisons take it anyway)."""
        if self._column.type.kind is not Kind.JSON or not self._path:
            raise Misuse(f"{self!r} is no place in JSON")
        return self

    def _node(self) -> ast.Column:
        return ast.Column(self._column.name, self._path, bool(self._path), self._scope)

    def _type(self) -> DataType:
        return TEXT if self._path else self._column.type

    def _constant(self, value: object) -> ast.Const:
        if self._path:
            return ast.Const(self._place_text(value))
        try:
            from_json(self._column.type, value)
        except MainspringError as error:
            reason = getattr(error, "reason", None)
            raise Misuse(f"{self!r} cannot be compared with {value!r:.80}: {error.message}", reason) from None
        return ast.Const(value)

    def _place_text(self, value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | UUID) and not isinstance(value, Enum):
            return str(value)
        raise Misuse(f"{self!r} is compared as text: give a string, not {value!r:.80}")

    def _truth(self) -> ast.Expr:
        if self._path:
            raise Misuse(f"{self!r} is no boolean", f"write {self!r} == True")
        if self._column.type.kind is not Kind.BOOLEAN:
            raise Misuse(f"{self!r} is of type {self._column.type}, no boolean", "compare it with something")
        return ast.Truth(self._node())


class Fact(Operand):
    """A fact about the caller: text, except for claims, which are what the token says."""

    __slots__ = ("_path",)

    def __init__(self, *path: str) -> None:
        self._path = path

    def __repr__(self) -> str:
        return "me." + ".".join(self._path)

    @property
    def _claim(self) -> bool:
        return self._path[0] == "claims"

    def _node(self) -> ast.Auth:
        return ast.Auth(self._path)

    def _type(self) -> DataType | None:
        return None if self._claim else TEXT

    def _constant(self, value: object) -> ast.Const:
        if isinstance(value, str) or (isinstance(value, UUID) and self._path == ("uid",)):
            return ast.Const(str(value))
        if self._claim and isinstance(value, bool | int | float):
            return ast.Const(value)
        raise Misuse(f"{self!r} cannot be compared with {value!r:.80}", None if self._claim else "it is text")

    def _truth(self) -> ast.Expr:
        if not self._claim:
            raise Misuse(f"{self!r} is no boolean", "compare it, or ask .is_not_null()")
        return ast.Truth(self._node())

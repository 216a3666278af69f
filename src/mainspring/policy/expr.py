"""The expressions of the policy language: what columns, facts about the caller, computations and comparisons build.

They only build conditions and formulas of the query AST. They know no caller, no plan and no engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import NoReturn
from uuid import UUID

from mainspring.catalog.model import Column, Table
from mainspring.datatypes import BOOLEAN, INTEGER, JSON, TEXT, DataType, Kind, from_json
from mainspring.errors import MainspringError
from mainspring.policy.mistakes import Misuse
from mainspring.query import ast, regex
from mainspring.query.casts import castable
from mainspring.query.functions import DIGITS, Sized, arithmetic, common, sized
from mainspring.query.ops import OPERATORS, Form

_MIRRORED = {"eq": "eq", "neq": "neq", "gt": "lt", "gte": "lte", "lt": "gt", "lte": "gte"}
_LITERALS = (str, bool, int, float, Decimal, bytes, date, datetime, time, timedelta, UUID, Enum, list, tuple, dict)
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
        cure = "compare it as it is, join texts with +"
        raise Misuse("a policy expression has no text: it stands for a value of every row", cure)

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

    def _sized(self) -> Sized:
        return sized(self._type() or TEXT)

    def __add__(self, other: object) -> Formula:
        return _sum(self, other)

    def __radd__(self, other: object) -> Formula:
        return _sum(other, self)

    def __sub__(self, other: object) -> Formula:
        return _arithmetic("subtract", self, other)

    def __rsub__(self, other: object) -> Formula:
        return _arithmetic("subtract", other, self)

    def __mul__(self, other: object) -> Formula:
        return _arithmetic("multiply", self, other)

    __rmul__ = __mul__

    def __neg__(self) -> Formula:
        return _arithmetic("subtract", 0, self)

    def __truediv__(self, other: object) -> NoReturn:
        raise Misuse("there is no division: databases round it differently", "multiply by a decimal, as in row.price * 0.5")

    __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __truediv__

    def lower(self) -> Formula:
        """The text with A-Z as a-z; other letters stay as they are."""
        return _of_text("lower", self, TEXT)

    def upper(self) -> Formula:
        """The text with a-z as A-Z; other letters stay as they are."""
        return _of_text("upper", self, TEXT)

    def length(self) -> Formula:
        """The number of characters of a text."""
        return _of_text("length", self, INTEGER)

    def as_text(self) -> Operand:
        """The value's text, as PostgreSQL's `::text` writes it."""
        type_ = self._type() or TEXT
        if type_.kind is Kind.JSON or not castable(type_, TEXT):
            raise Misuse(f"{self!r} is of type {type_}, which has no text of its own")
        return Formula(ast.Apply("text", (self._node(),), TEXT), Sized(TEXT))

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]  # a comparison is a condition here
        return self.is_null() if other is None else _compare("eq", self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]  # a comparison is a condition here
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

    def matches(self, pattern: str) -> Condition:
        """Whether a regular expression (PostgreSQL's syntax) matches somewhere in the text."""
        return _matching("match", self, pattern)

    def imatches(self, pattern: str) -> Condition:
        """The same, taking A-Z and a-z for the same."""
        return _matching("imatch", self, pattern)

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
    if not isinstance(value, _LITERALS) and not isinstance(getattr(value, "bounds", None), str):  # SQLAlchemy's Range
        raise Misuse(f"{value!r:.80} is no value that can be compared with")
    return value


def _accepted(op: str, operand: Operand) -> None:
    type_ = operand._type()
    if type_ is not None and not OPERATORS[op].accepts(type_):
        hint = 'name a place in it: row.data["key"]' if type_.kind is Kind.JSON else None
        raise Misuse(f"{operand!r} is of type {type_}, which `{_WORDS.get(op, op)}` does not take", hint)


_WORDS = {"match": "matches", "imatch": "imatches", "cs": "contains", "cd": "contained_by", "ov": "overlaps"}


def _compare(op: str, left: Operand, right: object) -> Condition:
    _accepted(op, left)
    if isinstance(right, Condition):
        raise Misuse("a condition cannot be compared with", "put each comparison in parentheses")
    if not isinstance(right, Operand):
        place = isinstance(left, Field) and left._path and not left._json
        if place and op not in ("eq", "neq") and not isinstance(right, str):
            raise Misuse(f"{left!r} is compared as text, so {right!r:.80} cannot be put in order with it")
        return Condition(ast.Compare(op, left._node(), left._constant(_literal(right))))
    if isinstance(left, Fact) and not isinstance(right, Fact):
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
    _accepted(op, operand)
    if OPERATORS[op].form is Form.REGEX:
        _checked(pattern)
    elif (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise Misuse(f"the pattern {pattern!r:.80} ends with a lone backslash", "write two to mean one")
    return Condition(ast.Compare(op, operand._node(), ast.Const(pattern)))


def _checked(pattern: str) -> None:
    try:
        regex.check(pattern)
    except MainspringError as error:
        raise Misuse(f"the pattern {pattern!r:.80} cannot be used: {error.details or error.message}") from None


# ---------------------------------------------------------------- computations


class Formula(Operand):
    """A value computed from others."""

    __slots__ = ("_computed", "_known")

    def __init__(self, node: ast.Operand, known: Sized) -> None:
        self._computed, self._known = node, known

    def __repr__(self) -> str:
        return f"the computed {self._known.type}"

    def _node(self) -> ast.Operand:
        return self._computed

    def _type(self) -> DataType:
        return self._known.type

    def _sized(self) -> Sized:
        return self._known

    def _constant(self, value: object) -> ast.Const:
        return _constant_of(self, self._known.type, value)

    def _truth(self) -> ast.Expr:
        if self._known.type.kind is not Kind.BOOLEAN:
            raise Misuse(f"{self!r} is no boolean", "compare it with something")
        return ast.Truth(self._computed)


def coalesce(*values: object) -> Formula:
    """The first of `values` that is not null: columns, formulas, conditions and literals of one type."""
    if len(values) < 2:
        raise Misuse("coalesce takes two values or more")
    operands, known = _alike("coalesce", values)
    return Formula(ast.Apply("coalesce", tuple(each._node() for each in operands), known.type), known)


def case(when: object, then: object, otherwise: object = None) -> Formula:
    """`then` where the condition `when` holds, else `otherwise` (null where it is left out)."""
    held = condition(when)
    (one, other), known = _alike("case", (then, otherwise))
    return Formula(ast.Case(held, one._node(), other._node(), known.type), known)


def value_of(value: object) -> Operand:
    """What a computed column answers as an operand: a column, a formula, a condition. Raises Misuse for anything else."""
    match value:
        case Condition():
            return Formula(ast.Holds(value.node), Sized(ast.Holds(value.node).type))
        case Operand():
            return value
        case _:
            said = "nothing (is a `return` missing?)" if value is None else f"{value!r:.80}"
            raise Misuse(f"an expression over the row is needed, not {said}", "return a column or something made of columns")


def _alike(name: str, values: Sequence[object]) -> tuple[list[Operand], Sized]:
    """The values as operands of one type; literals take the type of the others."""
    given = [value_of(value) if isinstance(value, Expression) else value for value in values]
    typed = [each for each in given if isinstance(each, Operand)]
    plain = [each for each in given if not isinstance(each, Operand) and each is not None]
    numeric = all(each._sized().type.kind in (Kind.INTEGER, Kind.NUMERIC) for each in typed)
    literals = [_number(each) if numeric and _is_number(each) else _literal_beside(name, each, typed) for each in plain]
    known = common([each._sized() for each in (*typed, *literals)])
    if known is None:
        types = ", ".join(dict.fromkeys(str(each._sized().type) for each in (*typed, *literals)))
        raise Misuse(f"{name} takes values of one type, not of {types or 'none'}")
    rest = iter(literals)
    null = Formula(ast.Const(None, known.type), known)
    return [each if isinstance(each, Operand) else null if each is None else next(rest) for each in given], known


def _literal_beside(name: str, value: object, typed: Sequence[Operand]) -> Formula:
    literal = _literal(value)
    if typed:
        type_ = typed[0]._sized().type
        if type_.kind is Kind.TEXT and isinstance(literal, str):  # it may be longer than the column
            return Formula(ast.Const(_constant_of(typed[0], TEXT, literal).value, TEXT), Sized(TEXT))
        return Formula(ast.Const(typed[0]._constant(literal).value, type_), sized(type_))
    if isinstance(literal, str):
        return Formula(ast.Const(literal, TEXT), Sized(TEXT))
    if isinstance(literal, bool):
        return Formula(ast.Const(literal, BOOLEAN), Sized(BOOLEAN))
    raise Misuse(f"{name} does not know the type of {value!r:.80}", "name a column among its values")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: object) -> Formula:
    """A number written in Python; floats count as the decimals they are written as."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        bits = next(bits for bits in (16, 32, 64) if abs(value) < 1 << (bits - 1))
        type_ = DataType(Kind.INTEGER, bits=bits)
        return Formula(ast.Const(value, type_), Sized(type_, abs(value)))
    if isinstance(value, float | Decimal) and Decimal(repr(value) if isinstance(value, float) else value).is_finite():
        number = Decimal(repr(value) if isinstance(value, float) else value)
        scale = max(0, -int(number.as_tuple().exponent))
        most = abs(int(number.scaleb(scale)))
        if most < 10**DIGITS:
            type_ = DataType(Kind.NUMERIC, precision=max(len(str(most)), scale), scale=scale)
            return Formula(ast.Const(number, type_), Sized(type_, most))
    raise Misuse(f"{value!r:.80} is no number to calculate with", f"at most {DIGITS} digits")


def _sum(left: object, right: object) -> Formula:
    """`+` joins texts and adds numbers."""
    kinds = [side._sized().type.kind for side in (left, right) if isinstance(side, Operand)]
    if Kind.TEXT not in kinds and not isinstance(left, str) and not isinstance(right, str):
        return _arithmetic("add", left, right)
    texts = [_as_text(side) for side in (left, right)]
    parts = [part for each in texts for part in (each.arguments if _is_concat(each) else (each,))]  # type: ignore[union-attr]  # an Apply
    return Formula(ast.Apply("concat", tuple(parts), TEXT), Sized(TEXT))


def _is_concat(node: ast.Operand) -> bool:
    return isinstance(node, ast.Apply) and node.function == "concat"


def _as_text(value: object) -> ast.Operand:
    if isinstance(value, str):
        return ast.Const(_text_literal(value), TEXT)
    if isinstance(value, Operand) and value._sized().type.kind is Kind.TEXT:
        return value._node()
    said = f"{value!r} is of type {value._sized().type}" if isinstance(value, Operand) else f"{value!r:.80} is no text"
    raise Misuse(f"+ joins texts, and {said}", "write .as_text()" if isinstance(value, Operand) else None)


def _text_literal(value: str) -> str:
    try:
        return str(from_json(TEXT, value))
    except MainspringError as error:
        raise Misuse(error.message) from None


def _arithmetic(function: str, left: object, right: object) -> Formula:
    one, other = _calculable(left), _calculable(right)
    known = arithmetic(function, one._sized(), other._sized())
    return Formula(ast.Apply(function, (one._node(), other._node()), known.type), known)


def _calculable(value: object) -> Operand:
    if not isinstance(value, Operand):
        return _number(value)
    kind = value._sized().type.kind
    if kind in (Kind.INTEGER, Kind.NUMERIC):
        return value
    cure = "databases differ at the ends of its range: use Numeric" if kind is Kind.FLOAT else None
    raise Misuse(f"{value!r} is of type {value._sized().type}, which cannot be calculated with", cure)


def _of_text(function: str, operand: Operand, yields: DataType) -> Formula:
    type_ = operand._sized().type
    if type_.kind is not Kind.TEXT:
        raise Misuse(f"{operand!r} is of type {type_}, and {function} takes a text", "write .as_text() before")
    return Formula(ast.Apply(function, (operand._node(),), yields), sized(yields))


def _constant_of(operand: Operand, type_: DataType, value: object) -> ast.Const:
    try:
        from_json(type_, value)
    except MainspringError as error:
        reason = getattr(error, "reason", None)
        raise Misuse(f"{operand!r} cannot be compared with {value!r:.80}: {error.message}", reason) from error
    return ast.Const(value)


# ---------------------------------------------------------------- columns and facts


class Field(Operand):
    """A column of a row, or a place inside its JSON; such a place is compared as text, unless it is taken `as_json`."""

    __slots__ = ("_column", "_json", "_path", "_scope", "_table")

    def __init__(self, table: Table, column: Column, scope: int, path: tuple[str | int, ...] = (), *, json: bool = False) -> None:
        self._table, self._column, self._scope, self._path, self._json = table, column, scope, path, json

    def __repr__(self) -> str:
        return f"{self._table.name.name}.{self._column.name}" + "".join(f"[{step!r}]" for step in self._path)

    def __getitem__(self, step: str | int) -> Field:
        if self._column.type.kind is not Kind.JSON:
            raise Misuse(f"{self!r} is of type {self._column.type}: only JSON columns have places inside")
        if isinstance(step, bool) or not isinstance(step, str | int):
            raise Misuse(f"a place in JSON is a key or an index, not {step!r:.80}")
        return Field(self._table, self._column, self._scope, (*self._path, step), json=self._json)

    def as_text(self) -> Operand:
        """The value's text; of a place in JSON what `->>` gives (comparisons take it anyway)."""
        if self._column.type.kind is not Kind.JSON:
            return super().as_text()
        if not self._path:
            raise Misuse(f"{self!r} is no place in JSON")
        return Field(self._table, self._column, self._scope, self._path)

    def as_json(self) -> Field:
        """The place itself, as `->` gives it: what a computed column answers when it answers JSON."""
        if self._column.type.kind is not Kind.JSON:
            raise Misuse(f"{self!r} is of type {self._column.type}: only JSON columns have places inside")
        return Field(self._table, self._column, self._scope, self._path, json=True)

    def contains(self, value: object) -> Condition:
        """Whether the array, range or JSON holds all of `value`: a literal, a column of the type, a claim."""
        return self._inside("cs", value)

    def contained_by(self, value: object) -> Condition:
        """Whether `value` holds all of the array, range or JSON."""
        return self._inside("cd", value)

    def overlaps(self, value: object) -> Condition:
        """Whether the array or range and `value` have something in common."""
        return self._inside("ov", value)

    def _inside(self, op: str, value: object) -> Condition:
        type_ = self._column.type
        if not OPERATORS[op].accepts(type_):
            raise Misuse(f"{self!r} is of type {type_ if not self._path else TEXT}, which `{_WORDS[op]}` does not take")
        node = ast.Column(self._column.name, self._path, scope=self._scope)
        if isinstance(value, Fact):
            return Condition(ast.Compare(op, node, value._node()))
        if isinstance(value, Field):
            if (value._column.type.kind, value._column.type.item) != (type_.kind, type_.item):
                raise Misuse(f"{self!r} is of type {type_} and {value!r} of type {value._column.type}: they cannot be compared")
            return Condition(ast.Compare(op, node, ast.Column(value._column.name, value._path, scope=value._scope)))
        return Condition(ast.Compare(op, node, _constant_of(self, self._column.type, _literal(value))))

    def _node(self) -> ast.Column:
        return ast.Column(self._column.name, self._path, bool(self._path) and not self._json, self._scope)

    def _type(self) -> DataType:
        return (JSON if self._json else TEXT) if self._path else self._column.type

    def _constant(self, value: object) -> ast.Const:
        is_text = self._path and not self._json
        return ast.Const(self._place_text(value)) if is_text else _constant_of(self, self._column.type, value)

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

"""Ways through expressions of the AST: everything below one, the columns it reads, the same one for other tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from mainspring.query.ast import And, Apply, Case, Column, Compare, Exists, Expr, Holds, Is, Not, Operand, Or, Truth

Node = Expr | Operand


def below(node: Node) -> Iterator[Node]:
    """`node` and everything in it."""
    yield node
    for child in children(node):
        yield from below(child)


def children(node: Node) -> tuple[Node, ...]:
    """What stands directly in `node`."""
    match node:
        case And(items) | Or(items):
            return items
        case Not(item):
            return (item,)
        case Compare(_, left, right):
            return left, right
        case Is(operand) | Truth(operand):
            return (operand,)
        case Exists(_, where):
            return (where,)
        case Apply(_, arguments):
            return arguments
        case Case(when, then, otherwise):
            return when, then, otherwise
        case Holds(condition):
            return (condition,)
        case _:
            return ()


def columns(node: Node, scope: int = 0) -> tuple[str, ...]:
    """The columns of the table `scope` that `node` reads, each once."""
    found = (each.name for each in below(node) if isinstance(each, Column) and each.scope == scope)
    return tuple(dict.fromkeys(found))


def rescoped(node: Expr, place: Callable[[int], int]) -> Expr:
    """The same condition for other tables: what it says of scope n it says of scope `place(n)`."""
    match node:
        case And(items):
            return And(tuple(rescoped(item, place) for item in items))
        case Or(items):
            return Or(tuple(rescoped(item, place) for item in items))
        case Not(item):
            return Not(rescoped(item, place))
        case Compare(_, left, right):
            return replace(node, left=moved(left, place), right=moved(right, place))
        case Is(operand, what):
            return Is(moved(operand, place), what)
        case Truth(operand):
            return Truth(moved(operand, place))
        case Exists(table, where, scope):
            return Exists(table, rescoped(where, place), place(scope))
        case _:
            return node


def moved(node: Operand, place: Callable[[int], int]) -> Operand:
    """`rescoped` for operands."""
    match node:
        case Column(scope=scope):
            return replace(node, scope=place(scope))
        case Apply(_, arguments):
            return replace(node, arguments=tuple(moved(argument, place) for argument in arguments))
        case Case(when, then, otherwise):
            return replace(node, when=rescoped(when, place), then=moved(then, place), otherwise=moved(otherwise, place))
        case Holds(condition):
            return Holds(rescoped(condition, place))
        case _:
            return node

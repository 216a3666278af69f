"""The `select` parameter: columns, aliases, casts, JSON paths and embeds, as a tree to hang filters on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from mainspring.errors import LimitExceeded
from mainspring.query.ast import Aggregate, And, Column, Cursor, Embed, Expr, Field, Order, Selection, Slot, Star
from mainspring.surfaces.rest.aggregates import operand, read_cast
from mainspring.surfaces.rest.errors import Refused
from mainspring.surfaces.rest.scan import Scanner, check_length


@dataclass(slots=True)
class Node:
    """One table of the selection, still open: its outputs, and what the other parameters say about it.

    Only the root has a cursor.
    """

    target: str = ""
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False
    items: list[Star | Field | Aggregate | Node] = field(default_factory=list)
    where: list[Expr] = field(default_factory=list)
    order: tuple[Order, ...] = ()
    limit: Slot | None = None
    offset: Slot | None = None
    having: Expr | None = None
    distinct: bool = False
    cursor: Cursor | None = None

    @property
    def key(self) -> str:
        """The name under which it appears in the answer."""
        return self.alias or self.target

    def children(self) -> Iterator[Node]:
        """The resources embedded in it."""
        return (item for item in self.items if isinstance(item, Node))

    def keys(self) -> tuple[str, ...]:
        """What makes its groups, where it may answer groups."""
        return tuple(self._fields()) if self.distinct or self.having is not None or _aggregated(self) else ()

    def _fields(self) -> Iterator[str]:
        for item in self.items:
            if isinstance(item, Node) and item.spread:
                yield from (f"{item.key}.{name}" for name in item._fields())
            elif not isinstance(item, Node | Aggregate):
                yield repr(item)

    def condition(self) -> Expr | None:
        """All of its filters as one."""
        if not self.where:
            return None
        return self.where[0] if len(self.where) == 1 else And(tuple(self.where))

    def selection(self) -> Selection:
        """The tree below, frozen."""
        items = tuple(item.embed() if isinstance(item, Node) else item for item in self.items)
        return Selection(items, self.condition(), self.order, self.limit, self.offset, self.having, self.distinct)

    def embed(self) -> Embed:
        """Itself as an item of the table above."""
        return Embed(self.target, self.selection(), self.alias, self.hint, self.inner, self.spread)


def parse_select(text: str, max_depth: int, *, aggregates: bool = True) -> Node:
    """The tree that `text` describes; empty means every column.

    Raises SyntaxInvalid, Refused (PGRST123) for an aggregate without `aggregates`, LimitExceeded beyond `max_depth` and 1,000
    items.
    """
    check_length("select", text)
    scan = Scanner("select parameter", text)
    root = Node()
    _items(scan, root, max_depth, max_depth)
    scan.finish()
    if not root.items:
        root.items.append(Star())
    if not aggregates and _aggregated(root):
        raise Refused(400, "PGRST123", "Use of aggregate functions is not allowed")
    return root


def _aggregated(node: Node) -> bool:
    return any(isinstance(item, Aggregate) for item in node.items) or any(map(_aggregated, node.children()))


def _items(scan: Scanner, node: Node, levels: int, max_depth: int) -> None:
    if levels < 0:
        raise LimitExceeded(what="the nesting of embedded resources", limit=max_depth, unit="levels")
    scan.spaces()
    if scan.at_end or scan.sees(")"):
        return
    while True:
        scan.spaces()
        node.items.append(_item(scan, levels, max_depth))
        scan.spaces()
        if not scan.take(","):
            return


def _item(scan: Scanner, levels: int, max_depth: int) -> Star | Field | Aggregate | Node:
    if scan.take("*"):
        return Star()
    if scan.take("..."):
        return _embedded(scan, Node(scan.name(), spread=True), levels, max_depth)
    alias, name = None, scan.name()
    if scan.sees(":") and not scan.sees("::"):
        scan.take(":")
        alias, name = name, scan.name()
    if scan.sees("!") or (scan.sees("(") and not (name == "count" and scan.sees("()"))):
        return _embedded(scan, Node(name, alias), levels, max_depth)
    return _output(scan, name, alias)


def _embedded(scan: Scanner, node: Node, levels: int, max_depth: int) -> Node:
    joined = False
    while scan.take("!"):
        word = scan.name()
        if word in ("inner", "left") and not joined:
            joined, node.inner = True, word == "inner"
        elif node.hint is None:
            node.hint = word
        else:
            raise scan.fail("one hint and one of inner, left")
    scan.expect("(")
    _items(scan, node, levels - 1, max_depth)
    scan.expect(")")
    return node


def _output(scan: Scanner, name: str, alias: str | None) -> Field | Aggregate:
    found = operand(scan, name)
    cast = read_cast(scan)
    return Field(found, alias, cast) if isinstance(found, Column) else replace(found, alias=alias, cast=cast)

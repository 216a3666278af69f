"""Python's names for what a database calls as it likes."""

from __future__ import annotations

import keyword
import re

# What the module itself names in class bodies and annotations, and what SQLAlchemy keeps for itself.
_ATTRIBUTES = frozenset(
    {"annotations", "app", "sa", "postgresql", "mapped_column", "metadata", "registry", "type_annotation_map"}
    | {"date", "datetime", "time", "timedelta", "int", "str", "bool", "float", "bytes", "list"}
)
_CLASSES = frozenset(
    ("Any", "Base", "DeclarativeBase", "Decimal", "Literal", "Mainspring", "Mapped", "UUID", "None", "True", "False")
)
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")


class Taken:
    """Names given so far in one scope, which are not to be given again."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def give(self, wanted: str) -> str:
        """`wanted`, numbered where it is taken."""
        name, number = wanted, 1
        while name in self._names:
            number += 1
            name = f"{wanted}_{number}"
        self._names.add(name)
        return name


def attribute(column: str) -> str:
    """A column's name as an attribute: `InvoiceId` is `invoice_id`."""
    name = "_".join(_WORDS.findall(_plain(column))).lower()
    if not name or name[0].isdigit():
        name = f"column_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) or name in _ATTRIBUTES else name


def class_name(table: str) -> str:
    """A table's name as that of a class: `invoice_line` is `InvoiceLine`."""
    name = "".join(word[:1].upper() + word[1:] for word in _WORDS.findall(_plain(table)))
    if not name or name[0].isdigit():
        name = f"Table{name}"
    return f"{name}Row" if name in _CLASSES else name


def _plain(name: str) -> str:
    """The ASCII letters and digits of a name, with spaces for the rest."""
    return re.sub(r"[^A-Za-z0-9]+", " ", name)

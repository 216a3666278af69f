"""Which overload of a function a call means, and which of its parameters are given. The rules are PostgREST's."""

from __future__ import annotations

from mainspring.catalog.model import Catalog
from mainspring.catalog.names import nearest
from mainspring.catalog.routines import Parameter, Routine
from mainspring.errors import MaxAffectedInvalid, RoutineAmbiguous, RoutineUnknown
from mainspring.query.ast import Call, Given, TableName

_UNNAMED = {
    Given.JSON: ("json", "jsonb"),
    Given.TEXT: ("text",),
    Given.XML: ("xml",),
    Given.BYTES: ("bytea",),
}
_RAW = (Given.TEXT, Given.XML, Given.BYTES)


def find_routine(catalog: Catalog, query: Call) -> Routine:
    """The overload that takes the arguments given; without one, that with a single unnamed parameter for the body.

    Raises RoutineUnknown, RoutineAmbiguous, MaxAffectedInvalid.
    """
    overloads = catalog.routines.get(query.routine, ())
    found = [each for each in overloads if _takes(each, query)]
    found = found or [each for each in overloads if _takes_body(each, query)]
    if not found:
        raise _unknown(catalog, query, overloads)
    if len(found) > 1:
        raise RoutineAmbiguous(tuple(map(_signature, found)))
    if query.terms.max_affected is not None and not found[0].returns.many:
        raise MaxAffectedInvalid
    return found[0]


def _takes(routine: Routine, query: Call) -> bool:
    given = set(query.arguments)
    if not routine.parameters:
        return not given and not (query.body and query.form in _RAW)
    required = {each.name for each in routine.parameters if each.required}
    optional = {each.name for each in routine.parameters if not each.required}
    return given - optional == required if required else given <= optional


def _takes_body(routine: Routine, query: Call) -> bool:
    if not query.body or len(routine.parameters) != 1:
        return False
    (only,) = routine.parameters
    return not only.name and only.type in _UNNAMED.get(query.form, ())


def plan_arguments(routine: Routine, query: Call) -> tuple[tuple[Parameter, ...], bool]:
    """The parameters that are given, and whether the body is the one unnamed argument."""
    if len(routine.parameters) == 1 and not routine.parameters[0].name:
        return routine.parameters, True
    return tuple(each for each in routine.parameters if each.name in query.arguments), False


def _signature(routine: Routine) -> str:
    parameters = ", ".join(f"{each.name} => {each.type}" for each in routine.parameters)
    return f"{routine.name.schema}.{routine.name.name}({parameters})"


def _unknown(catalog: Catalog, query: Call, overloads: tuple[Routine, ...]) -> RoutineUnknown:
    only_unnamed = query.body and query.form in _RAW
    unnamed = "/".join(_UNNAMED[query.form]) if query.body and query.form in _UNNAMED else None
    given = tuple(sorted(query.arguments))
    suggestion = None if only_unnamed else _suggestion(catalog, query.routine, overloads, given)
    return RoutineUnknown(query.routine.schema, query.routine.name, suggestion, given, unnamed, only_unnamed)


def _suggestion(catalog: Catalog, name: TableName, overloads: tuple[Routine, ...], given: tuple[str, ...]) -> str | None:
    """An overload with similar parameters, or a function of a similar name."""
    if overloads:
        known = {_parameters(each): each for each in overloads}
        close = nearest(f"({', '.join(given)})", known, least=0.33)
        return f"{name.schema}.{name.name}{close}" if close else None
    names = [each.name for each in catalog.routines if each.schema == name.schema]
    close = nearest(name.name, names, least=0.75)
    return f"{name.schema}.{close}" if close else None


def _parameters(routine: Routine) -> str:
    return f"({', '.join(sorted(each.name for each in routine.parameters))})"

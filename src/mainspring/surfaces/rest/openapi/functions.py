"""Functions: their arguments, what they answer, and how they are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mainspring.catalog.routines import Parameter, Routine
from mainspring.surfaces.rest.openapi.parameters import RESERVED, refs, text_of
from mainspring.surfaces.rest.openapi.tables import AMBIGUOUS, REFUSED, Shown, component, halves, ref
from mainspring.surfaces.rest.openapi.types import Json, example_of, plain, schema_of

_BODIES: Final = {"text": "text/plain", "xml": "text/xml", "bytea": "application/octet-stream"}
_SHAPELESS: Final = ("record", "json", "jsonb")


def schema(overloads: Sequence[Routine]) -> Json:
    """The schema of the arguments, of any of the overloads."""
    forms = [_arguments(routine) for routine in overloads]
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _arguments(routine: Routine) -> Json:
    if _bare(routine):
        return schema_of(plain(routine.parameters[0].type))
    required = [each.name for each in routine.parameters if each.required]
    return {
        "type": "object",
        "properties": {each.name: _argument(each) for each in routine.parameters},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _argument(parameter: Parameter) -> Json:
    name = plain(parameter.type)
    return {**schema_of(name), "examples": [example_of(name, parameter.name)]}


def _bare(routine: Routine) -> bool:
    """Whether the body is the one argument, which has no name."""
    return len(routine.parameters) == 1 and not routine.parameters[0].name


def operations(shown: Shown, overloads: Sequence[Routine]) -> Json:
    """The ways of calling a function, by method."""
    first = overloads[0]
    common = {"tags": ["Functions"], **(halves(first.comment) or {"summary": f"Call `{first.name.name}`"})}
    answers = _answers(shown, overloads) | AMBIGUOUS | REFUSED
    terms = refs("select", "order", "limit", "offset") if any(each.returns.composite for each in overloads) else []
    called = component(first.name.name, "call")
    found: Json = {
        "post": {
            **common,
            "operationId": f"{called}.post",
            "parameters": [*terms, *refs("Prefer.read")],
            "requestBody": {"content": _content(overloads)},
            "responses": answers,
        }
    }
    if all(each.read_only for each in overloads) and not any(map(_bare, overloads)):
        asked = _query(overloads)
        found["get"] = {**common, "operationId": f"{called}.get", "parameters": [*asked, *terms], "responses": answers}
    return found


def _content(overloads: Sequence[Routine]) -> Json:
    """The bodies that a call takes: arguments by name, or the one argument without a name as it is."""
    name = overloads[0].name.name
    found: Json = {}
    for routine in overloads:
        if not _bare(routine):
            needed = [each for each in routine.parameters if each.required]
            example = {each.name: example_of(plain(each.type), each.name) for each in needed}
            found.setdefault("application/json", {"schema": ref(name, "Arguments"), "example": example})
        elif routine.parameters[0].type in _BODIES:
            found[_BODIES[routine.parameters[0].type]] = {"schema": {"type": "string"}}
        else:
            found.setdefault("application/json", {"schema": ref(name, "Arguments")})
    return found


def _query(overloads: Sequence[Routine]) -> list[Json]:
    """The arguments as parameters; one is required when every overload has it so."""
    found: dict[str, list[Parameter]] = {}
    for each in overloads:
        for parameter in each.parameters:
            found.setdefault(parameter.name, []).append(parameter)
    return [_asked(name, each, len(overloads)) for name, each in found.items() if name not in RESERVED]


def _asked(name: str, given: Sequence[Parameter], overloads: int) -> Json:
    type_ = plain(given[0].type)
    schema = schema_of(type_)
    written = schema if schema.get("type") in ("integer", "number", "boolean") else {"type": "string"} | _format(schema)
    if given[0].variadic:
        item = plain(given[0].type).removesuffix("[]")
        written = {"type": "array", "items": schema_of(item)}
    required = len(given) == overloads and all(each.required for each in given)
    spec: Json = {"name": name, "in": "query", "required": required, "schema": written}
    example = example_of(type_, name)
    told = example if given[0].variadic or not isinstance(example, dict | list) else text_of(example)
    return {**spec, "example": told}


def _format(schema: Json) -> Json:
    return {"format": schema["format"]} if schema.get("type") == "string" and "format" in schema else {}


def _answers(shown: Shown, overloads: Sequence[Routine]) -> Json:
    if all(each.returns.void for each in overloads):
        return {"204": {"description": "Done."}}
    forms = [_answer(shown, each) for each in overloads if not each.returns.void]
    schema = forms[0] if all(form == forms[0] for form in forms) else {"anyOf": forms}
    told: Json = {"200": {"description": "What it answers.", "content": {"application/json": {"schema": schema}}}}
    if any(each.returns.many for each in overloads):
        told["206"] = {"description": "Some of the rows, counted."}
    return told | ({"204": {"description": "Done."}} if any(each.returns.void for each in overloads) else {})


def _answer(shown: Shown, routine: Routine) -> Json:
    returns = routine.returns
    if returns.composite:
        item: Json = ref(returns.table.name, "Row") if returns.table and shown.readable(returns.table) else {"type": "object"}
        item = item if returns.many else {"anyOf": [item, {"type": "null"}]}
    else:
        item = {} if returns.type.name in _SHAPELESS else schema_of(plain(returns.type.name))
        item = {key: value for key, value in item.items() if key not in ("minimum", "maximum")}  # Python's numbers have none
        item = {"anyOf": [item, {"type": "null"}]} if item else item
    return {"type": "array", "items": item} if returns.many else item

"""Which form an answer has: the first of the media types a client takes that the database or we can make."""

from __future__ import annotations

from mainspring.catalog.model import Catalog
from mainspring.catalog.routines import Handler
from mainspring.errors import MediaUnavailable
from mainspring.plan.native.nodes import Document, Form
from mainspring.query.ast import Accepted, MediaForm, TableName, Terms

JSON = "application/json"
ANY = Accepted("*/*", MediaForm.ANY)


def negotiate(catalog: Catalog, terms: Terms, asked: TableName, plain: bool, explainable: bool, *, rows: bool) -> Document:
    """The document of rows of `asked` (a table, or a routine by the name of what it answers).

    `plain`: all columns are selected, so that the table's own handlers may make it. Without `rows` it stays empty.
    Raises MediaUnavailable.
    """
    for accepted in terms.accept or (ANY,):
        if accepted.explain is not None and not explainable:
            continue
        found = _document(catalog, accepted, asked, plain)
        if found is not None:
            if not rows:
                return Document(Form.NOTHING, found.media, explain=accepted.explain)
            return found
    raise MediaUnavailable(tuple(accepted.media for accepted in terms.accept))


def _document(catalog: Catalog, accepted: Accepted, asked: TableName, plain: bool) -> Document | None:
    if accepted.form is MediaForm.OBJECT:
        return Document(Form.OBJECT, accepted.media, accepted.stripped, explain=accepted.explain)
    if accepted.form is MediaForm.JSON and accepted.stripped:
        return Document(Form.ARRAY, accepted.media, stripped=True, explain=accepted.explain)
    name = accepted.media.partition(";")[0] if accepted.explain is None else _explained(accepted)
    handler = _handler(catalog, name, asked, plain)
    if handler is not None:
        media = accepted.media if accepted.explain else handler.made
        return Document(Form.CUSTOM, media, function=handler.function, table=handler.rows_of, explain=accepted.explain)
    return _builtin(accepted)


def _explained(accepted: Accepted) -> str:
    return {MediaForm.JSON: JSON, MediaForm.CSV: "text/csv", MediaForm.ANY: "*/*"}.get(accepted.form, accepted.media)


def _builtin(accepted: Accepted) -> Document | None:
    match accepted.form:
        case MediaForm.JSON | MediaForm.ANY:
            media = accepted.media if accepted.explain else JSON
            return Document(Form.ARRAY, media, explain=accepted.explain)
        case MediaForm.CSV:
            return Document(Form.CSV, accepted.media, explain=accepted.explain)
        case MediaForm.GEOJSON:
            return Document(Form.GEOJSON, accepted.media, explain=accepted.explain)
        case _:
            return None


def _handler(catalog: Catalog, media: str, asked: TableName, plain: bool) -> Handler | None:
    """The database's own maker of `media`: first the table's (or routine's), then one for any rows."""
    own = [each for each in catalog.handlers if plain and each.rows_of == asked]
    anyone = [each for each in catalog.handlers if each.rows_of is None]
    for handlers, name in ((own, "*/*"), (own, media), (anyone, media)):
        found = next((each for each in handlers if each.media == name), None)
        if found is not None:
            return found
    return None

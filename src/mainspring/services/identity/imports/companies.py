"""Companies that signed in their people elsewhere, taken in with their ids: their people's identities name them.

One whose id is there already stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from mainspring.errors import ConstraintError
from mainspring.services.identity.accounts import Row, logged, stamp
from mainspring.services.identity.imports.records import MOST, Record, Unfit, Values
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker

_LONGEST_ADDRESS: Final = 2048
_MOST_MAPPING: Final = 16_384


async def take(parts: Parts, records: Sequence[Record], *, dry: bool = False) -> list[tuple[str, str]]:
    """Take companies in, each with its domains or not at all. Returns who was passed over, with the reason."""
    passed_over = []
    for record in records:
        try:
            await _take(parts, record, dry=dry)
        except Unfit as error:
            passed_over.append((record.place, str(error)))
    return passed_over


async def _take(parts: Parts, record: Record, *, dry: bool) -> None:
    if record.problem:
        raise Unfit(record.problem)
    store = parts.store
    row, domains = _rows(Values(record.said))
    if dry or await store.sso_providers.find(id=row["id"]) is not None:
        return
    noted = logged(store, "sso_provider_created", Asker(), "", row["entity_id"], by="service_role")
    try:
        await store.do(store.sso_providers.insert(row), *map(store.sso_domains.insert, domains), noted)
    except ConstraintError:
        raise Unfit("another company has its name or one of its domains") from None


def _rows(said: Values) -> tuple[Row, list[Row]]:
    created, company = said.moment("created_at") or stamp(), said.uuid("id")
    row: Row = {
        "id": company,
        "resource_id": said.text("resource_id"),
        "disabled": said.flag("disabled"),
        "entity_id": said.needed("entity_id"),
        "metadata_xml": said.text("metadata_xml", MOST) or "",
        "metadata_url": said.text("metadata_url", _LONGEST_ADDRESS),
        "attribute_mapping": said.document("attribute_mapping", _MOST_MAPPING),
        "name_id_format": said.text("name_id_format"),
        "created_at": created,
        "updated_at": said.moment("updated_at") or created,
    }
    if not row["metadata_xml"]:
        raise Unfit("metadata_xml is missing")
    named = [each.needed("domain").lower() for each in said.items("domains")]
    return row, [{"id": str(uuid4()), "sso_provider_id": company, "domain": name, "created_at": created} for name in named]

"""What the service key may do about users."""

from __future__ import annotations

from mainspring.services.identity.administration import Account
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, pages


class Admin(Desk, frozen=True):
    """The endpoints for the service key."""

    async def list_users(self, asked: Asked) -> Answer:
        """GET /admin/users."""
        self.administrator(asked)
        number, size = parse.page(dict(asked.query))
        users, total = await self.identity.administration.page(
            number, size, asked.query.get("filter", ""), parse.sort(asked.query.get("sort", ""))
        )
        body = render.json({"users": [render.user(each) for each in users], "aud": self.auth.audience})
        return Answer(200, body, pages(asked.here, number, size, total, asked.query))

    async def create_user(self, asked: Asked) -> Answer:
        """POST /admin/users."""
        self.administrator(asked)
        user = await self.identity.administration.create(_account(asked))
        return Answer(body=render.user_document(user))

    async def get_user(self, asked: Asked) -> Answer:
        """GET /admin/users/{id}."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        return Answer(body=render.user_document(user))

    async def change_user(self, asked: Asked) -> Answer:
        """PUT /admin/users/{id}."""
        self.administrator(asked)
        user = await self.identity.administration.update(parse.uuid(asked.named["id"], "user_id"), _account(asked))
        return Answer(body=render.user_document(user))

    async def delete_user(self, asked: Asked) -> Answer:
        """DELETE /admin/users/{id}."""
        self.administrator(asked)
        said = parse.body(asked.body or b"{}", parse.DeleteBody)
        await self.identity.administration.delete(parse.uuid(asked.named["id"], "user_id"), soft=bool(said.should_soft_delete))
        return Answer()


def _account(asked: Asked) -> Account:
    said = parse.body(asked.body, parse.AdminBody)
    return Account(
        id=parse.uuid(said.id, "id") if said.id else None,
        role=said.role,
        email=said.email,
        phone=said.phone,
        password=said.password,
        password_hash=said.password_hash,
        email_confirm=bool(said.email_confirm),
        phone_confirm=bool(said.phone_confirm),
        data=said.user_metadata,
        app_data=said.app_metadata,
        ban=parse.duration(said.ban_duration),
    )

"""A database as Supabase's auth server (GoTrue) leaves it, for what moves its users: the columns follow its migrations.

It must not know Mainspring.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import bcrypt
import psycopg

_AT = "timestamptz"
_TOKEN = "varchar(255)"
_KINDS = {
    "factor_type": ("totp", "webauthn", "phone"),
    "factor_status": ("unverified", "verified"),
    "aal_level": ("aal1", "aal2", "aal3"),
}
_TABLES = {
    "schema_migrations": {"version": "varchar(255) primary key"},
    "users": {
        "instance_id": "uuid",
        "id": "uuid primary key",
        "aud": _TOKEN,
        "role": _TOKEN,
        "email": _TOKEN,
        "encrypted_password": _TOKEN,
        "email_confirmed_at": _AT,
        "invited_at": _AT,
        "confirmation_token": _TOKEN,
        "confirmation_sent_at": _AT,
        "recovery_token": _TOKEN,
        "recovery_sent_at": _AT,
        "email_change_token_new": _TOKEN,
        "email_change": _TOKEN,
        "email_change_sent_at": _AT,
        "last_sign_in_at": _AT,
        "raw_app_meta_data": "jsonb",
        "raw_user_meta_data": "jsonb",
        "is_super_admin": "boolean",
        "created_at": _AT,
        "updated_at": _AT,
        "phone": "text unique",
        "phone_confirmed_at": _AT,
        "phone_change": "text default ''",
        "phone_change_token": f"{_TOKEN} default ''",
        "phone_change_sent_at": _AT,
        "confirmed_at": f"{_AT} generated always as (least(email_confirmed_at, phone_confirmed_at)) stored",
        "email_change_token_current": f"{_TOKEN} default ''",
        "email_change_confirm_status": "smallint default 0",
        "banned_until": _AT,
        "reauthentication_token": f"{_TOKEN} default ''",
        "reauthentication_sent_at": _AT,
        "is_sso_user": "boolean not null default false",
        "deleted_at": _AT,
        "is_anonymous": "boolean not null default false",
    },
    "identities": {
        "provider_id": "text not null",
        "user_id": "uuid not null references auth.users on delete cascade",
        "identity_data": "jsonb not null",
        "provider": "text not null",
        "last_sign_in_at": _AT,
        "created_at": _AT,
        "updated_at": _AT,
        "email": "text generated always as (lower(identity_data ->> 'email')) stored",
        "id": "uuid primary key default gen_random_uuid()",
    },
    "sessions": {
        "id": "uuid primary key",
        "user_id": "uuid not null references auth.users on delete cascade",
        "created_at": _AT,
        "aal": "auth.aal_level",
        "refreshed_at": "timestamp",
        "ip": "inet",
    },
    "refresh_tokens": {
        "id": "bigserial primary key",
        "token": f"{_TOKEN} unique",
        "user_id": _TOKEN,
        "revoked": "boolean",
        "session_id": "uuid references auth.sessions on delete cascade",
    },
    "mfa_factors": {
        "id": "uuid primary key",
        "user_id": "uuid not null references auth.users on delete cascade",
        "friendly_name": "text",
        "factor_type": "auth.factor_type not null",
        "status": "auth.factor_status not null",
        "created_at": f"{_AT} not null",
        "updated_at": f"{_AT} not null",
        "secret": "text",
        "phone": "text",
        "web_authn_credential": "jsonb",
    },
    "webauthn_credentials": {
        "id": "uuid primary key default gen_random_uuid()",
        "user_id": "uuid not null references auth.users on delete cascade",
        "credential_id": "bytea not null unique",
        "public_key": "bytea not null",
        "attestation_type": "text not null default ''",
        "aaguid": "uuid",
        "sign_count": "bigint not null default 0",
        "transports": "jsonb not null default '[]'",
        "backup_eligible": "boolean not null default false",
        "backed_up": "boolean not null default false",
        "friendly_name": "text not null default ''",
        "created_at": f"{_AT} not null default now()",
        "updated_at": f"{_AT} not null default now()",
        "last_used_at": _AT,
    },
    "sso_providers": {
        "id": "uuid primary key",
        "resource_id": "text",
        "created_at": _AT,
        "updated_at": _AT,
        "disabled": "boolean",
    },
    "sso_domains": {
        "id": "uuid primary key default gen_random_uuid()",
        "sso_provider_id": "uuid not null references auth.sso_providers on delete cascade",
        "domain": "text not null",
        "created_at": _AT,
    },
    "saml_providers": {
        "id": "uuid primary key default gen_random_uuid()",
        "sso_provider_id": "uuid not null references auth.sso_providers on delete cascade",
        "entity_id": "text not null unique",
        "metadata_xml": "text not null",
        "metadata_url": "text",
        "attribute_mapping": "jsonb",
        "created_at": _AT,
        "updated_at": _AT,
        "name_id_format": "text",
    },
}


class GoTrue:
    """The database at `url`, whose people GoTrue signed in."""

    def __init__(self, url: str, schema: str = "auth") -> None:
        self.url, self._schema = url, schema

    def make(self) -> GoTrue:
        """Make its tables, of which nobody but their owner sees a row."""
        kinds = [f"create type auth.{name} as enum ({', '.join(map(repr, said))})" for name, said in _KINDS.items()]
        tables = [
            f"create table auth.{name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})"
            for name, columns in _TABLES.items()
        ]
        closed = [f"alter table auth.{name} enable row level security" for name in _TABLES]
        lone = ["create unique index on auth.users (email) where not is_sso_user", "create index on auth.identities (user_id)"]
        self.run("create schema auth", *kinds, *tables, "alter table auth.identities add unique (provider_id, provider)", *lone)
        self.run(*closed)
        return self

    def run(self, *statements: str) -> None:
        """Statements, each for itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def asked(self, question: str) -> list[tuple[Any, ...]]:
        """The rows of an answer."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(question.encode()).fetchall()

    def user(self, email: str | None, password: str | None = None, *, identity: bool = True, **said: Any) -> str:
        """Somebody as GoTrue stores them, confirmed where nothing else is said; their id."""
        usual: dict[str, Any] = {
            "instance_id": "00000000-0000-0000-0000-000000000000",
            "id": str(uuid4()),
            "aud": "authenticated",
            "role": "authenticated",
            "email": email,
            "encrypted_password": hashed(password) if password else "",
            "email_confirmed_at": "2024-02-03T04:05:06.789012Z" if email else None,
            "confirmation_token": "",
            "recovery_token": "",
            "email_change_token_new": "",
            "email_change": "",
            "raw_app_meta_data": {"provider": "email", "providers": ["email"]},
            "raw_user_meta_data": {},
            "created_at": "2024-02-03T04:05:06Z",
            "updated_at": "2024-02-03T04:05:06Z",
        }
        row = usual | said
        self._insert("users", row)
        if identity and email:
            told = {"sub": row["id"], "email": email, "email_verified": True, "phone_verified": False}
            self.identity(row["id"], "email", row["id"], told)
        return str(row["id"])

    def identity(self, user: str, provider: str, subject: str, told: dict[str, Any]) -> None:
        """A way in which somebody signs in."""
        at = "2024-02-03T04:05:06Z"
        row = {"provider_id": subject, "user_id": user, "identity_data": told, "provider": provider, "created_at": at}
        self._insert("identities", {**row, "updated_at": at, "last_sign_in_at": at})

    def factor(self, user: str, kind: str, status: str = "verified", **said: Any) -> str:
        """A second factor of somebody's; its id."""
        at = "2024-02-03T04:05:06Z"
        row = {"id": str(uuid4()), "user_id": user, "factor_type": kind, "status": status, "created_at": at, "updated_at": at}
        self._insert("mfa_factors", row | said)
        return str(row["id"])

    def passkey(self, user: str, credential: bytes, public: bytes, **said: Any) -> None:
        """A key with which somebody signs in."""
        row = {"user_id": user, "credential_id": credential, "public_key": public, "attestation_type": "none"}
        self._insert("webauthn_credentials", row | said)

    def company(self, metadata: str, entity: str, domain: str, mapping: dict[str, Any]) -> str:
        """A company that signs in its people; its id."""
        row = {"id": str(uuid4()), "created_at": "2024-02-03T04:05:06Z"}
        said = {"sso_provider_id": row["id"], "entity_id": entity, "metadata_xml": metadata, "attribute_mapping": mapping}
        self._insert("sso_providers", row)
        self._insert("saml_providers", said)
        self._insert("sso_domains", {"sso_provider_id": row["id"], "domain": domain})
        return row["id"]

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        values = [json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()]
        marks = ", ".join(["%s"] * len(row))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"insert into {self._schema}.{table} ({', '.join(row)}) values ({marks})".encode(), values)


def hashed(password: str, prefix: bytes = b"2a") -> str:
    """A hash as GoTrue makes them, cheaper."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4, prefix)).decode()

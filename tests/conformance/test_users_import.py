"""`mainspring users import`: people of Supabase's auth server, and of files, sign in here as if nothing had happened."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import psycopg
import pytest
from pysqlite3 import dbapi2 as sqlite

from mainspring.cli.arguments import main
from mainspring.cli.user_imports import BATCH, records
from mainspring.testing.client import TestClient
from tests.support import company
from tests.support.authenticator import App
from tests.support.employees import session_of, sign_in
from tests.support.gotrue import GoTrue, hashed
from tests.support.live import LiveServer
from tests.support.people import People, Session, app, refused, settings
from tests.support.security_key import Authenticator
from tests.support.servers import PostgresServer

APP = str(Path(__file__).parents[1] / "support" / "people.py")
CHEAP = {"MAINSPRING_AUTH__PASSWORD_MEMORY_KIB": "8", "MAINSPRING_AUTH__PASSWORD_ITERATIONS": "1"}
PASSWORD = "as long as I remember"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass
class Told:
    """What the command said: exit code, sums, and the lines about those it passed over."""

    code: int
    sums: dict[str, Any]
    lines: list[str]


Import = Callable[..., Told]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/people.sqlite"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.database("imported")


@pytest.fixture
def imported(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    """Runs the command."""
    def run(source: str | Path, *more: str) -> Told:
        where = ["--database", url, "--data", str(tmp_path / "data")]
        ended = main(["users", "import", APP, "--from", str(source), "--format", "json", *where, *more])
        told = capsys.readouterr()
        return Told(ended, json.loads(told.out or "{}"), told.err.splitlines())

    return run


@pytest.fixture
def gotrue(postgres: PostgresServer) -> GoTrue:
    return GoTrue(postgres.database("gotrue")).make()


def served(url: str, **said: Any) -> TestClient:
    """The app on the database that was imported into."""
    return TestClient(app, url, settings=settings(phone=True, **said))


def lines(path: Path, *records: Any) -> Path:
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in records), "utf-8")
    return path


def sums(taken: int, there: int = 0, over: int = 0, left: int = 0, *, dry: bool = False) -> dict[str, Any]:
    return {"taken": taken, "already_there": there, "passed_over": over, "left_behind": left, "dry_run": dry}


async def user_of(people: People, uid: str) -> dict[str, Any]:
    answer = await people.service.get(f"/auth/v1/admin/users/{uid}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


# ---------------------------------------------------------------- from a database


async def test_people_of_gotrue_sign_in_as_before(imported: Import, gotrue: GoTrue, url: str) -> None:
    data = {"name": "Ann 'DROP TABLE users; --", "lang": "sv"}
    ann = gotrue.user(
        "ann@example.com",
        PASSWORD,
        raw_app_meta_data={"provider": "email", "providers": ["email", "google"], "roles": ["staff"]},
        raw_user_meta_data=data,
        last_sign_in_at="2024-05-06T07:08:09Z",
    )
    gotrue.identity(ann, "google", "1234567890", {"sub": "1234567890", "email": "Ann@Gmail.com", "email_verified": True})
    phone = gotrue.user(None, PASSWORD, phone="46701234567", phone_confirmed_at="2024-02-03T04:05:06Z")
    told = await asyncio.to_thread(imported, gotrue.url)
    assert (told.code, told.sums, told.lines) == (0, sums(2), [])
    async with served(url) as client:
        people = People(client)
        hers = await people.sign_in("Ann@example.com", PASSWORD)
        assert hers.uid == ann
        shown = await user_of(people, ann)
        assert (shown["user_metadata"], shown["app_metadata"]["roles"]) == (data, ["staff"])
        assert (shown["role"], shown["aud"]) == ("authenticated", "authenticated")
        assert shown["created_at"][:19] == "2024-02-03T04:05:06"
        assert shown["email_confirmed_at"] == "2024-02-03T04:05:06.789012Z"
        linked = {each["provider"]: each for each in shown["identities"]}
        assert (linked["google"]["id"], linked["google"]["email"]) == ("1234567890", "ann@gmail.com")
        assert linked["email"]["id"] == ann
        assert (await hers.ask("POST", "/rest/v1/notes", json={"body": "mine"})).status_code == 201
        assert [row["owner"] for row in (await hers.ask("GET", "/rest/v1/notes")).json()] == [ann]
        by_number = await people.post("/token?grant_type=password", {"phone": "+46701234567", "password": PASSWORD})
        assert by_number.json()["user"]["id"] == phone
        wrong = await people.post("/token?grant_type=password", {"email": "ann@example.com", "password": "another"})
        refused(wrong, 400, "invalid_credentials")
    assert hash_of_ann(url).startswith("$argon2id$"), "a bcrypt hash is made anew when its owner signs in"
    assert gotrue.asked("SELECT DISTINCT left(encrypted_password, 4) FROM auth.users") == [("$2a$",)], "the source was changed"


def hash_of_ann(url: str) -> str:
    """The hash of her password, as the database holds it."""
    question = "SELECT encrypted_password FROM {} WHERE email = 'ann@example.com'"
    if url.startswith("postgresql"):
        with psycopg.connect(url) as connection:
            found = connection.execute(question.format("auth.users").encode()).fetchone()
    else:
        with sqlite.connect(url.removeprefix("sqlite:///")) as file:
            found = file.execute(question.format("auth_users")).fetchone()
    assert found is not None
    return str(found[0])


async def test_what_they_were_they_still_are(imported: Import, gotrue: GoTrue, url: str) -> None:
    """Unconfirmed, banned, deleted, anonymous: each is treated as before."""
    new = gotrue.user("new@example.com", PASSWORD, email_confirmed_at=None, confirmation_token="something")
    gotrue.user("bad@example.com", PASSWORD, banned_until="2999-01-01T00:00:00Z")
    gotrue.user("was@example.com", PASSWORD, banned_until="2024-01-01T00:00:00Z")
    gone = gotrue.user("aGFzaGVk-by_GoTrue", identity=False, phone="aGFzaGVkLWJ5LUd", deleted_at="2024-03-04T00:00:00Z")
    anonymous = gotrue.user(None, is_anonymous=True, raw_app_meta_data={})
    gotrue.user("link@example.com", None)
    told = await asyncio.to_thread(imported, gotrue.url)
    assert (told.code, told.sums) == (0, sums(6))
    async with served(url) as client:
        people = People(client)

        async def tried(email: str) -> Any:
            return await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})

        refused(await tried("new@example.com"), 400, "email_not_confirmed")
        refused(await tried("bad@example.com"), 400, "user_banned")
        assert (await tried("was@example.com")).status_code == 200
        refused(await tried("link@example.com"), 400, "invalid_credentials")
        assert (await people.post("/otp", {"email": "link@example.com"})).status_code == 200
        await people.verified("email", "link@example.com", "magic_link")
        assert (await user_of(people, anonymous))["is_anonymous"] is True
        assert (await user_of(people, gone))["deleted_at"].startswith("2024-03-04")
        await people.post("/resend", {"type": "signup", "email": "new@example.com"})
        assert (await people.verified("signup", "new@example.com")).uid == new


def test_second_factors_protect_them_as_before(imported: Import, gotrue: GoTrue, url: str, tmp_path: Path) -> None:
    """An authenticator app goes on counting; what could not be taken is told, since it protects no more."""
    ann, bob = gotrue.user("ann@example.com", PASSWORD), gotrue.user("bob@example.com", PASSWORD)
    factor = gotrue.factor(ann, "totp", secret=SECRET, friendly_name="phone")
    gotrue.factor(ann, "totp", "unverified", secret=SECRET)
    key = {"id": "a2V5", "publicKey": "cHVibGlj", "flags": {"backupEligible": True}, "authenticator": {"signCount": 7}}
    gotrue.factor(ann, "webauthn", web_authn_credential=key)
    gotrue.factor(ann, "phone", phone="46701234567")
    gotrue.factor(bob, "totp", secret='{"key_id":"1","alg":"aes-gcm-hkdf","data":"x","nonce":"y"}')
    told = imported(gotrue.url)
    assert (told.code, told.sums) == (1, sums(2, left=1))
    assert told.lines == [f"user {bob}: a second factor is left behind: its secret is encrypted"]
    server = LiveServer(APP, data=tmp_path / "data", database=url, env=CHEAP)
    with server, httpx.Client(base_url=f"{server.url}/auth/v1", headers={"apikey": server.anon_key}) as asked:
        signed = asked.post("/token?grant_type=password", json={"email": "ann@example.com", "password": PASSWORD}).json()
        assert sorted(each["factor_type"] for each in signed["user"]["factors"]) == ["phone", "totp", "webauthn"]
        hers = {"authorization": f"Bearer {signed['access_token']}"}
        challenge = asked.post(f"/factors/{factor}/challenge", json={}, headers=hers).json()["id"]
        said = {"challenge_id": challenge, "code": App(SECRET).code()}
        proved = asked.post(f"/factors/{factor}/verify", json=said, headers=hers)
        assert proved.status_code == 200, proved.text


async def test_keys_sign_as_before(imported: Import, gotrue: GoTrue, url: str) -> None:
    """A passkey signs its owner in, and a key that is a second factor proves them: the site is the same."""
    site = "https://shop.example"
    ann = gotrue.user("ann@example.com", PASSWORD)
    passkey, key = (Authenticator(site, user=ann.encode(), count=41) for _ in range(2))
    gotrue.passkey(ann, passkey.id, passkey.public, sign_count=41, transports=["internal"], friendly_name="laptop")
    kept = {name: base64.b64encode(value).decode() for name, value in (("id", key.id), ("publicKey", key.public))}
    told = {"transport": ["usb"], "flags": {"backupEligible": False}, "authenticator": {"signCount": 41}}
    factor = gotrue.factor(ann, "webauthn", web_authn_credential=kept | told)
    assert (await asyncio.to_thread(imported, gotrue.url)).sums == sums(1)
    async with served(url, site_url=f"{site}/") as client:
        people = People(client)
        begun = (await people.post("/passkeys/authentication/options", {})).json()
        said = {"challenge_id": begun["challenge_id"], "credential": passkey.get(begun["options"])}
        answer = await people.post("/passkeys/authentication/verify", said)
        assert answer.json()["user"]["id"] == ann, answer.text
        hers = Session(people.anon, answer.json())
        challenge = await hers.ask("POST", f"/auth/v1/factors/{factor}/challenge", json={"webauthn": {"rpId": "shop.example"}})
        asked = challenge.json()
        response = key.get(asked["webauthn"]["credential_options"]["publicKey"])
        said = {"challenge_id": asked["id"], "webauthn": {"type": "request", "credential_response": response}}
        proved = await hers.ask("POST", f"/auth/v1/factors/{factor}/verify", json=said)
        assert proved.status_code == 200, proved.text


async def test_again_and_beside_who_is_there(imported: Import, gotrue: GoTrue, url: str) -> None:
    """Run again, it takes those who came since; others of the same addresses are not mixed up; while a server runs."""
    ann = gotrue.user("ann@example.com", PASSWORD)
    async with served(url) as client:
        people = People(client)
        mine = await people.member("bob@example.com", "another horse 2")
        assert (await asyncio.to_thread(imported, gotrue.url)).sums == sums(1)
        assert (await people.sign_in("ann@example.com", PASSWORD)).uid == ann
        bob, eve = gotrue.user("bob@example.com", PASSWORD), gotrue.user("eve@example.com", PASSWORD)
        for dry in ("--dry-run",), ():
            told = await asyncio.to_thread(imported, gotrue.url, *dry)
            assert (told.code, told.sums) == (1, sums(1, 1, 1, dry=bool(dry)))
            assert told.lines == [f"user {bob}: another user has the email"]
        assert (await people.sign_in("eve@example.com", PASSWORD)).uid == eve
        assert (await people.sign_in("bob@example.com", "another horse 2")).uid == mine.uid
        assert (await asyncio.to_thread(imported, gotrue.url)).sums == sums(0, 2, 1)


def test_an_account_elsewhere_is_one_persons(imported: Import, tmp_path: Path) -> None:
    def record(email: str) -> dict[str, Any]:
        google = {"provider": "google", "provider_id": "77", "identity_data": {"sub": "77"}}
        return {"id": str(uuid4()), "email": email, "identities": [google]}

    told = imported(lines(tmp_path / "users.jsonl", record("a@example.com"), record("b@example.com")))
    assert (told.sums, told.lines) == (sums(1, over=1), ["line 2: another user has the account at google"])
    told = imported(lines(tmp_path / "more.jsonl", record("c@example.com")))
    assert told.lines == ["line 1: another user has the account at google"]


async def test_people_of_a_company_come_as_before(imported: Import, gotrue: GoTrue, url: str) -> None:
    mapping = {"keys": {"team": {"name": "group"}}}
    acme = gotrue.company(company.metadata(), company.ENTITY, "corp.example", mapping)
    gotrue.company("<nothing/>", "https://other.example", "corp.example", {})
    ann = gotrue.user("ann@corp.example", identity=False, is_sso_user=True)
    gotrue.identity(ann, f"sso:{acme}", "employee-1", {"sub": "employee-1", "email": "ann@corp.example"})
    for told in (await asyncio.to_thread(imported, gotrue.url), await asyncio.to_thread(imported, gotrue.url)):
        assert (told.code, told.sums["passed_over"]) == (1, 1)
        assert "another company has its name or one of its domains" in told.lines[0]
    async with served(url, saml=True) as client:
        people = People(client)
        session = await session_of(people, await sign_in(people, "employee-1", "ann@corp.example"))
        assert session.uid == ann
        shown = (await people.service.get(f"/auth/v1/admin/sso/providers/{acme}")).json()
        assert shown["saml"]["attribute_mapping"] == mapping


async def test_wallets_are_known_however_their_address_was_written(imported: Import, url: str, tmp_path: Path) -> None:
    address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # of EIP-55
    people = [
        {"id": str(uuid4()), "identities": [{"provider": "web3", "provider_id": f"web3:ethereum:{written}"}]}
        for written in (address.lower(), address, "0x12")
    ]
    told = await asyncio.to_thread(imported, lines(tmp_path / "users.jsonl", *people))
    assert told.lines == [
        "line 3: identities: provider_id is no address of Ethereum",
        "line 2: another user has the account at web3",
    ]
    async with served(url) as client:
        shown = await user_of(People(client), str(people[0]["id"]))
    assert shown["identities"][0]["id"] == f"web3:ethereum:{address}"


def test_a_file_does_no_harm_to_a_terminal(imported: Import, tmp_path: Path) -> None:
    odd = [{"provider": "\x1b[2J", "provider_id": "1"}]
    people = ({"id": str(uuid4()), "identities": odd} for _ in range(2))
    assert imported(lines(tmp_path / "users.jsonl", *people)).lines == ["line 2: another user has the account at ?[2J"]


def test_who_may_not_see_all_of_them_is_told(imported: Import, gotrue: GoTrue) -> None:
    """Row-level security would show a login without rights over it none, which is not the same as that there are none."""
    gotrue.user("ann@example.com", PASSWORD)
    role = f"reader_{uuid4().hex[:8]}"
    gotrue.run(
        f"CREATE ROLE {role} LOGIN PASSWORD 'told nobody'",
        f"GRANT USAGE ON SCHEMA auth TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA auth TO {role}",
    )
    told = imported(gotrue.url.replace("postgres@", f"{role}:told-nobody@"))
    assert told.code == 2
    assert "row-level security" in " ".join(told.lines)
    assert "told-nobody" not in " ".join(told.lines)


async def test_older_tables_and_other_schemas(imported: Import, gotrue: GoTrue, url: str) -> None:
    """Before 2021 there were no identities and one moment of confirmation; a renamed schema is named."""
    ann = gotrue.user("ann@example.com", PASSWORD)
    gotrue.run(
        "DROP TABLE auth.identities, auth.mfa_factors",
        "ALTER TABLE auth.users DROP COLUMN confirmed_at",
        "ALTER TABLE auth.users RENAME COLUMN email_confirmed_at TO confirmed_at",
        "ALTER SCHEMA auth RENAME TO gotrue",
    )
    told = await asyncio.to_thread(imported, gotrue.url)
    assert (told.code, "name another with --schema" in " ".join(told.lines)) == (2, True)
    assert (await asyncio.to_thread(imported, gotrue.url, "--schema", "gotrue")).sums == sums(1)
    async with served(url) as client:
        assert (await People(client).sign_in("ann@example.com", PASSWORD)).uid == ann


@pytest.mark.parametrize(
    "source",
    ["postgresql://nobody:secret@127.0.0.1:1/none", "postgresql://u:secret@[bad/none", "users.xlsx", "nowhere.jsonl"],
)
def test_where_nothing_can_be_read(source: str, imported: Import) -> None:
    told = imported(source)
    assert (told.code, told.sums) == (2, {})
    assert "Mainspring cannot start" in told.lines[0]
    assert "secret" not in " ".join(told.lines)


@pytest.mark.parametrize("kind", ["file", "database"])
async def test_reading_many_takes_no_more_memory_than_few(kind: str, gotrue: GoTrue, tmp_path: Path) -> None:
    async def peak(many: int) -> int:
        """Bytes, at most, while so many people are read."""
        source = lines(tmp_path / "users.jsonl", *({"id": str(uuid4()), "email": f"p{n}@example.com"} for n in range(many)))
        if kind == "database":
            gotrue.run(
                "DELETE FROM auth.users",
                "INSERT INTO auth.users (id, email, raw_user_meta_data)"
                f" SELECT gen_random_uuid(), 'p' || n || '@example.com', '{{}}' FROM generate_series(1, {many}) n",
            )
        count = 0
        tracemalloc.start()
        async for batch in records(gotrue.url if kind == "database" else str(source), "auth", ""):
            assert len(batch) <= BATCH
            count += len(batch)
        assert count == many
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    await peak(100)  # what is imported the first time
    few, many = await peak(2_000), await peak(20_000)
    assert many < few * 1.5


# ---------------------------------------------------------------- from files


async def test_people_of_a_file_sign_in(imported: Import, url: str, tmp_path: Path) -> None:
    """CSV as psql writes it: what is empty says nothing."""
    ann, bob = str(uuid4()), str(uuid4())
    file = tmp_path / "users.csv"
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        columns = ("id", "email", "phone", "encrypted_password", "email_confirmed_at", "raw_app_meta_data", "role", "created_at")
        writer.writerow((*columns, "confirmation_token", "is_anonymous"))
        roles = '{"roles": ["staff"]}'
        writer.writerow((ann, "Ann@Example.com", "", hashed(PASSWORD, b"2b"), "2024-02-03 04:05:06+00", roles, "", "", "x", "f"))
        writer.writerow((bob, "", "46701234567", "", "", "", "editor", "2024-02-03 04:05:06.5+02", "", "f"))
    assert (await asyncio.to_thread(imported, file)).sums == sums(2)
    async with served(url) as client:
        people = People(client)
        hers = await people.sign_in("ann@example.com", PASSWORD)
        assert (hers.uid, hers.body["user"]["app_metadata"]) == (ann, {"roles": ["staff"]})
        assert [each["provider"] for each in hers.body["user"]["identities"]] == ["email"]
        his = await user_of(people, bob)
        assert (his["role"], his["created_at"][:21]) == ("editor", "2024-02-03T02:05:06.5")
        assert his["app_metadata"] == {"provider": "phone", "providers": ["phone"]}
    assert (await asyncio.to_thread(imported, file)).sums == sums(0, 2)


async def test_people_of_pocketbase_sign_in(imported: Import, url: str, tmp_path: Path) -> None:
    """Their ids follow from the old ones, so that rows that name them can be moved as well."""
    file = tmp_path / "data.db"
    with sqlite.connect(str(file)) as connection:
        connection.executescript(
            """
            CREATE TABLE _collections (id TEXT, type TEXT, name TEXT);
            INSERT INTO _collections VALUES ('c1', 'auth', 'users'), ('c2', 'base', 'posts'), ('c3', 'auth', '_superusers');
            CREATE TABLE _externalAuths (collectionRef TEXT, recordRef TEXT, provider TEXT, providerId TEXT);
            INSERT INTO _externalAuths VALUES ('c1', 'ynk13lepg8xf52f', 'google', '77'), ('c3', 'ynk13lepg8xf52f', 'github', '1');
            CREATE TABLE users (id TEXT PRIMARY KEY, avatar TEXT, created TEXT, email TEXT, emailVisibility BOOLEAN, name TEXT,
              password TEXT, tokenKey TEXT, updated TEXT, verified BOOLEAN);
            """
        )
        at = "2026-11-25 17:03:46.061Z"
        rows = [
            ("ynk13lepg8xf52f", "", at, "Ann@example.com", 0, "Ann", hashed(PASSWORD), "k", at, 1),
            ("abcdefghijklmno", "", at, "bob@example.com", 0, "", hashed(PASSWORD), "k", at, 0),
            ("oooooooooooooob", "", at, "nobody", 0, "", "", "k", at, 0),
        ]
        connection.executemany(f"INSERT INTO users VALUES ({', '.join('?' * 10)})", rows)
    for taken, there in ((2, 0), (0, 2)):
        told = await asyncio.to_thread(imported, file)
        assert (told.sums, told.lines) == (sums(taken, there, 1), ["user oooooooooooooob: email is no address"])
    assert "one of _superusers, users" in " ".join((await asyncio.to_thread(imported, file, "--collection", "posts")).lines)
    async with served(url) as client:
        people = People(client)
        hers = await people.sign_in("ann@example.com", PASSWORD)
        assert hers.uid == str(uuid5(UUID("6d61696e-7370-5269-8e67-706f636b6574"), "users/ynk13lepg8xf52f"))
        told_of = hers.body["user"]
        assert told_of["app_metadata"]["pocketbase_id"] == "ynk13lepg8xf52f"
        assert (told_of["user_metadata"], told_of["created_at"][:19]) == ({"name": "Ann"}, "2026-11-25T17:03:46")
        assert sorted(each["provider"] for each in told_of["identities"]) == ["email", "google"]
        answer = await people.post("/token?grant_type=password", {"email": "bob@example.com", "password": PASSWORD})
        refused(answer, 400, "email_not_confirmed")


HOSTILE: list[tuple[Any, str]] = [
    ("{", "is not JSON"),
    ("[1, 2]", "is no JSON object"),
    ("null", "is no JSON object"),
    ('{"id": "' + "x" * 300_000 + '"}', "is too large"),
    ('{"email": ' + "[" * 100_000 + "}", "is not JSON"),
    ({"email": "a@example.com"}, "id is missing"),
    ({"id": "1"}, "id is nothing of type uuid"),
    ({"id": {"a": 1}}, "id is nothing of type uuid"),
    ({"email": 5}, "email is no address"),
    ({"email": ["a@example.com"]}, "email is nothing of type text"),
    ({"email": "nobody"}, "email is no address"),
    ({"email": "a\x00@example.com"}, "email is nothing of type text"),
    ({"email": "x" * 300 + "@example.com"}, "email is too long"),
    ({"phone": "070-123"}, "phone is no address"),
    ({"encrypted_password": "secret"}, "encrypted_password: The password hash is none of bcrypt, argon2 and Firebase's scrypt"),
    ({"encrypted_password": "$2a$31$" + "a" * 53}, "encrypted_password: The password hash takes too much work to be checked"),
    ({"encrypted_password": ["$2a$"]}, "encrypted_password is nothing of type text"),
    ({"created_at": "yesterday noon"}, "created_at is nothing of type timestamp with time zone"),
    ({"banned_until": "infinity"}, "banned_until is nothing of type timestamp with time zone"),
    ({"raw_user_meta_data": "nonsense"}, "raw_user_meta_data is not JSON"),
    ({"raw_user_meta_data": [1]}, "raw_user_meta_data is no JSON object"),
    ({"raw_user_meta_data": {"a": "x" * 6000}}, "raw_user_meta_data is larger than 5120 bytes"),
    ({"raw_user_meta_data": {"a": "\x00"}}, "raw_user_meta_data is nothing of type jsonb"),
    ('{"id": "ID", "raw_user_meta_data": {"a": "\\ud800"}}', "is not JSON"),
    ('{"id": "ID", "raw_user_meta_data": {"a": 1e999}}', "is not JSON"),
    ({"raw_app_meta_data": {"a": 2**80}}, "raw_app_meta_data is nothing of type jsonb"),
    ({"identities": "none"}, "identities is no list of objects"),
    ({"identities": [{"provider": "google"}]}, "identities: id is missing"),
    ({"identities": [{"provider": "x" * 300, "provider_id": "1"}]}, "identities: provider is too long"),
    ({"mfa_factors": [1]}, "mfa_factors is no list of objects"),
    ({"encryted_password": "x"}, "has a column that is not known: 'encryted_password' (did you mean encrypted_password?)"),
]


def test_hostile_rows_are_passed_over_and_told(imported: Import, tmp_path: Path) -> None:
    """Each for itself, with its line and the reason; the others are taken, whatever is beside them."""
    rows: list[Any] = []
    for said, _ in HOSTILE:
        plain = said.replace("ID", str(uuid4())) if isinstance(said, str) else {"id": str(uuid4())} | said
        rows += [plain, {"id": str(uuid4()), "email": f"good{len(rows)}@example.com"}]
    rows[HOSTILE.index(({"email": "a@example.com"}, "id is missing")) * 2].pop("id")
    told = imported(lines(tmp_path / "users.jsonl", *rows))
    assert told.lines == [f"line {number * 2 + 1}: {reason}" for number, (_, reason) in enumerate(HOSTILE)]
    assert (told.code, told.sums) == (1, sums(len(HOSTILE), over=len(HOSTILE)))


async def test_what_looks_like_a_statement_is_data(imported: Import, url: str, tmp_path: Path) -> None:
    data = {"name": "'); DROP TABLE auth.users; --", "$1": "%s {x} \\u0000 \"", "é": "\u2028"}
    uid = str(uuid4())
    file = lines(tmp_path / "users.jsonl", {"id": uid, "email": "o'neil@example.com", "raw_user_meta_data": data})
    assert (await asyncio.to_thread(imported, file)).sums == sums(1)
    async with served(url) as client:
        shown = await user_of(People(client), uid)
    assert (shown["user_metadata"], shown["email"]) == (data, "o'neil@example.com")


def test_addresses_that_differ_in_case_are_one(imported: Import, tmp_path: Path) -> None:
    first, second = ({"id": str(uuid4()), "email": email} for email in ("Ann@example.com", "ANN@EXAMPLE.COM"))
    told = imported(lines(tmp_path / "users.jsonl", first, second, first))
    assert (told.sums, told.lines) == (sums(1, 1, 1), ["line 2: another user has the email"])


@pytest.mark.parametrize(
    ("text", "ended", "reason"),
    [
        ("", 2, "needs a first line with names of columns"),
        ("email,phone\n", 2, "needs a first line with names of columns"),
        ("id,id\n", 2, "needs a first line with names of columns"),
        ("id,emial\n", 2, "has a column that is not known: 'emial' (did you mean email?)"),
        ("id,email\nx\n", 1, "line 2: has 1 fields, not 2"),
        ('id,email\n"x"y,a@example.com\n', 1, "line 2: is not read as CSV"),
        ('id,email\n"x,a@example.com\n', 1, "line 2: is not read as CSV"),
        ("id,email\n" + "x" * 300_000 + "\n", 1, "line 2: is not read as CSV: is too large"),
    ],
)
def test_what_is_no_csv_is_said(text: str, ended: int, reason: str, imported: Import, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text(text, "utf-8")
    told = imported(file)
    assert (told.code, reason in " ".join(told.lines)) == (ended, True), told.lines


def test_what_is_not_utf8_is_passed_over(imported: Import, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(b"\xef\xbb\xbfid,email\r\n" + str(uuid4()).encode() + b",\xff@example.com\r\n")
    assert imported(file).lines == ["line 2: email is nothing of type text"]

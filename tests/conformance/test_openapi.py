"""The OpenAPI 3.1 description: valid, true of every operation it names for every role, and silent about everything else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from mainspring import Mainspring
from mainspring.settings import AuthSettings, RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.conformance.test_rpc import ADA, List, Task, application
from tests.support import every_type
from tests.support.native import make, native
from tests.support.servers import PostgresServer
from tests.support.store import CUSTOMER, store

Json = dict[str, Any]

PATH = "/docs/openapi.json"
METHODS = {"get", "post", "put", "patch", "delete"}


@cache
def mistakes(text: str) -> list[str]:
    """What is wrong with a document by OpenAPI's own schema; kept, because it takes long."""
    return [str(error) for error in OpenAPIV31SpecValidator(json.loads(text)).iter_errors()]


async def described(client: httpx.AsyncClient) -> Json:
    answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.1; charset=utf-8"
    document: Json = answer.json()
    assert mistakes(answer.text) == []
    return document


def fits(document: Json, schema: Json, value: Any) -> None:
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def resolved(document: Json, spec: Json) -> Json:
    if "$ref" not in spec:
        return spec
    found = document
    for name in spec["$ref"].split("/")[1:]:
        found = found[name]
    return found


def each_operation(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


async def asked(client: httpx.AsyncClient, document: Json, path: str, method: str, operation: Json) -> httpx.Response:
    """The answer to an operation, with the examples that its parameters and its body have."""
    parameters = [resolved(document, each) for each in operation["parameters"]]
    given = [each for each in parameters if "example" in each and (each.get("required") or method in ("patch", "delete"))]
    query = {each["name"]: each["example"] for each in given if each["in"] == "query"}
    headers = {each["name"]: each["example"] for each in given if each["in"] == "header"}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    fits(document, body["schema"], body.get("example")) if body and "example" in body else None
    content: Json = {"json": body.get("example", {})} if body else {}
    if "requestBody" in operation and not body:
        (kind,) = operation["requestBody"]["content"]
        content, headers = {"content": "text"}, {**headers, "content-type": kind}
    return await client.request(method, f"/rest/v1{path}", params=query, headers=headers, **content)


def check_answer(document: Json, operation: Json, answer: httpx.Response) -> None:
    """The answer is one of those described, and its body has the schema that is said for it."""
    responses = operation["responses"]
    told = responses.get(str(answer.status_code)) or responses.get(f"{answer.status_code // 100}XX")
    assert told is not None, (answer.request.url, answer.status_code, answer.text)
    if answer.content:
        kind = answer.headers["content-type"].partition(";")[0]
        fits(document, resolved(document, told)["content"][kind]["schema"], answer.json())


async def check_document(client: httpx.AsyncClient) -> dict[int, int]:
    """Every operation of a caller's document really answers as described. Returns how often which status came."""
    document, statuses = await described(client), dict[int, int]()
    for path, method, operation in each_operation(document):
        answer = await asked(client, document, path, method, operation)
        check_answer(document, operation, answer)
        assert answer.status_code < 500, (method, path, answer.text)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    return statuses


@pytest.fixture(params=["sqlite", "postgres"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[TestClient]:
    """The record shop where the database computes its generated columns, which memory does not."""
    url = ""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("openapi")
    async with TestClient(store(), url) as client:
        yield client


async def test_every_operation_of_the_shop_answers_as_described_to_every_role(shop: TestClient) -> None:
    staff = shop.as_user(CUSTOMER, app_metadata={"roles": ["staff"]})
    nobody = await check_document(shop.as_anon())
    assert nobody == {200: 6}
    for client in (shop.as_user(CUSTOMER), staff, shop.as_service()):
        statuses = await check_document(client)
        assert statuses[200] >= 20
        assert sum(statuses.values()) == 50


async def test_what_is_not_described_is_refused(shop: TestClient) -> None:
    anon, service = shop.as_anon(), shop.as_service()
    everything, document = await described(service), await described(anon)
    refused = 0
    for path, method, operation in each_operation(everything):
        if method not in document["paths"].get(path, {}):
            answer = await asked(anon, everything, path, method, operation)
            assert answer.status_code in (401, 403, 404), (method, path, answer.text)
            refused += 1
    assert refused == 44
    assert "wholesale_price" in str(everything)
    assert not any(word in str(document) for word in ("wholesale_price", "customer", "address", "orders"))
    assert (await anon.get("/rest/v1/albums?select=wholesale_price")).status_code == 401


async def test_rows_with_everything_embedded_fit_the_schema(shop: TestClient) -> None:
    client = shop.as_service()
    document = await described(client)
    for name, columns in (
        ("albums", "*,artists(*),tracks(*),genres(*),reviews(*),order_lines(*)"),
        ("orders", "*,customers(*),order_lines(*),addresses!billing_address_id(*)"),
        ("order_lines", "*,orders(*),albums(*,artists(*))"),
    ):
        rows = (await client.get(f"/rest/v1/{name}", params={"select": columns, "limit": 20})).json()
        assert rows
        row = document["components"]["schemas"][f"{name}.Row"]
        fits(document, {"type": "array", "items": row}, rows)
        assert set(rows[0]) <= set(row["properties"])


async def test_reading_and_writing_have_schemas_of_their_own(shop: TestClient) -> None:
    document = await described(shop.as_user(CUSTOMER))
    schemas = document["components"]["schemas"]
    assert schemas["order_lines.Row"]["properties"]["total"]["readOnly"] is True
    assert "total" not in schemas["order_lines.Insert"]["properties"]
    assert schemas["order_lines.Insert"]["required"] == ["order_id", "album_id", "unit_price"]
    assert "required" not in schemas["order_lines.Update"]
    status = schemas["orders.Row"]["properties"]["status"]
    assert (status["enum"], status["default"]) == (["pending", "paid", "shipped", "cancelled"], "pending")
    assert schemas["artists.Row"]["properties"]["country"]["maxLength"] == 2
    assert schemas["orders.Row"]["properties"]["note"]["type"] == ["string", "null"]
    assert schemas["customers.Row"]["properties"]["id"]["format"] == "uuid"
    assert schemas["orders.Row"]["properties"]["created_at"]["format"] == "date-time"
    assert document["security"] == [{"apikey": []}, {"bearer": []}, {}]
    operations = [operation["operationId"] for _, _, operation in each_operation(document)]
    assert len(set(operations)) == len(operations)


@pytest.mark.parametrize("url", ["memory://", ""])
async def test_a_row_of_every_type_fits_its_schema(url: str) -> None:
    app = Mainspring(models=every_type.Base)
    async with TestClient(app, url) as client:
        statuses = await check_document(client.as_service())
    assert statuses.keys() <= {200, 201, 204, 400, 409}
    assert statuses[200] >= 2


@pytest.mark.parametrize("url", ["memory://", ""])
async def test_computed_columns_and_relations_are_read_only_members(url: str) -> None:
    app = application()
    app.grant(Task, "select", to="authenticated", exclude=["done"])

    @app.computed(Task)
    def loud(task: Any) -> Any:
        return task.title + "!"

    @app.computed(Task)
    def finished(task: Any) -> Any:
        return ~task.done

    @app.relation(List, Task)
    def first_tasks(owner: Any, task: Any) -> Any:
        return (task.list_id == owner.id) & (task.id < 3)

    async with TestClient(app, url) as client:
        user = client.as_user(ADA)
        document = await described(user)
        rows = (await user.get("/rest/v1/tasks?select=*,loud&id=eq.1")).json()
        lists = (await user.get("/rest/v1/lists?select=*,first_tasks(*)&id=eq.1")).json()
    schemas = document["components"]["schemas"]
    assert schemas["tasks.Row"]["properties"]["loud"]["readOnly"] is True
    assert "finished" not in str(document)
    assert "loud" not in schemas["tasks.Insert"]["properties"]
    assert rows[0]["loud"] == "water!"
    fits(document, {"type": "array", "items": schemas["tasks.Row"]}, rows)
    fits(document, {"type": "array", "items": schemas["lists.Row"]}, lists)
    assert schemas["lists.Row"]["properties"]["first_tasks"]["items"] == {"$ref": "#/components/schemas/tasks.Row"}
    assert lists[0].keys() <= schemas["lists.Row"]["properties"].keys()


@pytest.mark.parametrize("url", ["memory://", ""])
async def test_functions_answer_as_described(url: str) -> None:
    async with TestClient(application(), url) as client:
        document = await described(client.as_anon())
        assert list(document["paths"]) == ["/rpc/add", "/rpc/echo"]
        assert document["paths"]["/rpc/add"]["get"]["summary"] == "Adds two numbers."
        arguments = document["components"]["schemas"]["add.Arguments"]
        assert (arguments["required"], arguments["properties"]["b"]["type"]) == (["a"], "integer")
        echo = document["components"]["schemas"]["echo.Arguments"]["properties"]
        assert (echo["on"]["format"], echo["who"]["format"], echo["price"]["type"]) == ("date", "uuid", "number")
        user = await described(client.as_user(ADA))
        assert "/rpc/echo" not in user["paths"]
        rows = user["paths"]["/rpc/everything"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert rows == {"type": "array", "items": {"$ref": "#/components/schemas/tasks.Row"}}
        for name in ("add", "echo", "open_tasks", "everything", "whoami", "finish", "nothing", "refuses"):
            who = client.as_anon() if name in ("add", "echo") else client.as_user(ADA)
            document = await described(who)
            for method, operation in document["paths"][f"/rpc/{name}"].items():
                answer = await asked(who, document, f"/rpc/{name}", method, operation)
                assert answer.status_code == {"nothing": 204, "refuses": 409}.get(name, 200), answer.text
                check_answer(document, operation, answer)


async def test_a_database_is_described_as_each_of_its_roles_may_use_it(postgres: PostgresServer) -> None:
    async with native(make(postgres.database("openapi"))) as client:
        guest, member = client.as_role(), client.as_role("member")
        nobody, somebody = await described(guest), await described(member)
        statuses = await check_document(guest)
        assert statuses.keys() <= {200, 204, 400}
        assert (await check_document(member)).keys() <= {200, 201, 204, 400, 404, 409}
        hidden = await guest.get("/rest/v1/authors?select=secret")
    assert hidden.status_code == 401
    assert nobody["info"]["title"] == "A library"
    assert not any(word in str(nobody) for word in ("secret", "vault", "hidden"))
    assert not any(word in str(somebody) for word in ("vault", "hidden"))
    assert all(methods.keys() == {"get"} for path, methods in nobody["paths"].items() if not path.startswith("/rpc/"))
    assert somebody["paths"]["/authors"].keys() == {"get", "post", "patch"}
    schemas = somebody["components"]["schemas"]
    assert schemas["authors.Insert"]["properties"].keys() == {"name", "born"}
    assert schemas["authors.Update"]["properties"].keys() == {"name"}
    assert schemas["books.Row"]["properties"]["size"]["readOnly"] is True
    assert schemas["books.Row"]["properties"]["price"]["description"] == "In euros."
    assert schemas["books.Row"]["properties"]["isbn"]["maxLength"] == 13
    assert schemas["books.Row"]["properties"]["mood"]["enum"] == ["sad", "glad", None]
    assert schemas["books.Row"]["properties"]["genres"]["items"] == {"$ref": "#/components/schemas/genres.Row"}
    assert somebody["paths"]["/titles"].keys() == METHODS
    assert somebody["paths"]["/counted"].keys() == {"get"}
    assert "/odd%20%7Bname%7D%2C%20really" in somebody["paths"]


async def test_the_accept_header_chooses_between_the_two_descriptions() -> None:
    async with TestClient(store()) as client:
        anon = client.as_anon()
        for media in ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json;version=3.1, */*;q=0.5"):
            answer = await anon.get("/rest/v1/", headers={"accept": media})
            assert answer.json()["openapi"] == "3.1.0"
        for media in ("*/*", "application/json", "application/openapi+json"):
            answer = await anon.get("/rest/v1/", headers={"accept": media})
            assert answer.json()["swagger"] == "2.0"
        answer = await anon.get("/rest/v1/", headers={"accept": "application/vnd.oai.openapi+json;version=2.0"})
        assert answer.status_code == 406
        head = await anon.head(PATH)
        assert (head.status_code, head.content) == (200, b"")
        assert (await anon.post(PATH)).status_code == 405


async def test_the_description_can_be_turned_off_and_can_need_a_key() -> None:
    async with TestClient(store(), settings=Settings(rest=RestSettings(openapi_mode="disabled"))) as client:
        assert (await client.as_anon().get(PATH)).status_code == 404
    async with TestClient(store(), settings=Settings(rest=RestSettings(docs=False))) as client:
        assert (await client.as_anon().get(PATH)).status_code == 404
        media = {"accept": "application/vnd.oai.openapi+json"}
        assert (await client.as_anon().get("/rest/v1/", headers=media)).json()["openapi"] == "3.1.0"
    settings = Settings(auth=AuthSettings(require_key=True), rest=RestSettings(openapi_server="https://api.example/v1"))
    async with TestClient(store(), settings=settings) as client:
        anon = client.as_anon()
        document = await described(anon)
        assert document["servers"] == [{"url": "https://api.example/v1"}]
        assert {} not in document["security"]
        assert (await anon.get(PATH, headers={"apikey": "", "authorization": ""})).status_code == 401

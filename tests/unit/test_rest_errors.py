"""Every error has its status, its code and PostgREST's body."""

from __future__ import annotations

import json

import pytest
from tests.support.leaves import leaves

from mainspring import errors
from mainspring.errors import Candidate, ConfigError, MainspringError, SignInError
from mainspring.surfaces.rest.errors import TABLE, Refused, render_error


def test_every_leaf_is_in_the_table() -> None:
    elsewhere = {ConfigError, *leaves(SignInError)}  # signing in is another surface's matter
    assert set(leaves(MainspringError)) - elsewhere == set(TABLE)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.ValueInvalid("integer", "x"), 400, "22P02"),
        (errors.ValueOutOfRange("integer", "9"), 400, "22003"),
        (errors.ValueOutOfRange("character varying(3)", "abcd"), 400, "22001"),
        (errors.LimitExceeded("body", 5, "bytes", too_large_body=True), 413, "PGRST102"),
        (errors.LimitExceeded("nesting", 5), 400, "54000"),
        (errors.OperatorInvalid("foo"), 400, "PGRST100"),
        (errors.OperatorInvalid("like", "integer"), 404, "42883"),
        (errors.TableUnknown("public", "x"), 404, "PGRST205"),
        (errors.ColumnUnknown("t", "c"), 400, "42703"),
        (errors.ColumnUnknown("t", "c", writing=True), 400, "PGRST204"),
        (errors.RelationUnknown("public", "a", "b"), 400, "PGRST200"),
        (errors.ConflictTargetUnknown(("a",)), 400, "42P10"),
        (errors.TokenExpired(), 401, "PGRST303"),
        (errors.KeyMissing(), 401, "PGRST302"),
        (errors.RowCheckViolated("t"), 403, "42501"),
        (errors.RowCheckViolated("t", anonymous=True), 401, "42501"),
        (errors.UniqueViolated("t", "k"), 409, "23505"),
        (errors.ForeignKeyViolated("t", "k"), 409, "23503"),
        (errors.NotNullViolated("t", columns=("a",)), 400, "23502"),
        (errors.CheckViolated("t", "k"), 400, "23514"),
        (errors.NotSingular(2), 406, "PGRST116"),
        (errors.EngineUnavailable(), 503, "PGRST000"),
        (errors.TimedOut(8), 500, "57014"),
        (errors.Busy(), 503, "53300"),
        (errors.EngineFault(), 500, "XX000"),
        (errors.EngineError(), 500, "XX000"),
        (Refused(405, "PGRST117", "Unsupported HTTP method: X"), 405, "PGRST117"),
    ],
)
def test_status_and_code(error: MainspringError, status: int, code: str) -> None:
    told, headers, body = render_error(error)
    assert told == status
    assert list(json.loads(body)) == ["code", "details", "hint", "message"]
    assert json.loads(body)["code"] == code
    assert dict(headers)[b"content-length"] == str(len(body)).encode()


def test_busy_and_unavailable_say_when_to_come_back() -> None:
    for error in (errors.Busy(), errors.EngineUnavailable()):
        assert (b"retry-after", b"1") in render_error(error)[1]


def test_an_ambiguous_relation_lists_the_candidates() -> None:
    candidate = Candidate("many-to-one", "fk using a(x) and b(id)", "a with b", "b!fk")
    status, _, body = render_error(errors.RelationAmbiguous("a", "b", (candidate,)))
    assert status == 300
    assert json.loads(body)["details"] == [
        {"cardinality": "many-to-one", "embedding": "a with b", "relationship": "fk using a(x) and b(id)"}
    ]


def test_a_place_in_the_text_is_told_as_postgrest_tells_it() -> None:
    body = json.loads(render_error(errors.SyntaxInvalid("filter", "5", 0, '"not" or operator (eq, gt, ...)'))[2])
    assert body["message"] == '"failed to parse filter (5)" (line 1, column 1)'
    assert body["details"] == 'unexpected "5" expecting "not" or operator (eq, gt, ...)'
    end = json.loads(render_error(errors.SyntaxInvalid("order", "id.", 3, '"asc"'))[2])
    assert end["details"] == 'unexpected end of input expecting "asc"'


def test_what_is_not_offered_is_named() -> None:
    body = json.loads(render_error(errors.NotSupported("the operator cs"))[2])
    assert (body["code"], body["message"]) == ("PGRST127", "Feature not implemented")
    assert "the operator cs" in body["details"]


def test_hints_reach_the_client() -> None:
    body = json.loads(render_error(errors.OperatorInvalid("ilik", suggestion="ilike"))[2])
    assert body["hint"] == "Perhaps you meant the operator 'ilike'"

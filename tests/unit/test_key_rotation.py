"""Rotation: a key is published before it signs, the one before verifies until its tokens are gone, apps keep their API keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.test_tokens import SECRET, UID, claims, forge, segment

from mainspring.cli.arguments import main
from mainspring.errors import ConfigError, TokenInvalid
from mainspring.services.identity.keys import rotation, signing
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import KeySet, open_keys
from mainspring.services.identity.opaque import new_key, well_formed
from mainspring.services.identity.tokens.tokens import TokenVerifier
from mainspring.settings import AuthSettings, Secret

ES = AuthSettings()
RS = AuthSettings(jwt_algorithm="RS256")
HS = AuthSettings(jwt_secret=Secret(SECRET))
LASTS = ES.token_seconds + ES.leeway_seconds + 60


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(folder: Path, clock: Clock, auth: AuthSettings = ES) -> tuple[KeySet, TokenVerifier]:
    open_keys(folder, auth)
    keys = KeySet(folder, auth, clock)
    keys.read()
    verify = TokenVerifier(keys, auth, clock=clock)
    keys.tell(verify.forget)
    return keys, verify


def states(keys: KeySet) -> dict[str, str]:
    return {key.kid: state for key, state, _ in keys.states()}


def published(keys: KeySet) -> list[str]:
    return [key["kid"] for key in keys.jwks()["keys"]]


def lasting(clock: Clock) -> dict[str, Any]:
    """Claims that hold for as long as an access token does."""
    now = int(clock.now)
    return claims(iat=now, exp=now + ES.token_seconds)


def test_the_life_of_a_key(tmp_path: Path, clock: Clock) -> None:
    keys, verify = opened(tmp_path, clock)
    first = keys.kid
    old = keys.sign(lasting(clock)).encode()
    second = rotation.rotate(keys, 900).kid
    assert states(keys) == {first: "current", second: "next"}
    assert published(keys) == [first, second]
    assert keys.kid == first
    clock.now += 899
    late = keys.sign(lasting(clock)).encode()
    assert jwt.get_unverified_header(late)["kid"] == first
    clock.now += 2
    new = keys.sign(lasting(clock)).encode()
    assert jwt.get_unverified_header(new)["kid"] == second
    assert states(keys) == {first: "previous", second: "current"}
    assert published(keys) == [second, first]
    clock.now += ES.token_seconds - 10
    for token in (late, new):
        assert verify(token).uid == UID
    with pytest.raises(Exception, match="expired"):
        verify(old)
    clock.now += LASTS
    assert states(keys) == {first: "retired", second: "current"}
    assert published(keys) == [second]


def test_what_a_retired_key_signs_is_refused_however_long_it_says_it_lasts(tmp_path: Path, clock: Clock) -> None:
    keys, verify = opened(tmp_path, clock)
    forever = keys.sign(claims(exp=int(clock.now) + 10**8)).encode()
    rotation.rotate(keys, 0)
    assert verify(forever).uid == UID
    clock.now += LASTS + 2
    with pytest.raises(TokenInvalid):  # though it was remembered
        verify(forever)


def test_the_next_rotation_removes_what_is_retired(tmp_path: Path, clock: Clock) -> None:
    keys, _ = opened(tmp_path, clock)
    first = keys.kid
    rotation.rotate(keys, 0)
    clock.now += LASTS + 5
    rotation.rotate(keys, 900)
    assert first not in states(keys)
    assert len(list(tmp_path.glob("es256*.pem"))) == 2


def test_a_second_rotation_waits_or_comes_sooner(tmp_path: Path, clock: Clock) -> None:
    keys, _ = opened(tmp_path, clock)
    waiting = rotation.rotate(keys, 900).kid
    with pytest.raises(ConfigError, match=f"waits already.*kid {waiting}"):
        rotation.rotate(keys, 900)
    assert rotation.rotate(keys, 0).kid == waiting
    clock.now += 2
    assert states(keys)[waiting] == "current"
    assert len(states(keys)) == 2


def test_other_processes_notice(tmp_path: Path, clock: Clock) -> None:
    keys, _ = opened(tmp_path, clock)
    elsewhere, verify = opened(tmp_path, clock)
    rotation.rotate(keys, 0)
    clock.now += 2
    token = keys.sign(claims()).encode()
    assert verify(token).uid == UID  # an unknown kid makes it look at once
    assert elsewhere.kid == keys.kid
    assert not elsewhere.missed()  # but not for every forged kid


@pytest.mark.parametrize("auth", [ES, RS], ids=["ES256", "RS256"])
def test_api_keys_outlive_the_key_that_signed_them(tmp_path: Path, clock: Clock, auth: AuthSettings) -> None:
    keys, verify = opened(tmp_path, clock, auth)
    api = open_api_keys(tmp_path, keys)
    for _ in range(3):
        rotation.rotate(keys, 0)
        clock.now += LASTS + 2
    assert open_api_keys(tmp_path, keys) == api
    assert verify(api.anon.encode()).role == "anon"
    assert verify(api.service.reveal().encode()).bypass
    forged = f"{api.anon.rsplit('.', 1)[0]}.{segment(b'x' * 64)}".encode()
    with pytest.raises(TokenInvalid, match="No suitable key"):
        verify(forged)
    header, _, signature = api.anon.split(".")
    with pytest.raises(TokenInvalid, match="No suitable key"):
        verify(f"{header}.{segment(claims(role='service_role'))}.{signature}".encode())


def test_revoking_ends_a_key_its_tokens_and_its_api_keys(tmp_path: Path, clock: Clock) -> None:
    keys, verify = opened(tmp_path, clock)
    api, first = open_api_keys(tmp_path, keys), keys.kid
    token = keys.sign(claims()).encode()
    verify(token)
    ended = rotation.revoke(keys, first)
    assert sorted(path.name.split(".")[0] for path in ended) == ["anon", "service_role"]
    assert keys.kid != first
    for text in (token, api.anon.encode(), api.service.reveal().encode()):
        with pytest.raises(TokenInvalid, match="No suitable key"):
            verify(text)
    again = open_api_keys(tmp_path, keys)
    assert again.anon != api.anon
    assert verify(again.anon.encode()).role == "anon"
    assert verify(again.publishable.encode()).role == "anon"
    assert again.publishable == api.publishable


def test_an_old_key_can_be_revoked_for_its_api_keys(tmp_path: Path, clock: Clock) -> None:
    keys, verify = opened(tmp_path, clock)
    api, first = open_api_keys(tmp_path, keys), keys.kid
    for _ in range(2):
        rotation.rotate(keys, 0)
        clock.now += LASTS + 2
    assert first not in states(keys)
    assert rotation.revoke(keys, first)
    with pytest.raises(TokenInvalid):
        verify(api.anon.encode())


@pytest.mark.parametrize("kid", ["", "../es256.pem", "es256", "' OR 1=1 --", "x" * 100_000, "\0"])
def test_revoking_what_is_no_key_does_nothing(tmp_path: Path, clock: Clock, kid: str) -> None:
    keys, _ = opened(tmp_path, clock)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="is no key of the folder"):
        rotation.revoke(keys, kid)
    assert sorted(tmp_path.iterdir()) == before


def test_another_algorithm_by_setting(tmp_path: Path, clock: Clock) -> None:
    old, _ = opened(tmp_path, clock)
    token = old.sign(claims()).encode()
    keys, verify = opened(tmp_path, clock, RS)
    assert jwt.get_unverified_header(keys.sign(claims()))["alg"] == "RS256"
    assert verify(keys.sign(claims()).encode()).uid == verify(token).uid == UID
    assert states(keys)[old.kid] == "standby"
    assert {key["alg"]: key["kty"] for key in keys.jwks()["keys"]} == {"RS256": "RSA", "ES256": "EC"}
    again, _ = opened(tmp_path, clock, replace(RS))
    assert again.kid == keys.kid


@pytest.mark.parametrize("kid", ["mine", "theirs", None])
def test_a_public_rsa_key_is_no_secret(tmp_path: Path, clock: Clock, kid: str | None) -> None:
    keys, verify = opened(tmp_path, clock, RS)
    _, verify_hs = opened(tmp_path, clock, replace(RS, jwt_secret=Secret(SECRET)))
    header = {"alg": "HS256", **({"kid": keys.kid if kid == "mine" else kid} if kid else {})}
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        pem = keys.private.public_key().public_bytes(Encoding.PEM, form)
        for secret in (pem, pem.strip(), json.dumps(keys.jwks()["keys"][0]).encode(), keys.kid.encode()):
            for verifier in (verify, verify_hs):
                with pytest.raises(TokenInvalid):
                    verifier(forge(header, claims(role="service_role"), secret))


def test_a_kid_is_good_with_its_own_algorithm_only(tmp_path: Path, clock: Clock) -> None:
    es, _ = opened(tmp_path, clock)
    keys, verify = opened(tmp_path, clock, RS)
    token = jwt.encode(claims(), keys.private, algorithm="RS256", headers={"kid": es.kid})
    with pytest.raises(TokenInvalid, match="No suitable key"):
        verify(token.encode())
    with pytest.raises(TokenInvalid):
        verify(jwt.encode(claims(), keys.private, algorithm="RS512", headers={"kid": keys.kid}).encode())


@pytest.mark.parametrize("extra", [{"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}, {"x5c": ["AAAA"]}, {}])
def test_keys_of_others_are_not_followed(tmp_path: Path, clock: Clock, extra: dict[str, Any]) -> None:
    keys, verify = opened(tmp_path / "ours", clock, RS)
    theirs, _ = opened(tmp_path / "theirs", clock, RS)
    for kid in (keys.kid, theirs.kid, "x" * 4000, "../../theirs/rs256.pem"):
        token = jwt.encode(
            claims(), theirs.private, algorithm="RS256", headers={**extra, "kid": kid, "jwk": theirs.current.jwk()}
        )
        with pytest.raises(TokenInvalid):
            verify(token.encode())


# ---------------------------------------------------------------- keys that are no tokens


def test_plain_keys_say_who_asks(tmp_path: Path, clock: Clock) -> None:
    keys, verify = opened(tmp_path, clock)
    api = open_api_keys(tmp_path, keys)  # made after the folder was read: found on the first use
    assert well_formed(api.publishable, "sb_publishable_")
    assert verify(api.publishable.encode()).role == "anon"
    service = verify(api.private.reveal().encode())
    assert (service.role, service.bypass, service.uid) == ("service_role", True, None)
    assert verify(api.publishable.encode()) is verify(api.publishable.encode())


def test_plain_keys_of_others_are_refused(tmp_path: Path, clock: Clock) -> None:
    keys, verify = opened(tmp_path, clock)
    secret = open_api_keys(tmp_path, keys).private.reveal()
    tries = [new_key("sb_secret_"), "sb_secret_", "sb_publishable_" + secret[10:], secret[:-1], secret + "A", secret.lower()]
    for text in [*tries, "sb_secret_../service_role.key", "sb_secret_" + "A" * 8000]:
        with pytest.raises(TokenInvalid):
            verify(text.encode())


@pytest.mark.parametrize("role", ["publishable", "secret"])
def test_a_plain_key_is_replaced(tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str], role: str) -> None:
    keys, verify = opened(tmp_path / "keys", clock)
    before = open_api_keys(tmp_path / "keys", keys)
    old = {"publishable": before.publishable, "secret": before.private.reveal()}
    for text in old.values():
        verify(text.encode())
    assert main(["keys", "revoke", f"sb_{role}", "--data", str(tmp_path)]) == 0
    assert old[role] not in capsys.readouterr().out
    keys.look()
    after = open_api_keys(tmp_path / "keys", keys)
    new = {"publishable": after.publishable, "secret": after.private.reveal()}
    assert {name for name in old if old[name] != new[name]} == {role}
    with pytest.raises(TokenInvalid):
        verify(old[role].encode())
    for text in new.values():
        verify(text.encode())
    assert after.anon == before.anon


def test_a_key_with_a_typing_error_is_not_well_formed() -> None:
    key = new_key("ms_")
    assert well_formed(key, "ms_")
    for place in range(3, len(key)):
        other = "A" if key[place] != "A" else "B"
        assert not well_formed(key[:place] + other + key[place + 1 :], "ms_")


# ---------------------------------------------------------------- the command, processes that die


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    assert main(["keys", *data]) == 0
    before = capsys.readouterr().out
    assert main(["keys", "rotate", *data]) == 0
    assert "is published and signs from" in capsys.readouterr().out
    assert main(["keys", *data]) == 0
    assert capsys.readouterr().out == before
    assert main(["keys", "list", *data]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[2] for line in lines] == ["STATE", "current", "next"]
    assert main(["keys", "revoke", lines[1][0], *data]) == 0
    told = capsys.readouterr().out
    assert "is revoked" in told
    assert "ANON_KEY=" in told
    assert main(["keys", "revoke", *data]) == 2
    assert main(["keys", "revoke", lines[1][0], *data]) == 2
    assert "is no key of the folder" in capsys.readouterr().err


def test_no_key_has_an_id_that_a_command_takes_for_an_option(tmp_path: Path) -> None:
    """One in sixty-four would begin with a dash."""
    made = [signing.read(signing.make(tmp_path, "ES256", second)) for second in range(400)]
    assert len({key.kid for key in made}) == 400
    assert not [key.kid for key in made if key.kid.startswith("-")]


KILLED = """
import os, sys
from pathlib import Path
from mainspring.services.identity.keys import rotation
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import open_keys
from mainspring.settings import AuthSettings
folder, action, left = Path(sys.argv[1]), sys.argv[2], [int(sys.argv[3])]
keys = open_keys(folder, AuthSettings())
kid = keys.kid
def dying(real):
    def call(*args, **more):
        if not left[0]:
            os.kill(os.getpid(), 9)
        left[0] -= 1
        return real(*args, **more)
    return call
for name in ("link", "rename", "unlink", "open", "fsync"):
    setattr(os, name, dying(getattr(os, name)))
rotation.rotate(keys, 0) if action == "rotate" else rotation.revoke(keys, kid)
"""


@pytest.mark.parametrize("action", ["rotate", "revoke"])
def test_being_killed_anywhere_leaves_a_usable_folder(tmp_path: Path, action: str) -> None:
    killed = 0
    for calls in range(40):
        folder = tmp_path / str(calls)
        keys = open_keys(folder, ES)
        api, old = open_api_keys(folder, keys), keys.kid
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), action, str(calls)], capture_output=True, text=True)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed += 1
        after = open_keys(folder, ES)  # whatever has happened, it can be opened, signs and verifies
        TokenVerifier(after, ES)(after.sign(claims()).encode())
        if action == "revoke":
            rotation.revoke(after, old) if old in {key.kid for key, _, _ in after.states()} else None
            with pytest.raises(TokenInvalid):
                TokenVerifier(after, ES)(api.anon.encode())
        else:
            assert TokenVerifier(after, ES)(api.anon.encode()).role == "anon"
    assert killed > 5


def test_rotations_at_once_make_one_key(tmp_path: Path) -> None:
    open_keys(tmp_path / "keys", ES)
    program = [sys.executable, "-m", "mainspring.cli", "keys", "rotate", "--data", str(tmp_path)]
    folder = tmp_path / "keys"
    running = [subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) for _ in range(3)]
    codes = sorted((process.communicate(timeout=60), process.returncode)[1] for process in running)
    assert codes == [0, 2, 2]
    assert len(list(folder.glob("es256*.pem"))) == 2

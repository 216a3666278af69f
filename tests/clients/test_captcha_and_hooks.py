"""The unchanged `supabase` from PyPI against a live process that asks other servers: a captcha's verifier, and hooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import jwt
import pytest
from supabase import AClientOptions, acreate_client
from supabase_auth.errors import AuthApiError

from tests.support.listening import Request, elsewhere, reply
from tests.support.live import LiveServer
from tests.support.people import PASSWORD

pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")
APP = Path(__file__).parents[1] / "support" / "people.py"
KEY = b"k" * 32
SECRET = "v1,whsec_" + base64.b64encode(KEY).decode()


def judged(request: Request) -> bytes:
    return reply(200, json.dumps({"success": parse_qs(request.body.decode())["response"] == ["a person"]}).encode())


def asked(request: Request) -> bytes:
    """A hook that believes nothing without a signature, keeps some people out, and adds a claim."""
    said = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    right = base64.b64encode(hmac.digest(KEY, said, hashlib.sha256)).decode()
    assert request.headers["webhook-signature"] == f"v1,{right}"
    event = json.loads(request.body)
    if "claims" in event:
        return reply(200, json.dumps({"claims": {**event["claims"], "team": "red"}}).encode())
    if event["user"]["email"].startswith("bad"):
        return reply(200, b'{"error":{"http_code":403,"message":"Not you"}}')
    return reply(204, b"")


async def test_captcha_and_hooks(tmp_path: Path) -> None:
    async with elsewhere(judged) as verifier, elsewhere(asked) as hook, httpx.AsyncClient(trust_env=False) as http:
        env = {
            "MAINSPRING_AUTH__AUTOCONFIRM": "true",
            "MAINSPRING_CAPTCHA__PROVIDER": "turnstile",
            "MAINSPRING_CAPTCHA__SECRET": "0x1",
            "MAINSPRING_CAPTCHA__URL": verifier.url,
        }
        for name in ("BEFORE_USER_CREATED", "CUSTOM_ACCESS_TOKEN"):
            env |= {f"MAINSPRING_HOOKS__{name}": hook.url, f"MAINSPRING_HOOKS__{name}_SECRETS": SECRET}
        server = LiveServer(APP, data=tmp_path / "data", env=env)
        server.start()
        try:
            client = await acreate_client(
                server.url, server.anon_key, AClientOptions(httpx_client=http, auto_refresh_token=False)
            )
            email, passed = f"{uuid4()}@example.com", {"captcha_token": "a person"}
            with pytest.raises(AuthApiError) as caught:
                await client.auth.sign_up({"email": email, "password": PASSWORD})
            assert (caught.value.code, caught.value.status) == ("captcha_failed", 400)
            with pytest.raises(AuthApiError, match="Not you"):
                await client.auth.sign_up({"email": f"bad-{email}", "password": PASSWORD, "options": passed})
            signed = await client.auth.sign_up({"email": email, "password": PASSWORD, "options": passed})
            assert signed.session is not None
            again = await client.auth.refresh_session()
            assert again.session is not None
            for session in (signed.session, again.session):
                assert jwt.decode(session.access_token, options={"verify_signature": False})["team"] == "red"
            with pytest.raises(AuthApiError, match="captcha"):
                await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
            with pytest.raises(AuthApiError, match="captcha"):
                await client.auth.sign_in_with_otp({"email": email})
            with pytest.raises(AuthApiError, match="captcha"):
                await client.auth.reset_password_for_email(email)
            await client.auth.sign_in_with_password({"email": email, "password": PASSWORD, "options": passed})
            assert (await client.auth.get_user()).user.email == email
        finally:
            server.stop()

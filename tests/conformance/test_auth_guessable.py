"""Passwords that others would try first are refused wherever one is chosen, on every engine; and what else a password may be."""

from __future__ import annotations

import hashlib
from pathlib import Path

from argon2 import PasswordHasher

from tests.support.people import PASSWORD, Open, refused

ANY = (
    "aaaabbbb",
    "        ",
    "ÄÖÜß中文字符",
    "\U0001f600" * 8,
    " spaced out ",
    "x" * 64,
    "Mixed" + "y" * 67,
    "\U0001f600中é" * 24,
)
KNOWN, NAMED = "iloveyou2", "Mainspring!26"


def listed(folder: Path, *passwords: str) -> str:
    """A file of passwords that are known from breaches."""
    path = folder / "breached"
    hashes = sorted(hashlib.sha1(each.encode(), usedforsecurity=False).hexdigest().upper() for each in passwords)
    path.write_text("".join(f"{each}:3\n" for each in hashes))
    return str(path)


async def test_wherever_one_is_chosen(opened: Open, tmp_path: Path) -> None:
    path = listed(tmp_path, "12345678", KNOWN)
    async with opened(breached_passwords=path, password_words=("mainspring",)) as people:
        person = await people.member()
        email = person.body["user"]["email"]
        await people.post("/recover", {"email": email})
        recovering = await people.verified("recovery", email, "recovery")
        for password in (KNOWN, NAMED):
            said = {"email": people.address(), "password": password}
            for answer in (
                await people.post("/signup", said),
                await person.ask("PUT", "/auth/v1/user", json={"password": password}),
                await recovering.ask("PUT", "/auth/v1/user", json={"password": password}),
                await people.service.post("/auth/v1/admin/users", json=said),
                await people.service.put(f"/auth/v1/admin/users/{person.uid}", json={"password": password}),
                await people.service.post("/auth/v1/admin/generate_link", json={**said, "type": "signup"}),
            ):
                text = refused(answer, 422, "weak_password")
                assert text == "Password is known to be weak and easy to guess, please choose a different one."
                assert answer.json()["weak_password"] == {"reasons": ["pwned"]}
        assert (await person.ask("PUT", "/auth/v1/user", json={"password": "mainspring and a horse"})).status_code == 200


async def test_whoever_has_one_still_comes_in(opened: Open, tmp_path: Path) -> None:
    """A list is about passwords that are chosen; it locks nobody out."""
    path = listed(tmp_path, PASSWORD)
    hashed = PasswordHasher(1, 8, 1).hash(PASSWORD)
    async with opened(breached_passwords=path) as people:
        body = {"email": people.address(), "password_hash": hashed, "email_confirm": True}
        assert (await people.service.post("/auth/v1/admin/users", json=body)).status_code == 200
        person = await people.sign_in(str(body["email"]))
        assert (await people.refresh(person.refresh_token)).status_code == 200
        refused(await people.post("/signup", {"email": people.address(), "password": PASSWORD}), 422, "weak_password")


async def test_any_characters_in_any_case_and_up_to_their_bound(opened: Open) -> None:
    """A password is what was typed: no kind of character is asked for, none is changed, nothing is cut off."""
    async with opened(autoconfirm=True) as people:
        for password in ANY:
            email = (await people.member(password=password)).body["user"]["email"]
            await people.sign_in(email, password)
            for other in (password.swapcase(), password[:-1], password + "x", password.strip() + "."):
                if other != password:
                    answer = await people.post("/token?grant_type=password", {"email": email, "password": other})
                    refused(answer, 400, "invalid_credentials")

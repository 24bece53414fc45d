"""The observer without an account: the sign-in page, and every route without a token. The secret is who has one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import pyotp

from exchange.flows.access.sign_in import accept_invitation, invite_user
from exchange.store.access.sign_in_guard import FREE_TRIES
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Role
from tests.observers.coverage import Coverage
from tests.observers.seen.description import Seen
from tests.observers.seen.examiner import pages_of
from tests.observers.seen.peer import description_of
from tests.observers.seen.wire import OUTSIDE, Exchange
from tests.observers.trial import Meanwhile, Secret, Told
from tests.observers.world import World

NAMES = ("examiner-anna", "vestak-7")
_PASSWORD, _OTHER = "a long enough password", "another long password"
_MINUTE_S = 60.0


class Account(Secret):
    """Which of two names has an account."""

    name = "who has an account"

    def build(self, world: World, value: int) -> list[str]:
        name = NAMES[value]
        world.steps.step()
        with world.write() as session:
            add_user(session, name, Role.EXAMINER)
        secret = pyotp.random_base32()
        token = invite_user(world.rs, name).rpartition("/")[2]
        code = pyotp.TOTP(secret).at(int(world.steps.time()))
        accept_invitation(world.rs, token, password=_PASSWORD, secret=secret, code=code)
        return []


def observe_as_stranger(world: World, told: Told, meanwhile: Meanwhile, coverage: Coverage) -> Sequence[Exchange]:
    """1. Try both names until an account would be locked, and after that; then again when it would be open.
    2. Ask every route and every page without having signed in.
    """
    begun = len(world.wire.told)
    url = world.rs.settings.url
    with world.wire.client() as client:
        for _ in range(2):
            for _ in range(FREE_TRIES + 2):
                for name in NAMES:
                    fields = {"pseudonym": name, "password": _OTHER, "code": "123456"}
                    answer = client.post(f"{url}/app/sign-in", data=fields)
                    coverage.note("POST /app/sign-in", answer.status_code)
            world.steps.step(2 * _MINUTE_S)
        description = description_of(world)
        for path in description.routes():
            for asked in description.requests(path, Seen(), most=1, each=1):
                for headers in ({}, {"Authorization": f"Bearer ffp_{secrets.token_urlsafe(32)}"}):
                    answer = client.get(url + asked.target, headers=headers)
                    coverage.note(path, answer.status_code, asked.parameters)
        for page in pages_of(world):
            if "{" not in page:
                coverage.note(page, client.get(url + page).status_code)
    return [exchange for exchange in world.wire.told[begun:] if exchange.asker == OUTSIDE]

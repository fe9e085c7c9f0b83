# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, their tokens, and who a request comes from."""

from __future__ import annotations

import base64
import binascii
import datetime
import secrets
import time
import typing as t

from . import database as db

USERNAMES = ("admin", "alice", "bob", "reader", "auditor", "mallory")
DEFAULT_ROLES = {"alice": "execute", "bob": "execute", "reader": "read"}


def password_of(username: str) -> str:
    """The password of a user, which never changes."""
    return f"{username}-password"


def create(database: db.Database) -> None:
    """Add the users."""
    for username in USERNAMES:
        database.insert(
            "users",
            username=username,
            password=password_of(username),
            is_superuser=int(username == "admin"),
            is_system_auditor=int(username == "auditor"),
            created=db.now(),
        )


def by_name(database: db.Database, username: str) -> db.Row:
    """The user of this name."""
    user = database.one("SELECT * FROM users WHERE username = ?", username)
    if user is None:
        raise KeyError(username)
    return user


def create_token(database: db.Database, user: int, scope: str, description: str = "") -> db.Row:
    """Make a token; its row."""
    moment = datetime.datetime.now(datetime.UTC)
    row_id = database.insert(
        "tokens",
        user=user,
        token=secrets.token_urlsafe(22),
        scope=scope,
        description=description,
        created=db.instant(moment),
        expires=db.instant(moment + datetime.timedelta(days=36500)),
    )
    return t.cast("db.Row", database.get("tokens", row_id))


def expire_tokens(database: db.Database, token: str | None = None) -> int:
    """Let one token, or all, expire now; how many did."""
    if token is None:
        return database.run("UPDATE tokens SET expires = ?", db.now())
    return database.run("UPDATE tokens SET expires = ? WHERE token = ?", db.now(), token)


def revoke_tokens(database: db.Database, token: str | None = None) -> int:
    """Delete one token, or all; how many there were."""
    if token is None:
        return database.run("DELETE FROM tokens")
    return database.run("DELETE FROM tokens WHERE token = ?", token)


def who(database: db.Database, authorization: str, settings: dict[str, t.Any]) -> tuple[db.Row | None, str]:
    """The user whom an Authorization header proves, and the scope that goes with it."""
    scheme, _space, secret = authorization.partition(" ")
    if scheme.lower() == "bearer":
        token = database.one("SELECT * FROM tokens WHERE token = ? AND expires > ?", secret.strip(), db.now())
        return (database.get("users", token["user"]), token["scope"]) if token else (None, "")
    if scheme.lower() == "basic" and settings["basic_enabled"]:
        time.sleep(settings["basic_delay"])
        try:
            username, _colon, password = base64.b64decode(secret, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None, ""
        return database.one("SELECT * FROM users WHERE username = ? AND password = ?", username, password), "write"
    return None, ""

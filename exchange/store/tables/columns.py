"""Column types that mean the same on SQLite and on PostgreSQL, and the base of all tables, which uses them."""

from __future__ import annotations

import zlib
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

WholeNumber = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits: sizes, places in a log and seconds since 1970 pass 2^31. SQLite numbers rows by itself only where the type
is called INTEGER, and stores 64 bits under that name too."""


class Words(TypeDecorator[str]):
    """Text that is sorted by its bytes, as times and ids must be; a language's own order stands in no query.

    PostgreSQL stores no NUL. None comes from a statement; in a filter it finds nothing, in a message it is replaced.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(collation="C") if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect  # the same on both, so that both find the same
        return None if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")


class Packed(TypeDecorator[str]):
    """Long text that is read seldom, deflated (RFC 1950): an explanation takes a quarter of its JSON. Nothing is asked
    of it in SQL."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        del dialect
        return None if value is None else zlib.compress(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else zlib.decompress(value).decode()


class Base(DeclarativeBase):
    """What all tables have in common."""

    type_annotation_map = {bytes: LargeBinary, int: WholeNumber, str: Words}  # noqa: RUF012 - SQLAlchemy's convention

"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from syncd.store.codec import instant_text


class Instant(TypeDecorator[datetime]):
    """An aware datetime, UTC on the way out, to the microsecond. A naive one is refused with `ValueError`.

    PostgreSQL keeps `timestamptz`. SQLite has no such type: it keeps text of one width, which sorts by time and which
    its own date functions understand.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, `timestamptz` elsewhere."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To what the database keeps."""
        if value is None:
            return None
        text = instant_text(value)  # refuses naive ones on both engines alike
        return text if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """To an aware datetime in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromisoformat(value)
        aware: datetime = value
        return aware.astimezone(UTC)


class Duration(TypeDecorator[timedelta]):
    """A span of time, to the microsecond (PostgreSQL's interval has months in it, SQLite has nothing)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """To microseconds."""
        del dialect
        return None if value is None else value // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        """From microseconds."""
        del dialect
        return None if value is None else timedelta(microseconds=value)


Name = Text().with_variant(Text(collation="C"), "postgresql")
"""An id or a name that holds nothing strange, compared byte by byte on both engines: one order everywhere."""


def clean(text: str) -> str:
    """Without what no database can hold: NUL and halves of surrogate pairs become U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Words(TypeDecorator[str]):
    """Free text from outside that is not JSON, cleaned of what no database can hold. Compared as a `Name`."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text, in byte order."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean what cannot be kept."""
        del dialect
        return None if value is None else clean(value)


Json = Text
"""JSON written by `syncd.store.codec`: plain text, since PostgreSQL's jsonb refuses \\u0000 and reorders."""

Flag = Boolean
Serial = BigInteger().with_variant(Integer(), "sqlite")
"""A row number drawn by the database (SQLite gives them to INTEGER alone)."""

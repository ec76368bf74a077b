"""Tables: cursors, posts, agents' corrections, trained models, and the delivery ledger."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, Float, Identity, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.db import metadata
from shared.delivery import deliveries_table
from shared.outbox import outbox_table

SCHEMA = "social"
_NOW, _YES, _X = text("now()"), text("true"), text("'x'")


class PostOutcome(StrEnum):
    """What became of a post."""

    TICKET = "ticket"
    MENTION = "mention"


class Base(DeclarativeBase):
    """Tables of this service."""

    metadata = metadata(SCHEMA)


class Cursor(Base):
    """How far a source was read: Kafka has every post up to this id that is our business."""

    __tablename__ = "cursors"

    network: Mapped[str] = mapped_column(Text, primary_key=True, server_default=_X)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    newest: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=_NOW)


class Seen(Base):
    """A post that was taken in. Of a direct message, and of a ticket's post after some time, only
    the bare fact is kept."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_thread", "thread", postgresql_where=text("outcome = 'ticket'")),
        Index("ix_posts_mentions", "received_at", "id", postgresql_where=text("outcome = 'mention'")),
        Index("ix_posts_complaints", "received_at", postgresql_where=text("kind = 'complaint'")),
    )

    network: Mapped[str] = mapped_column(Text, primary_key=True, server_default=_X)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    author: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    username: Mapped[str] = mapped_column(Text)
    thread: Mapped[str] = mapped_column(Text)
    conversation: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    media: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    followers: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text)
    outcome: Mapped[PostOutcome] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    """`complaint`, `question`, `other`, or `message`: a direct one, which is not scored."""
    complaint: Mapped[float] = mapped_column(Float)
    question: Mapped[float] = mapped_column(Float)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    causes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Words by which complaints with a common cause are found."""
    burst: Mapped[str] = mapped_column(Text, server_default="")
    """The burst that this complaint belongs to, as it was published to the desk, or empty."""
    summoned: Mapped[bool] = mapped_column(Boolean, server_default=_YES)
    """Its author mentioned us."""


class Correction(Base):
    """What an agent says that a post is. It outlives the post: models are made from it."""

    __tablename__ = "corrections"

    network: Mapped[str] = mapped_column(Text, primary_key=True, server_default=_X)
    post_id: Mapped[str] = mapped_column(Text, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    given_by: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=_NOW)


class Trained(Base):
    """A model made from corrections. At most one is active; without one the shipped one works."""

    __tablename__ = "models"
    __table_args__ = (Index("uq_models_active", "active", unique=True, postgresql_where=text("active")),)

    version: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=_NOW)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    active: Mapped[bool] = mapped_column(Boolean)


DELIVERIES = deliveries_table(Base.metadata)
"""Replies on their way to customers, of all networks."""
OUTBOX = outbox_table(Base.metadata)

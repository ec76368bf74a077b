"""The router's settings. Prefix ROUTER_."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RouterSettings(BaseSettings):
    """What only the router needs."""

    model_config = SettingsConfigDict(env_prefix="ROUTER_", extra="ignore", frozen=True)

    port: int = Field(8003, description="HTTP port for health, metrics and what the desk asks", ge=1, le=65535)
    group: str = Field(
        "router",
        description="Consumer group; replicas of one router share it. Where Kafka asks for passwords it begins with `router`",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
    )
    policy: str = Field("default", description="Name of the published policy to follow")
    learn_hours: float = Field(
        24.0,
        description="Hours between two looks at whether the urgency model can learn from agents; 0: only by command",
        ge=0,
        le=24 * 365,
    )
    batch: int = Field(
        100, description="Records handled at once: more is faster, fewer keeps live messages quick", ge=1, le=1000
    )
    session_timeout: float = Field(
        8.0, description="Seconds after which Kafka gives a silent replica's partitions to others", ge=6, le=60
    )
    stall: float = Field(
        120.0, description="Seconds without progress after which the process gives up and is restarted", ge=10
    )

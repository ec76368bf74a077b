"""Customers over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.customers.schemas import CustomerView
from services.desk.profiles import service
from services.desk.security import Caller, Reader, TheDesk
from shared.errors import Rejected

router = APIRouter(tags=["customers"])


class CustomerChange(BaseModel):
    """What to change; leave out what stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, description="Empty to forget it")
    birth_year: int | None = Field(None, description="From 1900 to this year, or null to forget it")
    preferred_channel: str | None = Field(
        None, description="A channel's name, or null to forget it", examples=["phone"]
    )
    source: str = Field(
        "agent", description="Who told us the preferred channel: `customer`, `survey`, `phone` or `agent`"
    )
    add_contact_points: list[str] = Field([], max_length=20, examples=[["tel:+33612345678"]])
    opted_out: dict[str, bool] = Field({}, description="Contact point → whether they do not want to be reached there")


@router.get("/customers", summary="Find a customer by contact point")
async def find_customer(
    desk: TheDesk, _: Reader, contact_point: Annotated[str, Query(max_length=500, examples=["email:ann@example.org"])]
) -> list[CustomerView]:
    """Returns one customer, or none: a contact point belongs to one person."""
    found = await service.find_customer(desk, contact_point)
    return [found] if found else []


@router.get("/customers/{customer}", summary="One customer")
async def get_customer(desk: TheDesk, _: Reader, customer: str) -> CustomerView:
    """Returns a customer with contact points, preferred channel and the newest tickets."""
    return await service.get_customer(desk, customer)


@router.patch("/customers/{customer}", summary="Change what we know of a customer")
async def change(desk: TheDesk, actor: Caller, customer: str, body: CustomerChange) -> CustomerView:
    """Changes a customer and publishes the change to the router, which decides on the next
    message with it."""
    given = body.model_fields_set
    if not given - {"source"}:
        raise Rejected(422, "nothing", "Send at least one thing to change.")
    changes: dict[str, Any] = {
        name: getattr(body, name) for name in ("name", "birth_year", "preferred_channel") if name in given
    }
    if "name" in changes:
        changes["name"] = changes["name"] or ""
    return await service.update_customer(
        desk,
        customer,
        actor=actor,
        source=body.source,
        add_contact_points=tuple(body.add_contact_points),
        opted_out=body.opted_out,
        **changes,
    )

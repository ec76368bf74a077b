"""How this channel describes itself."""

from shared.events import Channel, Wording

CHANNEL = Channel(
    name="email",
    label="Email",
    icon="mail",
    reaches=("email",),
    wording=Wording(
        sent="Sent by email", received="Received by email", to="To %(who)s, by email", prefers="Prefers email"
    ),
)

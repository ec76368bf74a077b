"""What agents say of posts, so that the social service learns."""

from datetime import datetime

from shared.events.base import Event


class PostJudged(Event, frozen=True, kw_only=True):
    """On `posts-judged`, from the desk."""

    id: str
    """The same id again does nothing."""
    channel: str
    """The network's channel, such as `x`."""
    provider_id: str
    """The post's own id, as in `InboundMessage.provider_id`."""
    at: datetime
    agent: str
    """Mail address."""
    label: str = ""
    """`complaint`, `question` or `other`: what the post is, in the agent's view. Empty: no
    opinion."""
    open_ticket: bool = False
    """Publish this kept mention as a message, so that it becomes a ticket."""

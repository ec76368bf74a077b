"""What travels on the topics: one module a subject. Fields are only ever added, and with
defaults."""

from shared.events.audit import AuditNoted
from shared.events.calls import CallAction, CallChanged, CallOutcome, CallRequested, CallState
from shared.events.channels import Channel, Length, Wording
from shared.events.customers import Observed, OpenTicket, Profile, Stated
from shared.events.deliveries import DeliveryReport, DeliveryState, OutboundMessage
from shared.events.desk import DeskEvent
from shared.events.imported import ImportedMail
from shared.events.inbound import Attachment, Burst, InboundMessage, PhoneCall, Post, ThreadClues
from shared.events.learning import ModelLearned, PriorityCorrected, Rejudged
from shared.events.letters import DeadLetterReplayed, UnreadableMail
from shared.events.policies import RoutingPolicy
from shared.events.posts import PostJudged
from shared.events.routed import ChannelChoice, Decision, Judged, Overflow, Reason, RoutedMessage, ThreadMatch

__all__ = [
    "Attachment",
    "AuditNoted",
    "Burst",
    "CallAction",
    "CallChanged",
    "CallOutcome",
    "CallRequested",
    "CallState",
    "Channel",
    "ChannelChoice",
    "DeadLetterReplayed",
    "Decision",
    "DeliveryReport",
    "DeliveryState",
    "DeskEvent",
    "ImportedMail",
    "InboundMessage",
    "Judged",
    "Length",
    "ModelLearned",
    "Observed",
    "OpenTicket",
    "OutboundMessage",
    "Overflow",
    "PhoneCall",
    "Post",
    "PostJudged",
    "PriorityCorrected",
    "Profile",
    "Reason",
    "Rejudged",
    "RoutedMessage",
    "RoutingPolicy",
    "Stated",
    "ThreadClues",
    "ThreadMatch",
    "UnreadableMail",
    "Wording",
]

"""What Twilio's public documents say of the operations and webhooks that we use, in our own words.

- REST: twilio/twilio-oai, spec/json/twilio_api_v2010.json, release 2.1.13 of 2025-02-20 (commit 00c8d36829d6). What is newer is from the
  client that Twilio generates from the same document, twilio-python 9.13.0; the contract tests compare its names with this table.
- Webhooks have no OpenAPI document. Their parameters are from Twilio's pages on voice requests ("TwiML for Programmable Voice"), on the
  verbs Gather, Enqueue, Dial, Number and Record, on voice webhooks, and on messaging webhooks and status callbacks.
- Errors are from the error and warning dictionary. 20001, unknown parameters, is a warning there: they are ignored.

The document calls no property of an answer required and nearly all nullable; Twilio sends all of
them nevertheless.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.providers.facts import (
    ADDRESS,
    ISO_8601,
    RFC_2822,
    TEXT,
    WORD_OF_TRUTH,
    Kind,
    Many,
    Map,
    Maybe,
    Object,
    Operation,
    like,
    number,
    one_of,
    whole,
)

METHOD = one_of("GET", "POST")
PHONE = like(r"\+[0-9]{7,15}", "a number after E.164")
PARTY = like(r"\+[0-9]{7,15}|client:.+|anonymous", "a number, a client or nobody")
CURRENCY = like("[A-Z]{3}|[a-z]{3}", "a currency after ISO 4217")
COUNT = like("[0-9]+", "a count, as text")
VERSION = one_of("2010-04-01")


def sid(*kinds: str) -> Kind:
    return like(f"({'|'.join(kinds)})[0-9a-fA-F]{{32}}", f"a SID: {' or '.join(kinds)} and 32 hexadecimal digits")


def _all(properties: Mapping[str, Kind]) -> Object:
    """All are sent; each may be null."""
    return Object({name: Maybe(kind) for name, kind in properties.items()}, tuple(properties))


def _page(key: str, item: Kind) -> Object:
    page: dict[str, Kind] = {
        "end": whole(),
        "first_page_uri": TEXT,
        "next_page_uri": Maybe(TEXT),
        "page": whole(),
        "page_size": whole(1, 1000),
    }
    page |= {"previous_page_uri": Maybe(TEXT), "start": whole(), "uri": TEXT}
    return Object({key: Many(item, 0), **page}, (key, *page))


# --- resources
# -------------------------------------------------------------------------------------------------------

ACCOUNT = _all(
    {
        "auth_token": TEXT,
        "date_created": RFC_2822,
        "date_updated": RFC_2822,
        "friendly_name": TEXT,
        "owner_account_sid": sid("AC"),
        "sid": sid("AC"),
        "status": one_of("active", "suspended", "closed"),
        "subresource_uris": Map(TEXT),
        "type": one_of("Trial", "Full"),
        "uri": TEXT,
    }
)
MESSAGE_STATUS = one_of(
    *(
        "queued",
        "sending",
        "sent",
        "failed",
        "delivered",
        "undelivered",
        "receiving",
        "received",
        "accepted",
        "scheduled",
    ),
    *("read", "partially_delivered", "canceled"),
)
MESSAGE = _all(
    {
        "account_sid": sid("AC"),
        "api_version": VERSION,
        "body": TEXT,
        "date_created": RFC_2822,
        "date_sent": RFC_2822,
        "date_updated": RFC_2822,
        "direction": one_of("inbound", "outbound-api", "outbound-call", "outbound-reply"),
        "error_code": whole(),
        "error_message": TEXT,
        "from": PARTY,
        "messaging_service_sid": sid("MG"),
        "num_media": COUNT,
        "num_segments": COUNT,
        "price": TEXT,
        "price_unit": CURRENCY,
        "sid": sid("SM", "MM"),
        "status": MESSAGE_STATUS,
        "subresource_uris": Map(TEXT),
        "to": PARTY,
        "uri": TEXT,
    }
)
CALL_STATUS = one_of("queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")
DIRECTION = one_of("inbound", "outbound-api", "outbound-dial", "trunking-terminating", "trunking-originating")
CALL = _all(
    {
        "account_sid": sid("AC"),
        "answered_by": TEXT,
        "api_version": VERSION,
        "caller_name": TEXT,
        "date_created": RFC_2822,
        "date_updated": RFC_2822,
        "direction": DIRECTION,
        "duration": COUNT,
        "end_time": RFC_2822,
        "forwarded_from": TEXT,
        "from": PARTY,
        "from_formatted": TEXT,
        "group_sid": sid("GP"),
        "parent_call_sid": sid("CA"),
        "phone_number_sid": sid("PN"),
        "price": TEXT,
        "price_unit": CURRENCY,
        "queue_time": COUNT,
        "sid": sid("CA"),
        "start_time": RFC_2822,
        "status": CALL_STATUS,
        "stir_verstat": TEXT,
        "subresource_uris": Map(TEXT),
        "to": PARTY,
        "to_formatted": TEXT,
        "trunk_sid": sid("TK"),
        "uri": TEXT,
    }
)
ERROR = Object(
    {"code": whole(10_000, 99_999), "message": TEXT, "more_info": ADDRESS, "status": whole(400, 599)}
).whole()

# --- requests
# --------------------------------------------------------------------------------------------------------

CREATE_MESSAGE = Object(
    {
        "To": PHONE,
        "StatusCallback": ADDRESS,
        "ApplicationSid": sid("AP"),
        "MaxPrice": TEXT,
        "ProvideFeedback": WORD_OF_TRUTH,
        "Attempt": number(),
        "ValidityPeriod": number(1, 36_000),
        "ForceDelivery": WORD_OF_TRUTH,
        "ContentRetention": one_of("retain", "discard"),
        "AddressRetention": one_of("retain", "obfuscate"),
        "SmartEncoded": WORD_OF_TRUTH,
        "PersistentAction": TEXT,
        "TrafficType": one_of("free"),
        "ShortenUrls": WORD_OF_TRUTH,
        "ScheduleType": one_of("fixed"),
        "SendAt": ISO_8601,
        "SendAsMms": WORD_OF_TRUTH,
        "ContentVariables": TEXT,
        "MessageIntent": TEXT,
        "RiskCheck": one_of("enable", "disable"),
        "From": PHONE,
        "FallbackFrom": TEXT,
        "MessagingServiceSid": sid("MG"),
        "Body": like(r"(?s).{1,1600}", "a text of 1,600 characters at most"),
        "MediaUrl": ADDRESS,
        "ContentSid": sid("HX"),
    },
    ("To", "From", "Body"),  # besides To: one who sends and something to send; of the several ways these are ours
)
_PAGING = {"PageSize": number(1, 1000), "Page": number(), "PageToken": TEXT}
LIST_MESSAGES = Object(
    {"To": PHONE, "From": PHONE, "DateSent": ISO_8601, "DateSent<": ISO_8601, "DateSent>": ISO_8601, **_PAGING}
)
CREATE_CALL = Object(
    {
        "To": PARTY,
        "From": PARTY,
        "Method": METHOD,
        "FallbackUrl": ADDRESS,
        "FallbackMethod": METHOD,
        "StatusCallback": ADDRESS,
        "StatusCallbackEvent": one_of("initiated", "ringing", "answered", "completed"),
        "StatusCallbackMethod": METHOD,
        "SendDigits": TEXT,
        "Timeout": number(0, 600),
        "Record": WORD_OF_TRUTH,
        "RecordingChannels": one_of("mono", "dual"),
        "RecordingStatusCallback": ADDRESS,
        "RecordingStatusCallbackMethod": METHOD,
        "RecordingConfigurationId": TEXT,
        "SipAuthUsername": TEXT,
        "SipAuthPassword": TEXT,
        "MachineDetection": one_of("Enable", "DetectMessageEnd"),
        "MachineDetectionTimeout": number(3, 120),
        "RecordingStatusCallbackEvent": TEXT,
        "Trim": one_of("trim-silence", "do-not-trim"),
        "CallerId": PARTY,
        "MachineDetectionSpeechThreshold": number(1000, 6000),
        "MachineDetectionSpeechEndThreshold": number(500, 5000),
        "MachineDetectionSilenceTimeout": number(2000, 10_000),
        "AsyncAmd": WORD_OF_TRUTH,
        "AsyncAmdStatusCallback": ADDRESS,
        "AsyncAmdStatusCallbackMethod": METHOD,
        "Passports": TEXT,
        "Byoc": sid("BY"),
        "CallReason": TEXT,
        "CallToken": TEXT,
        "RecordingTrack": one_of("inbound", "outbound", "both"),
        "TimeLimit": number(),
        "ClientNotificationUrl": ADDRESS,
        "Url": ADDRESS,
        "Twiml": TEXT,
        "ApplicationSid": sid("AP"),
    },
    ("To", "From", "Url"),  # besides To and From: where the instructions are; of the three ways this is ours
)
UPDATE_CALL = Object(
    {
        "Url": ADDRESS,
        "Method": METHOD,
        "Status": one_of("canceled", "completed"),
        "FallbackUrl": ADDRESS,
        "FallbackMethod": METHOD,
        "StatusCallback": ADDRESS,
        "StatusCallbackMethod": METHOD,
        "Twiml": TEXT,
        "TimeLimit": number(),
    }
)
_BASE = "/2010-04-01/Accounts/AC[0-9a-fA-F]{32}"
OPERATIONS = (
    Operation("FetchAccount", "GET", rf"{_BASE}\.json", answers=ACCOUNT),
    Operation("CreateMessage", "POST", rf"{_BASE}/Messages\.json", body=CREATE_MESSAGE, status=201, answers=MESSAGE),
    Operation("ListMessage", "GET", rf"{_BASE}/Messages\.json", LIST_MESSAGES, answers=_page("messages", MESSAGE)),
    Operation("CreateCall", "POST", rf"{_BASE}/Calls\.json", body=CREATE_CALL, status=201, answers=CALL),
    Operation("UpdateCall", "POST", rf"{_BASE}/Calls/CA[0-9a-fA-F]{{32}}\.json", body=UPDATE_CALL, answers=CALL),
    Operation("FetchCall", "GET", rf"{_BASE}/Calls/CA[0-9a-fA-F]{{32}}\.json", answers=CALL),
    Operation("a file", "GET", rf"{_BASE}/Messages/(SM|MM)[0-9a-fA-F]{{32}}/Media/ME[0-9a-fA-F]{{32}}"),
    Operation("a recording", "GET", rf"{_BASE}/Recordings/RE[0-9a-fA-F]{{32}}\.(mp3|wav)"),
)
RATE_LIMIT_HEADERS = ("Twilio-Request-Id", "Twilio-Concurrent-Requests")
"""In every answer. Twilio limits what goes on at a time, not in a window: 429 names no moment from
which on it goes well."""

# --- webhooks: what is always sent, and what sometimes
# ---------------------------------------------------------------


def _webhook(always: Mapping[str, Kind], sometimes: Mapping[str, Kind]) -> Object:
    return Object({**always, **sometimes}, tuple(always))


_PLACES = {f"{who}{what}": TEXT for who in ("From", "To") for what in ("City", "State", "Zip", "Country")}
_VOICE = _webhook(
    {
        "CallSid": sid("CA"),
        "AccountSid": sid("AC"),
        "From": PARTY,
        "To": PARTY,
        "CallStatus": CALL_STATUS,
        "ApiVersion": VERSION,
        "Direction": DIRECTION,
    },
    {
        "ForwardedFrom": TEXT,
        "CallerName": TEXT,
        "ParentCallSid": sid("CA"),
        "CallToken": TEXT,
        "StirVerstat": TEXT,
        **_PLACES,
    },
)
_WAITING = {
    "QueuePosition": COUNT,
    "QueueSid": sid("QU"),
    "QueueTime": COUNT,
    "AvgQueueTime": COUNT,
    "CurrentQueueSize": COUNT,
}
_KEYS = {"Digits": like("[0-9*#]*"), "FinishedOnKey": TEXT, "SpeechResult": TEXT, "Confidence": TEXT, "msg": TEXT}
"""`msg`: says that no key came, where `actionOnEmptyResult` is set. Twilio sends it; no page of its
has it."""
_DIALLED = {"DialCallStatus": one_of("completed", "answered", "busy", "no-answer", "failed", "canceled")}
_RECORDING = {"RecordingUrl": ADDRESS, "RecordingSid": sid("RE"), "RecordingDuration": COUNT}
_PROGRESS = {"Timestamp": RFC_2822, "CallbackSource": one_of("call-progress-events"), "SequenceNumber": COUNT}
_QUEUE_RESULTS = (
    "bridged",
    "bridging-in-process",
    "error",
    "hangup",
    "leave",
    "queue-full",
    "redirected",
    "system-error",
)
_MESSAGE = {
    "MessageSid": sid("SM", "MM"),
    "SmsSid": sid("SM", "MM"),
    "AccountSid": sid("AC"),
    "From": PARTY,
    "To": PARTY,
}
WEBHOOKS: Mapping[str, Object] = {
    "/sms": _webhook(
        {
            **_MESSAGE,
            "SmsMessageSid": sid("SM", "MM"),
            "Body": TEXT,
            "NumMedia": COUNT,
            "NumSegments": COUNT,
            "SmsStatus": one_of("received"),
            "ApiVersion": VERSION,
        },
        {
            "MessagingServiceSid": sid("MG"),
            "OptOutType": one_of("STOP", "START", "HELP"),
            **_PLACES,
            **{f"MediaContentType{place}": like(".+/.+") for place in range(10)},
            **{f"MediaUrl{place}": ADDRESS for place in range(10)},
        },
    ),
    "/status of a text": _webhook(
        {**_MESSAGE, "MessageStatus": MESSAGE_STATUS, "ApiVersion": VERSION},
        {
            "SmsStatus": MESSAGE_STATUS,
            "ErrorCode": COUNT,
            "ErrorMessage": TEXT,
            "RawDlrDoneDate": COUNT,
            "MessagingServiceSid": sid("MG"),
        },
    ),
    "/status": _VOICE
    | _webhook(_PROGRESS, {"CallDuration": COUNT, "Duration": COUNT, "SipResponseCode": COUNT, **_RECORDING}),
    "/recording": _webhook(
        {
            "AccountSid": sid("AC"),
            "CallSid": sid("CA"),
            "RecordingSid": sid("RE"),
            "RecordingStatus": one_of("in-progress", "completed", "absent"),
        },
        {
            "RecordingUrl": ADDRESS,
            "RecordingDuration": COUNT,
            "RecordingChannels": one_of("1", "2"),
            "RecordingStartTime": RFC_2822,
            "RecordingSource": one_of("RecordVerb"),
            "RecordingTrack": one_of("inbound", "outbound", "both"),
        },
    ),
    "/voice/left": _VOICE
    | _webhook({"QueueResult": one_of(*_QUEUE_RESULTS), "QueueTime": COUNT}, {"QueueSid": sid("QU")}),
    "/voice/wait": _VOICE | _webhook(_WAITING, {}),
    "/voice/wait-key": _VOICE | _webhook(_WAITING, _KEYS),
    **{f"/voice/{step}": _VOICE | _webhook({}, _KEYS) for step in ("menu", "closed", "pressed", "callback-pressed")},
    **{
        f"/voice/{step}": _VOICE
        | _webhook(_DIALLED, {"DialCallSid": sid("CA"), "DialCallDuration": COUNT, "DialBridged": WORD_OF_TRUTH})
        for step in ("dialled", "callback-done")
    },
    "/voice/recorded": _VOICE
    | _webhook({"RecordingUrl": ADDRESS, "RecordingDuration": COUNT}, {"Digits": TEXT, "RecordingSid": sid("RE")}),
    **{
        f"/voice{step}": _VOICE
        for step in ("", "/voicemail", "/connect", "/whisper", "/answered", "/callback", "/customer")
    },
}
"""By their path below `/webhooks`; the status of a text comes to the same one as that of a call."""


def webhook(path: str, parameters: Mapping[str, str]) -> Object:
    step = path.partition("?")[0].removeprefix("/webhooks")
    return WEBHOOKS["/status of a text" if step == "/status" and "MessageStatus" in parameters else step]

"""What X's public OpenAPI document says of the operations that we use, in our own words.

Source: xdevplatform/docs, openapi.json, "Twitter API v2" (commit 64486539695f, of 2025): the names
that tweepy 4.17.0 speaks. X's newer document (2.167 and 2.168: xdevplatform/xdk specs/openapi.json
at 489c3f027a21, xdevplatform/docs openapi.json at 00b419b5df6a, of 2026) has the same paths, limits
and problems, and other names for some fields: `RENAMED`. tweepy has no release that speaks them.

The document requires nothing of a post; X always sends id and text. It has no `entities` in a
direct message, which can be asked for and is sent. Rate limits are on X's page "Rate limits". `POST
/oauth2/token` has a page of its own and no part in the document.
"""

from __future__ import annotations

from tests.providers.facts import (
    ADDRESS,
    ANYTHING,
    ISO_8601,
    TEXT,
    TRUTH,
    WORD_OF_TRUTH,
    Many,
    Map,
    Object,
    Operation,
    like,
    number,
    one_of,
    whole,
    words_of,
)

RENAMED = {
    "tweet.fields": "post.fields",
    "note_tweet": "note_post",
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets": "referenced_posts",
}
ID = like("[0-9]{1,19}", "an id")
_METRICS = ("non_public_metrics", "organic_metrics", "promoted_metrics", "public_metrics")
POST_FIELDS = (
    *(
        "article",
        "attachments",
        "author_id",
        "card_uri",
        "community_id",
        "context_annotations",
        "conversation_id",
        "created_at",
    ),
    *(
        "display_text_range",
        "edit_controls",
        "edit_history_tweet_ids",
        "entities",
        "geo",
        "id",
        "in_reply_to_user_id",
        "lang",
    ),
    *(
        "media_metadata",
        "note_tweet",
        "possibly_sensitive",
        "referenced_tweets",
        "reply_settings",
        "scopes",
        "source",
        "text",
    ),
    *("withheld", *_METRICS),
)
POST_EXPANSIONS = (
    *("article.cover_media", "article.media_entities", "attachments.media_keys", "attachments.media_source_tweet"),
    *("attachments.poll_ids", "author_id", "edit_history_tweet_ids", "entities.mentions.username", "geo.place_id"),
    *(
        "in_reply_to_user_id",
        "entities.note.mentions.username",
        "referenced_tweets.id",
        "referenced_tweets.id.author_id",
    ),
)
USER_FIELDS = (
    *(
        "affiliation",
        "connection_status",
        "created_at",
        "description",
        "entities",
        "id",
        "is_identity_verified",
        "location",
    ),
    *(
        "most_recent_tweet_id",
        "name",
        "parody",
        "pinned_tweet_id",
        "profile_banner_url",
        "profile_image_url",
        "protected",
    ),
    *("public_metrics", "receives_your_dm", "subscription", "subscription_type", "url", "username", "verified"),
    *("verified_followers_count", "verified_type", "withheld"),
)
MEDIA_FIELDS = (
    "alt_text",
    "duration_ms",
    "height",
    "media_key",
    *_METRICS,
    "preview_image_url",
    "type",
    "url",
    "variants",
    "width",
)
DM_FIELDS = (
    *(
        "attachments",
        "created_at",
        "dm_conversation_id",
        "entities",
        "event_type",
        "id",
        "participant_ids",
        "referenced_tweets",
    ),
    *("sender_id", "text"),
)
DM_EXPANSIONS = ("attachments.media_keys", "participant_ids", "referenced_tweets.id", "sender_id")
DM_TYPES = ("MessageCreate", "ParticipantsJoin", "ParticipantsLeave")

# --- what is answered
# ------------------------------------------------------------------------------------------------

_LINK = Object(
    {"start": whole(), "end": whole(), "url": ADDRESS, "expanded_url": ADDRESS, "display_url": TEXT, "title": TEXT},
    ("url",),
)
_ENTITIES = Object(
    {"urls": Many(_LINK), **{name: Many(ANYTHING) for name in ("annotations", "cashtags", "hashtags", "mentions")}}
)
_ATTACHED = Object({"media_keys": Many(like("[0-9]+_[0-9]+")), "media_source_tweet_id": Many(ID), "poll_ids": Many(ID)})
POST = Object(
    {
        **dict.fromkeys(POST_FIELDS, ANYTHING),
        "attachments": _ATTACHED,
        "author_id": ID,
        "community_id": ID,
        "conversation_id": ID,
        "created_at": ISO_8601,
        "edit_history_tweet_ids": Many(ID),
        "entities": _ENTITIES,
        "id": ID,
        "in_reply_to_user_id": ID,
        "lang": like("[a-z]{2,3}(-.+)?", "a language tag"),
        "note_tweet": Object({"text": TEXT, "entities": _ENTITIES}),
        "possibly_sensitive": TRUTH,
        "referenced_tweets": Many(Object({"type": one_of("retweeted", "quoted", "replied_to"), "id": ID}).whole()),
        "text": TEXT,
        "username": TEXT,
    },
    ("id", "text"),
)
_NUMBERS = ("followers_count", "following_count", "tweet_count", "listed_count")
USER = Object(
    {
        **dict.fromkeys(USER_FIELDS, ANYTHING),
        "created_at": ISO_8601,
        "id": ID,
        "name": TEXT,
        "public_metrics": Object(dict.fromkeys((*_NUMBERS, "like_count"), whole()), _NUMBERS),
        "username": like("[A-Za-z0-9_]{1,15}", "a handle"),
    },
    ("id", "name", "username"),
)
MEDIA = Object(
    {
        **dict.fromkeys(MEDIA_FIELDS, ANYTHING),
        "media_key": like("[0-9]+_[0-9]+"),
        "preview_image_url": ADDRESS,
        "type": one_of("animated_gif", "photo", "video"),
        "url": ADDRESS,
    },
    ("type",),
)
DIRECT_MESSAGE = Object(
    {
        "attachments": Object({"card_ids": Many(TEXT), "media_keys": Many(like("[0-9]+_[0-9]+"))}),
        "created_at": ISO_8601,
        "dm_conversation_id": like("[0-9]{1,19}-[0-9]{1,19}|[0-9]{15,19}", "the id of a conversation"),
        "entities": _ENTITIES,
        "event_type": one_of(*DM_TYPES),
        "id": ID,
        "participant_ids": Many(ID),
        "referenced_tweets": Many(Object({"id": ID}).whole()),
        "sender_id": ID,
        "text": TEXT,
    },
    ("id", "event_type"),
)
PROBLEMS = tuple(
    f"https://api.x.com/2/problems/{kind}"
    for kind in (
        *(
            "client-disconnected",
            "client-forbidden",
            "conflict",
            "disallowed-resource",
            "duplicate-rules",
            "invalid-request",
        ),
        *(
            "invalid-rules",
            "noncompliant-rules",
            "not-authorized-for-field",
            "not-authorized-for-resource",
            "oauth1-permissions",
        ),
        *("operational-disconnect", "resource-not-found", "resource-unavailable", "rule-cap", "streaming-connection"),
        *("unsupported-authentication", "usage-capped"),
    )
)
_ISSUES = ("TooManyConnections", "ProvisioningSubscription", "RuleConfigurationIssue", "RulesInvalidIssue")
_DISCONNECTS = (
    *(
        "OperationalDisconnect",
        "UpstreamOperationalDisconnect",
        "ForceDisconnect",
        "UpstreamUncleanDisconnect",
        "SlowReader",
    ),
    *("InternalError", "ClientApplicationStateDegraded", "InvalidRules"),
)
PROBLEM = Object(
    {
        "type": one_of("about:blank", *PROBLEMS),
        "title": TEXT,
        "detail": TEXT,
        "status": whole(400, 599),
        "errors": Many(Object({"message": TEXT, "parameters": Map(Many(TEXT, 0))}, ("message",))),
        "reason": one_of("official-client-forbidden", "client-not-enrolled"),
        "registration_url": ADDRESS,
        "connection_issue": one_of(*_ISSUES),
        "disconnect_type": one_of(*_DISCONNECTS),
        "id": ID,
        "value": TEXT,
    },
    ("type", "title"),
)
"""Of an answer as a whole, and of single parts that could not be had."""
_ERRORS = {"errors": Many(PROBLEM)}
_INCLUDES = Object({"users": Many(USER), "media": Many(MEDIA), "tweets": Many(POST)})
_META = {"result_count": whole(), "next_token": TEXT, "previous_token": TEXT}
POSTS = Object(
    {"data": Many(POST), "includes": _INCLUDES, "meta": Object({**_META, "newest_id": ID, "oldest_id": ID}), **_ERRORS},
    ("meta",),
)
DIRECT_MESSAGES = Object(
    {"data": Many(DIRECT_MESSAGE), "includes": _INCLUDES, "meta": Object(_META), **_ERRORS}, ("meta",)
)
RULE = Object({"id": ID, "value": TEXT, "tag": TEXT}, ("value",))
_DONE = ("created", "not_created", "valid", "invalid"), ("deleted", "not_deleted")
_RULES = Object(
    {
        "sent": ISO_8601,
        "summary": Object(dict.fromkeys((*_DONE[0], *_DONE[1]), whole())),
        "result_count": whole(),
        "next_token": TEXT,
    },
    ("sent",),
)
STREAMED = Object(
    {
        "data": POST,
        "includes": _INCLUDES,
        "matching_rules": Many(Object({"id": ID, "tag": TEXT}, ("id",))),
        "errors": Many(PROBLEM),
    }
)

# --- what is asked
# ---------------------------------------------------------------------------------------------------

_USERS = {"user.fields": words_of(USER_FIELDS), "tweet.fields": words_of(POST_FIELDS)}
_WANTED = {
    **_USERS,
    "expansions": words_of(POST_EXPANSIONS),
    "media.fields": words_of(MEDIA_FIELDS),
    "poll.fields": words_of(("duration_minutes", "end_datetime", "id", "options", "voting_status")),
    "place.fields": words_of(
        ("contained_within", "country", "country_code", "full_name", "geo", "id", "name", "place_type")
    ),
}
_PERIOD = {"since_id": ID, "until_id": ID, "start_time": ISO_8601, "end_time": ISO_8601}
_TIMELINE = {"max_results": number(5, 100), "pagination_token": like(".+"), **_PERIOD, **_WANTED}
_DM_QUERY = Object(
    {
        **_USERS,
        "dm_event.fields": words_of(DM_FIELDS),
        "event_types": words_of(DM_TYPES),
        "expansions": words_of(DM_EXPANSIONS),
        "max_results": number(1, 100),
        "media.fields": words_of(MEDIA_FIELDS),
        "pagination_token": like(".{16,}"),
    }
)
_NEW_POST = Object(
    {
        "text": like("(?s).+"),
        "reply": Object({"in_reply_to_tweet_id": ID, "exclude_reply_user_ids": Many(ID, 0)}, ("in_reply_to_tweet_id",)),
        "reply_settings": one_of("following", "mentionedUsers", "subscribers"),
        **dict.fromkeys(
            ("card_uri", "community_id", "direct_message_deep_link", "geo", "media", "poll", "quote_tweet_id"), ANYTHING
        ),
        **dict.fromkeys(("for_super_followers_only", "nullcast"), TRUTH),
    }
)
_NEW_MESSAGE = Object({"text": like("(?s).+"), "attachments": Many(Object({"media_id": ID}).whole())}, ("text",))
_CHANGED_RULES = Object(
    {
        "add": Many(Object({"value": TEXT, "tag": TEXT}, ("value",))),
        "delete": Object({"ids": Many(ID), "values": Many(TEXT)}),
    }
)
"""Either of the two."""


def _data(**known: object) -> Object:
    return Object({"data": Object(known, tuple(known)), **_ERRORS})  # type: ignore[arg-type]


_WITH = "/2/dm_conversations/with/[0-9]{1,19}"
OPERATIONS = (
    Operation(
        *("findMyUser", "GET", "/2/users/me", Object({**_USERS, "expansions": TEXT})),
        answers=Object({"data": USER, "includes": _INCLUDES}),
    ),
    Operation("usersIdMentions", "GET", "/2/users/[0-9]{1,19}/mentions", Object(_TIMELINE), answers=POSTS),
    Operation(
        *("usersIdTweets", "GET", "/2/users/[0-9]{1,19}/tweets"),
        Object({**_TIMELINE, "exclude": words_of(("replies", "retweets"))}),
        answers=POSTS,
    ),
    Operation(
        *("tweetsRecentSearch", "GET", "/2/tweets/search/recent"),
        Object(
            {
                **_TIMELINE,
                "query": like(".{1,4096}"),
                "max_results": number(10, 100),
                "next_token": like(".+"),
                "sort_order": one_of("recency", "relevancy"),
            },
            ("query",),
        ),
        answers=POSTS,
    ),
    Operation("createTweet", "POST", "/2/tweets", body=_NEW_POST, status=201, answers=_data(id=ID, text=TEXT)),
    Operation("getDmEvents", "GET", "/2/dm_events", _DM_QUERY, answers=DIRECT_MESSAGES),
    Operation(
        "getDmConversationsWithParticipantIdDmEvents", "GET", f"{_WITH}/dm_events", _DM_QUERY, answers=DIRECT_MESSAGES
    ),
    Operation(
        *("dmConversationWithUserEventIdCreate", "POST", f"{_WITH}/messages"),
        body=_NEW_MESSAGE,
        status=201,
        answers=_data(dm_conversation_id=DIRECT_MESSAGE.known["dm_conversation_id"], dm_event_id=ID),
    ),
    Operation(
        *("searchStream", "GET", "/2/tweets/search/stream"),
        Object({**_WANTED, "backfill_minutes": number(0, 5), "start_time": ISO_8601, "end_time": ISO_8601}),
    ),
    Operation(
        *("getRules", "GET", "/2/tweets/search/stream/rules"),
        Object({"ids": like("[0-9,]+"), "max_results": number(1, 1000), "pagination_token": like(".{16}")}),
        answers=Object({"data": Many(RULE), "meta": _RULES}, ("meta",)),
    ),
    Operation(
        *("addOrDeleteRules", "POST", "/2/tweets/search/stream/rules"),
        Object({"dry_run": WORD_OF_TRUTH, "delete_all": WORD_OF_TRUTH}),
        _CHANGED_RULES,
        answers=Object({"data": Many(RULE), "meta": _RULES, **_ERRORS}, ("meta",)),
    ),
)
RATE_LIMIT_HEADERS = ("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset")
"""In every answer that counts; the last one is when the window of 15 minutes ends, in seconds since
1970."""

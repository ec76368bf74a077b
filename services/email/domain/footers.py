"""What mailing lists and groups write below everybody's mail: nobody's words."""

from __future__ import annotations

import re

_RULE = re.compile(r"\s*(?:[-_=#*]{10,}|-- ?|(?:[-_=][.,=_-]){4,}[-_=]?|_{1,3}[._,]{4,}_{1,3})\s*")
"""The line that stands above."""
_MOST = 14
"""Lines of a footer; what is longer has words of somebody's in it."""
_SURE = re.compile(
    r"/mailman/(?:listinfo|options)|/mailman3/|/sympa/|listserv\.|unsubscribe@googlegroups|list-unsubscribe"
    r"|subscribed to the google groups?|google groupes|in google groups|grupo de google|grupos do google|gruppo google"
    r"|google-groep|группу google|google グループ|google 그룹|google ?网上论坛|google 網上論壇"
    r"|groups\.io links|groups\.io group|yahoo! groups links|to unsubscribe from the \S+ list|to unsubscribe, e-mail:",
    re.IGNORECASE,
)
_LIKELY = re.compile(
    r"mailing[- ]?list|unsubscribe|désabonner|désinscri|liste de diffusion|abmelden|abbestellen|mailingliste"
    r"|darse de baja|cancelar (?:la|sua) (?:suscripción|inscrição)|lista de correo|disiscri|cancellar"
    r"|afmelden|avregistrera|framelde|wypisać|odhlásit|отписаться|配信停止|退会|수신 ?거부|구독 ?취소|退订|退訂",
    re.IGNORECASE,
)
"""Of use only where the headers say that it is a list's."""


def without_list_footer(text: str, *, of_a_list: bool) -> str:
    """Returns the text without what a list put below it, from the line that it put above. A person
    who speaks of a list keeps every word: without a list's headers, only the words of the common
    list programs count. `of_a_list`: the headers say that a list sent it on."""
    lines = text.rstrip().split("\n")
    for number in range(max(len(lines) - _MOST - 1, 0), len(lines)):
        if _RULE.fullmatch(lines[number][:200]):
            below = "\n".join(line[:500] for line in lines[number + 1 :])
            if _SURE.search(below) or (of_a_list and _LIKELY.search(below)):
                return "\n".join(lines[:number]).rstrip() or text
    return text

"""The words that the finder knows: what names mean, which fields and values tell nothing. Pure."""

from __future__ import annotations

from typing import Final

from ..model import headers


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IDISH: Final = _words(
    "id uuid guid ulid key ref reference no number num nr code slug handle pk identifier oid gid urn locator serial "
    "sub uid iid"
)

# Names that are ids by themselves, of the thing that has them.
NATURAL: Final = _words("isbn sku ean gtin slug handle username login iban email barcode vin upc")

# Names around a thing that are not the thing: the context is what stands outside of them.
WRAPPERS: Final = _words(
    "data item result content payload response embedded edge node record list value entry object attribute collection "
    "body row hit document doc model input variable param parameter field resource attributes properties self link "
    "href url created meta metadata"
)

FILLER: Final = _words(
    "the my new old current last first this that selected default parent original related active primary target "
    "create update add get make post put delete remove fetch find open start by for from of to with all one api rest "
    "v x"
)

VERBS: Final = _words("create update add get make put delete remove fetch find open start set new upsert insert save")

# What carries a session or proves an origin, whatever it is called.
TOKENS: Final = _words("token jwt bearer auth authorization session sid csrf xsrf nonce ticket credential secret state")

CURSORS: Final = _words("cursor after before continuation next marker bookmark scroll since pagetoken")

AMOUNTS: Final = _words("amount total price due cost balance subtotal sum fee")

# What is to be paid in the end.
DUE: Final = _words("total due balance sum")

# What one of many costs: not what is to be paid in the end.
EACH: Final = _words("price cost fee unit each single net gross tax")

LOCKS: Final = _words("version revision rev etag lock match cas generation metageneration")


PEOPLE: Final = _words(
    "user owner author assignee creator member account person employee reviewer sender recipient buyer approver "
    "manager customer profile"
)

# Parameters of the scenario by their nature: equal values are chance.
OWN: Final = _words(
    "page limit offset size qty quantity count per take skip top max min sort direction lang language locale currency "
    "status type kind role format mode level depth width height rating score year month day hour stars position index "
    "rank priority weight step zoom age retry attempt timeout ttl expires enabled active"
)

# How many, how much, when and where: a small number under such a name is no id, whatever response had an equal one.
QUANTITIES: Final = (
    OWN
    | AMOUNTS
    | LOCKS
    | _words(
        "length radius diameter area volume speed temperature humidity pressure distance duration interval delay "
        "period percent percentage ratio factor share probability precision accuracy threshold tolerance counter "
        "x y z latitude longitude lat lng lon bound minute second millisecond week quarter night floor storey shirt "
        "bed adult child infant pax people "
        "stock vat tax discount quota budget salary wage bonus tip credit debit point goal win loss lap round turn "
        "port dpi ppi fps bitrat bit byte kb mb gb pixel font margin padding opacity "
        "backoff concurrency thread core cpu memory ram replica capacity load snooze vote star view download "
        "severity importance difficulty digit decimal scale grade term expiry lifetime lease epoch partition best "
        "start end eta n"
    )
)

# Different with every response, whatever was asked.
VOLATILE: Final = frozenset((
    *headers.HOP_BY_HOP, *headers.CONTENT, *headers.TRACE, *headers.RUN_IDS, *headers.MOMENTS, *headers.QUOTAS,
    *headers.QUOTA_LIMITS, *headers.REPORTING, *headers.FORWARDING, *headers.GATEWAY_RESPONSE, *headers.SERVER,
    *headers.CORS_RESPONSE, "content-length", "set-cookie", "x-total-count",
))  # fmt: skip

# Hop-by-hop, negotiation, tracing, and what the gateway or a browser writes by itself.
OWN_FIELDS: Final = frozenset((
    *headers.HOP_BY_HOP, *headers.FRAMING, *headers.CONTENT, *headers.DIGESTS, *headers.TRACE, *headers.FORWARDING,
    *headers.GATEWAY_REQUEST, *headers.USER_AGENT, "accept", "cache-control", "cookie", "date", "if-range",
    "pragma", "prefer", "range", "x-requested-with",
))  # fmt: skip

JSON_WRAPPERS: Final = _words("data input variable param payload attribute value entry body")

ACTIONS: Final = _words(
    "search me login logout signin signup register batch graphql rpc status details detail history health version "
    "current next confirm cancel approve submit complete activate publish delete remove bulk create update archive "
    "close reopen restore import export list find query"
)

STOP: Final = _words(
    "true false null none nil undefined yes no ok on off asc desc en de fr es it nl pt ja zh ko ru en-us en-gb de-de "
    "fr-fr es-es us gb uk eur usd gbp chf jpy get post put patch delete head options open closed active inactive new "
    "pending paid shipped done draft published cancelled canceled created updated deleted success error failed "
    "failure completed complete processing queued running admin user guest member owner public private internal low "
    "medium high normal urgent small large xs s m l xl xxl red green blue black white card cash male female utf-8 "
    "bearer basic json xml html text string number object array name id title description default standard basic "
    "premium pro free test dev qa prod production staging all any other unknown password client_credentials "
    "authorization_code refresh_token code token application/json text/plain text/html 0.0 0.00 00"
)

SECRET: Final = _words("password passwd pwd secret pin cvv credential")

LOGINS: Final = _words("username login handle")

# Those who ask about themselves.
ME: Final = _words("me self whoami userinfo")

ALIASES: Final = {
    "repo": "repository", "org": "organization", "organisation": "organization", "msg": "message", "acct": "account",
    "cust": "customer", "prod": "product", "img": "image", "cat": "category", "txn": "transaction", "tx": "transaction",
    "attr": "attribute", "dept": "department", "addr": "address", "usr": "user", "inv": "invoice",
    "leaf": "leave",  # `leaves` names several of either
}  # fmt: skip

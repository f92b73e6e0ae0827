"""What kind of change a header of two runs shows: by its name where a standard or a platform says so. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from .value_kinds import A_COUNTER, A_TIME, ANEW, DATA, UNKNOWN, Judgement, judge, links

CACHES: Final = Judgement("noise", "what a cache did")
MACHINE: Final = Judgement("noise", "the machine that answered")
NUMBERED: Final = Judgement("noise", "a number of this one request")
QUOTA: Final = Judgement("noise", "a quota that every request uses up")
TOOK: Final = Judgement("time", "how long it took")
COOKIE: Final = Judgement("noise", "a cookie made anew", opaque=True)

# Numbers of one request, by any platform: x-amzn-RequestId, CF-Ray, X-GitHub-Request-Id, Fly-Request-Id, X-B3-TraceId.
REQUEST_ID: Final = re.compile(
    r".*(?:request|req|correlation|transaction|invocation|activity|operation|message|event|call|log|debug|error|tracking"
    r"|instance|opaque|span|trace)-?(?:id|uuid|guid|number|context|parent|state|info)s?"
    r"|.*-(?:trace|ray|cf-id|id-2)|x-(?:trace|span|vercel-id|nf-request-id|azure-ref|msedge-ref|fb-.*|wix-.*|goog-hash"
    r"|guploader-uploadid|cloud-trace-context|b3-.*|datadog-.*|newrelic-.*|discourse-.*|sid|rid|cid|uid)|b3|uber-trace-id"
    r"|trace(?:parent|state|response)|x-amz-(?:id-2|cf-id|request-id|version-id)|cf-ray|eagleid|nel|report-to"
    r"|reporting-endpoints|alt-svc|etag-hash|x-ms-(?:client-)?request-id|ms-cv|ms-operation-id|x-ms-.*-id|x-envoy-.*-id"
)
CACHE: Final = re.compile(
    r"age|x-cache.*|.*cache-(?:status|hits?|lookup|key|control-info)|.*-cache|x-varnish.*|x-timer|x-drupal-cache.*"
    r"|x-proxy-cache|x-fastly-.*|x-cdn.*|cdn-.*|x-edge.*|x-served-by|x-iinfo|cf-(?:apo|bgj|polished).*|warning"
)
TIMING: Final = re.compile(
    r"server-timing|.*(?:runtime|latency|response-time|process-time|processing-time|service-time|elapsed|duration|took"
    r"|processing-ms|request-time|queue-time|exec-time|time-ms|-ms)|x-generation-time|x-clacks.*|x-page-speed"
)
LIMITS: Final = re.compile(
    r"(?:x-)?(?:.*-)?rate-?limit(?:-.*)?|retry-after|.*quota.*|x-.*-remaining|x-shopify-shop-api-call-limit|keep-alive"
    r"|x-app-usage|x-ms-ratelimit-.*|x-sf.*-limit-info|sforce-limit-info"
)
LIMIT_ONLY: Final = re.compile(r".*limit(?:-(?:limit|policy|resource|requests|tokens|burst.*|replenish.*))?")
MACHINES: Final = re.compile(
    r".*(?:backend|served-by|server-id|server-name|hostname|pod|node|worker|instance|host-id|machine|replica|container|pop"
    r"|shard|upstream|dyno|region|zone|datacenter)(?:-(?:name|id|server|ip|addr|host))?|x-backend.*|x-server|x-host"
)
TOKENS: Final = re.compile(
    r".*(?:nonce|csrf|xsrf|-token|sync-token|ctag|signature|digest|checksum|crc32c?|md5|sha\d*|hash)"
)
COUNTS: Final = re.compile(r".*(?:total|count|total-count|total-results|totalcount|size)")
TAGS: Final = re.compile(
    r"(?:.*-)?etag|.*-?revision|.*-version-id|.*-generation|x-couch-update-newrev|x-kubernetes-pf-.*"
)


def judge_header(name: str, before: str, after: str) -> Judgement:
    """The kind of a change of a header whose name is in small letters."""
    special = SPECIAL.get(name)
    if special is not None:
        return special(before, after)
    return _by_family(name, before, after)


def is_of_one_run(name: str) -> bool:
    """Whether a header describes one request, one machine or one cache: that it is there or not says nothing."""
    families = REQUEST_ID, CACHE, TIMING, LIMITS, MACHINES
    return any(family.fullmatch(name) for family in families) or name in ("date", "expires", "server", "x-powered-by")


def _by_family(name: str, before: str, after: str) -> Judgement:
    if "price" in name or "cost" in name:
        return judge(name, before, after)
    if LIMITS.fullmatch(name):
        return DATA if LIMIT_ONLY.fullmatch(name) and not re.search(r"remaining|reset|[=;,/]", name + before) else QUOTA
    for family, told in ((REQUEST_ID, NUMBERED), (CACHE, CACHES), (TIMING, TOOK)):
        if family.fullmatch(name):
            return told
    if TAGS.fullmatch(name) or (TOKENS.fullmatch(name) and " " not in before + after):
        return ANEW
    if MACHINES.fullmatch(name) and " " not in before + after:
        return MACHINE
    if COUNTS.fullmatch(name) and before.isdigit() and after.isdigit():
        return A_COUNTER if int(after) >= int(before) else DATA
    told = judge(name, before, after)
    if told.kind == "unknown" and re.search(r"time|date|sync|seen|modified", name):
        return A_TIME
    return told


# -- headers with a grammar


def _policy(before: str, after: str) -> Judgement:
    """Content-Security-Policy: nonces are new on every page, and so is what a report address carries."""
    return ANEW if _without_nonces(before) == _without_nonces(after) else DATA


def _without_nonces(policy: str) -> str:
    policy = re.sub(r"'nonce-[^']*'", "'nonce-'", policy)
    return re.sub(r"(report-uri\s+[^\s;?]*)\?[^\s;]*", r"\1?", policy)


def _challenge(before: str, after: str) -> Judgement:
    """WWW-Authenticate: a nonce is for one request (RFC 7616 section 3.3)."""
    plain = [
        re.sub(r'\b(nonce|opaque|cnonce|stale|nextnonce|rspauth)=("[^"]*"|[^,\s]+)', r"\1=", one)
        for one in (before, after)
    ]
    return ANEW if plain[0] == plain[1] else DATA


def _link(before: str, after: str) -> Judgement:
    """Location, Content-Location, Refresh."""
    pages = [re.sub(r"^\s*\d+\s*;\s*url=", "", one, flags=re.IGNORECASE).strip("'\" ") for one in (before, after)]
    return links(*pages)


def _links(before: str, after: str) -> Judgement:
    """Link: the same relations, whose targets are judged one by one (RFC 8288)."""
    pairs = [re.findall(r"<([^<>]*)>([^,<]*)", one) for one in (before, after)]
    if [rest.strip() for _, rest in pairs[0]] != [rest.strip() for _, rest in pairs[1]]:
        return DATA
    found = [links(a, b) for (a, _), (b, _) in zip(*pairs, strict=True) if a != b]
    return next((one for one in found if one.kind == "data"), found[0] if found else ANEW)


def _cache_control(before: str, after: str) -> Judgement:
    """The same rules, with seconds that count down; other rules or much longer ones are other rules."""
    rules = [sorted(part.strip().lower() for part in one.split(",")) for one in (before, after)]
    names = [[rule.partition("=")[0] for rule in each] for each in rules]
    if names[0] != names[1]:
        return DATA
    apart = [(a.partition("=")[2], b.partition("=")[2]) for a, b in zip(*rules, strict=True) if a != b]
    near = all(a.isdigit() and b.isdigit() and abs(int(a) - int(b)) <= 120 for a, b in apart)
    return A_TIME if near else DATA


def _range(before: str, after: str) -> Judgement:
    """Content-Range: the same part of something that grew."""
    match, other = (re.fullmatch(r"(.*)/(\d+|\*)", one.strip()) for one in (before, after))
    if match and other and match[1] == other[1] and match[2].isdigit() and other[2].isdigit():
        return A_COUNTER if int(other[2]) >= int(match[2]) else DATA
    return DATA


def _software(before: str, after: str) -> Judgement:
    """Server, X-Powered-By: another version of the same software answers alike until it is shown that it does not."""
    names = [re.sub(r"[/ ]?v?\d[\w.+-]*", "", one).strip().lower() for one in (before, after)]
    return Judgement("noise", "another version of the same software") if names[0] == names[1] else UNKNOWN


def _always(told: Judgement) -> Callable[[str, str], Judgement]:
    return lambda before, after: told


def _names(before: str, after: str) -> Judgement:
    """Vary, Allow, Access-Control-Expose-Headers: names whose order means nothing. Kinto lists them anew every time."""
    one, other = ({name.strip().lower() for name in text.split(",")} for text in (before, after))
    return Judgement("noise", "the same names in another order") if one == other else DATA


def _data(before: str, after: str) -> Judgement:
    return DATA


SPECIAL: Final[Mapping[str, Callable[[str, str], Judgement]]] = {
    "etag": _always(ANEW),
    "last-modified": _always(A_TIME), "date": _always(A_TIME), "expires": _always(A_TIME), "age": _always(CACHES),
    "set-cookie": _always(COOKIE), "replay-nonce": _always(ANEW),
    "content-security-policy": _policy, "content-security-policy-report-only": _policy,
    "www-authenticate": _challenge, "proxy-authenticate": _challenge, "authentication-info": _challenge,
    "location": _link, "content-location": _link, "refresh": _link, "link": _links,
    "cache-control": _cache_control, "content-range": _range, "server": _software, "x-powered-by": _software,
    "allow": _names, "vary": _names, "access-control-expose-headers": _names, "access-control-allow-headers": _names,
    "access-control-allow-methods": _names, "accept-patch": _names, "accept-post": _names,
    "content-type": _data, "content-language": _names, "accept-ranges": _data,
    "x-frame-options": _data, "access-control-allow-origin": _data, "content-disposition":
    lambda before, after: judge("disposition", before, after),
}  # fmt: skip

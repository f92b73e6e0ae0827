"""Tokens that tell by their shape what they are, wherever they stand: known prefixes of their makers. Pure.

Each row names the maker and the shape that its documentation, or its pattern for secret scanning, gives. Searched with
RE2: linear in the length of the text, whatever stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ..model.linear_patterns import Linear, compile_linear
from .values import KINDS

Seal = Callable[[bytes], bytes]

# (maker, expression); all of a token is its secret.
SHAPES: Final = (
    ("GitHub", r"gh[pousr]_[0-9A-Za-z_.\-]{36,}"),
    ("GitHub fine-grained", r"github_pat_[0-9A-Za-z_]{36,}"),
    ("GitLab", r"gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[0-9A-Za-z_.\-]{20,}"),
    ("GitLab runner", r"GR1348941[0-9A-Za-z_\-]{20,}"),
    ("Slack", r"xox[abceoprsd](?:\.xox[bp])?-[0-9A-Za-z%\-]{10,}"),
    ("Slack app", r"(?:xapp|xwfp)-[0-9A-Za-z\-]{10,}"),
    ("Stripe", r"(?:sk|rk)_(?:live|test|org_live|org_test)_[0-9A-Za-z]{10,}"),
    ("Stripe webhook", r"whsec_[0-9A-Za-z+/=]{20,}"),
    ("Stripe client secret", r"(?:pi|seti|cs|src)_[0-9A-Za-z]{8,}_secret_[0-9A-Za-z]{8,}"),
    ("AWS access key id", r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}"),
    ("AWS session token", r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[0-9A-Za-z+/=%]{40,}"),
    ("AWS Bedrock", r"(?:ABSK[0-9A-Za-z+/=]{40,}|bedrock-api-key-[0-9A-Za-z+/=\-]{20,})"),
    ("Google API key", r"AIza[0-9A-Za-z_\-]{35}"),
    ("Google access token", r"ya29\.[0-9A-Za-z_.\-]{20,}"),
    ("Google refresh token", r"1//0[0-9A-Za-z_\-]{20,}"),
    ("Google client secret", r"GOCSPX-[0-9A-Za-z_\-]{20,}"),
    ("Google authorization code", r"4/0A[0-9A-Za-z_\-]{20,}"),
    ("npm", r"npm_[0-9A-Za-z]{36}"),
    ("PyPI", r"pypi-[0-9A-Za-z_\-]{30,}"),
    ("SendGrid", r"SG\.[0-9A-Za-z_\-]{16,}\.[0-9A-Za-z_\-]{16,}"),
    ("Twilio API key", r"SK[0-9a-f]{32}"),
    ("Mailgun", r"key-[0-9a-f]{32}"),
    ("Mailchimp", r"[0-9a-f]{32}-us[0-9]{1,2}"),
    ("Brevo", r"x(?:keysib|smtpsib)-[0-9a-f]{64}-[0-9A-Za-z]{16}"),
    ("OpenAI and others", r"sk-[0-9A-Za-z_\-]{20,}"),
    ("Groq", r"gsk_[0-9A-Za-z]{40,}"),
    ("xAI", r"xai-[0-9A-Za-z]{40,}"),
    ("Perplexity", r"pplx-[0-9A-Za-z]{40,}"),
    ("Replicate", r"r8_[0-9A-Za-z]{37}"),
    ("Hugging Face", r"(?:hf|api_org)_[0-9A-Za-z]{34}"),
    ("DigitalOcean", r"do[opr]_v1_[0-9a-f]{64}"),
    ("Shopify", r"shp(?:at|ca|pa|ss|ua)_[0-9A-Fa-f]{32}"),
    ("Square", r"sq0(?:atp|csp|idp)-[0-9A-Za-z_\-]{20,}"),
    ("Square", r"EAAA[0-9A-Za-z_\-+=]{60}"),
    ("Facebook", r"EAA[0-9A-Za-z]{60,}"),
    ("PayPal", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    ("Telegram bot", r"[0-9]{8,10}:AA[0-9A-Za-z_\-]{33}"),
    ("Discord bot", r"[MNO][0-9A-Za-z_\-]{23,25}\.[0-9A-Za-z_\-]{6}\.[0-9A-Za-z_\-]{27,38}"),
    ("Discord webhook", r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[0-9A-Za-z_\-]{60,}"),
    ("Slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/[0-9A-Za-z/_\-]{20,}"),
    ("Microsoft Teams webhook", r"webhook\.office\.com/webhookb2/[0-9a-f@\-]{36,}/[0-9A-Za-z]+/[0-9A-Za-z/\-]{32,}"),
    ("Databricks", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    ("Dropbox", r"sl\.(?:u\.)?[0-9A-Za-z_\-]{100,}"),
    ("Doppler", r"dp\.(?:pt|st|sa|ct|scim|audit)\.[0-9A-Za-z_.\-]{40,}"),
    ("HashiCorp Vault", r"hv[sbr]\.[0-9A-Za-z_\-]{24,}"),
    ("Terraform Cloud", r"[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=\-]{60,}"),
    ("Atlassian", r"AT(?:ATT3|CTT3|BB|STT3|LSTT3)[0-9A-Za-z_=\-]{20,}"),
    ("Linear", r"lin_(?:api|oauth)_[0-9A-Za-z]{32,}"),
    ("Notion", r"(?:ntn_|secret_)[0-9A-Za-z]{43,}"),
    ("Figma", r"fig[dou]r?_[0-9A-Za-z_\-]{40,}"),
    ("Airtable", r"pat[0-9A-Za-z]{14}\.[0-9a-f]{64}"),
    ("Grafana", r"(?:glsa_[0-9A-Za-z]{32}_[0-9a-f]{8}|glc_[0-9A-Za-z+/=]{32,})"),
    ("New Relic", r"NR(?:AK|AA|JS|II|RA)-[0-9A-Za-z_\-]{20,}"),
    ("Sentry", r"sntry[su]_[0-9A-Za-z+/=_]{40,}"),
    ("Postman", r"PMA[KT]-[0-9A-Za-z]{24,}(?:-[0-9a-f]{34})?"),
    ("RubyGems", r"rubygems_[0-9a-f]{48}"),
    ("Cargo registry", r"cio[0-9A-Za-z]{32}"),
    ("NuGet", r"oy2[a-z0-9]{43}"),
    ("Docker", r"dckr_(?:pat|oat)_[0-9A-Za-z_\-]{20,}"),
    ("Heroku", r"HRKU-[0-9A-Za-z_\-]{30,}"),
    ("Fly.io", r"(?:fo1_[0-9A-Za-z_\-]{43}|fm[12][ar]?_[0-9A-Za-z+/=]{80,})"),
    ("Netlify", r"nf[copu]_[0-9A-Za-z]{36,}"),
    ("Supabase", r"sb(?:p_(?:oauth_)?[0-9a-f]{40}|_secret_[0-9A-Za-z_\-]{20,})"),
    ("PlanetScale", r"pscale_(?:tkn|pw|oauth|app_secret)_[0-9A-Za-z_.=\-]{32,}"),
    ("Pulumi", r"pul-[0-9a-f]{40}"),
    ("Prefect", r"pn[ub]_[0-9A-Za-z]{36}"),
    ("Dynatrace", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    ("Contentful", r"CFPAT-[0-9A-Za-z_\-]{43}"),
    ("JFrog", r"AKCp[0-9A-Za-z]{60,}"),
    ("Plaid", r"(?:access|link|public)-(?:sandbox|development|production)-[0-9a-f\-]{36}"),
    ("Tailscale", r"tskey-[a-z]+-[0-9A-Za-z]+-[0-9A-Za-z]{20,}"),
    ("1Password", r"ops_eyJ[0-9A-Za-z_=\-]{100,}"),
    ("age", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    ("Azure client secret", r"[0-9A-Za-z_~.\-]{3}[0-9]Q~[0-9A-Za-z_~.\-]{31,34}"),
    ("Azure DevOps", r"[0-9A-Za-z]{76}AZDO[0-9A-Za-z]{4}"),
    ("Mapbox", r"[st]k\.eyJ[0-9A-Za-z_\-]+\.[0-9A-Za-z_\-]{20,}"),
    ("EasyPost", r"EZ[AT]K[0-9A-Za-z]{54}"),
    ("Flutterwave", r"FLWSECK(?:_TEST)?-[0-9A-Za-z\-]{12,}"),
    ("Razorpay and others", r"(?:shippo|duffel|lob|paystack)_(?:live|test)_[0-9A-Za-z_]{20,}"),
    ("Sourcegraph", r"sgp_(?:[0-9A-Za-z]{16}_|local_)?[0-9a-f]{40}"),
    ("Typeform", r"tfp_[0-9A-Za-z_.\-]{40,}"),
    ("ReadMe", r"rdme_[0-9a-z]{70}"),
    ("SonarQube", r"sq[upa]_[0-9a-f]{40}"),
    ("Frame.io", r"fio-u-[0-9A-Za-z_\-=]{60,}"),
    ("42", r"s-s4t2(?:ud|af)-[0-9a-f]{64}"),
    ("LangSmith", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("Clojars", r"CLOJARS_[0-9a-z]{60}"),
    ("LaunchDarkly", r"(?:sdk|api|mob)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ("ElevenLabs", r"sk_[0-9a-f]{48}"),
    ("Resend", r"re_[0-9A-Za-z]{8}_[0-9A-Za-z]{24}"),
    ("Infisical", r"st\.[0-9a-f\-]{24,36}\.[0-9a-f]{32}\.[0-9a-f]{32}"),
    ("Asana", r"[12]/[0-9]{10,20}(?:/[0-9]{10,20})?:[0-9a-f]{32}"),
    ("Oracle pre-authenticated request", r"objectstorage\.[a-z0-9\-]{2,30}\.oraclecloud\.com/p/[0-9A-Za-z_\-]{40,}"),
    ("Yandex", r"AQVN[0-9A-Za-z_\-]{35,38}"),
    ("Twitch chat", r"oauth:[0-9a-z]{30}\b"),
    ("Okta", r"00[0-9A-Za-z_\-]{40}\b"),
    ("Render", r"rnd_[0-9A-Za-z]{24,}"),
    ("Vercel", r"vc[piark]_[0-9A-Za-z_\-]{40,}"),
    ("Cloudflare", r"(?:v1\.0-[0-9a-f]{24}-[0-9a-f]{146}|cf(?:k|ut|at)_[0-9A-Za-z]{40,})"),
    ("Lob, Mollie", r"(?:live|test|access)_[0-9A-Za-z]{30,36}\b"),
    ("GoCardless", r"(?:live|sandbox)_[0-9A-Za-z_\-]{40}\b"),
    ("ngrok", r"[12][0-9A-Za-z]{26}_[0-9][0-9A-Za-z]{20}\b"),
    ("Buildkite", r"bk[a-z]{2}_[0-9A-Za-z_\-]{36,}"),
    ("CircleCI", r"CCIP(?:AT|RJ)_[0-9A-Za-z]{22}_[0-9a-f]{40}"),
    ("Snyk", r"snyk_[a-z]at\.[0-9a-f]{8}\.[0-9A-Za-z_.\-]{40,}"),
    ("Confluent", r"cflt[0-9A-Za-z+/]{60}"),
    ("MongoDB Atlas", r"mdb_sa_sk_[0-9A-Za-z_\-]{30,}"),
    ("Neon", r"napi_[0-9a-z]{40,}"),
    ("Together AI", r"tgp_v1_[0-9A-Za-z_\-]{40,}"),
    ("Tavily", r"tvly-(?:dev-|prod-)?[0-9A-Za-z]{24,}"),
    ("Firecrawl, Builder.io", r"(?:fc|bpk)-[0-9a-f]{32}"),
    ("NVIDIA", r"nvapi-[0-9A-Za-z_\-]{60,}"),
    ("Cerebras", r"csk-[0-9a-z]{40,}"),
    ("Voyage AI", r"pa-[0-9A-Za-z_\-]{43}\b"),
    ("Pinecone", r"pcsk_[0-9A-Za-z]{5,8}_[0-9A-Za-z]{40,}"),
    ("MailerSend", r"mlsn\.[0-9a-f]{64}"),
    ("Klaviyo", r"pk_[0-9a-f]{34}"),
    ("Intercom", r"dG9rO[0-9A-Za-z+/=]{40,}"),
    ("HubSpot", r"pat-(?:na|eu|ap)[0-9]-[0-9a-f]{8}-[0-9a-f\-]{27}"),
    ("Salesforce session", r"00D[0-9A-Za-z]{12,15}!AQ[0-9A-Za-z_.]{80,}"),
    ("ClickUp", r"pk_[0-9]{5,12}_[0-9A-Z]{32}"),
    ("Trello", r"ATTA[0-9A-Fa-f]{64,72}"),
    ("Adyen", r"AQE[0-9a-z]hm[0-9A-Za-z+/=\-]{60,}"),
    ("Checkout.com", r"sk_sbx_[0-9a-z]{26}"),
    ("Segment", r"sgp_[0-9A-Za-z]{64}"),
    ("PostHog", r"ph[xs]_[0-9A-Za-z]{40,}"),
    ("Honeycomb", r"hc[a-z]ik_[0-9a-z]{58}"),
    ("Axiom", r"xa[ap]t-[0-9a-f]{8}-[0-9a-f\-]{27}"),
    ("Stytch", r"secret-(?:live|test)-[0-9A-Za-z_=\-]{36,}"),
    ("Retool", r"retool_01[0-9a-z]{24}"),
    ("Ubidots", r"BBFF-[0-9A-Za-z]{30}"),
    ("Adafruit IO", r"aio_[0-9A-Za-z]{28}\b"),
    ("Alibaba Cloud", r"LTAI[0-9A-Za-z]{12,24}\b"),
    ("Tencent Cloud", r"AKID[0-9A-Za-z]{32}\b"),
    ("Yandex Cloud", r"(?:y[0-3]_[0-9A-Za-z_\-]{55}|t1\.[0-9A-Za-z_\-]{2,}=*\.[0-9A-Za-z_\-]{86})"),
    ("VK", r"vk1\.a\.[0-9A-Za-z_\-]{80,}"),
    ("DeepL", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:fx\b"),
    ("Chromatic", r"chpt_[0-9a-f]{12,}"),
    ("GitBook", r"gb_api_[0-9A-Za-z_\-]{30,}"),
    ("Firebase server key", r"AAAA[0-9A-Za-z_\-]{7}:[0-9A-Za-z_\-]{140}"),
    ("Aiven", r"AVNS_[0-9A-Za-z_\-]{19}"),
    ("CockroachDB", r"CCDB1_[0-9A-Za-z]{22}_[0-9A-Za-z]{40}"),
    ("Xata", r"xau_[0-9A-Za-z_\-]{40,}"),
    ("Inngest", r"signkey-(?:prod|test|branch)-[0-9a-f]{32,}"),
    ("Trigger.dev", r"tr_(?:dev|prod|stg|pr|preview)_[0-9A-Za-z]{20,}"),
    ("Unkey", r"unkey_[0-9A-Za-z_]{20,}"),
    ("Liveblocks", r"sk_(?:prod|dev)_[0-9A-Za-z_\-]{40,}"),
    ("Ably", r"[0-9A-Za-z_\-]{6}\.[0-9A-Za-z_\-]{6}:[0-9A-Za-z_\-]{43}\b"),
    ("PubNub", r"sec-c-[0-9A-Za-z+/=\-]{36,}"),
    ("Zuplo", r"zpka_[0-9A-Za-z]{24,}_[0-9a-f]{8}"),
    ("Kong Konnect", r"[ks]pat_[0-9A-Za-z]{40,}"),
    ("Apify", r"apify_api_[0-9A-Za-z]{30,}"),
    ("Runpod", r"rpa_[0-9A-Z]{40,}"),
    ("Modal", r"as-[0-9A-Za-z]{22}\b"),
    ("Pydantic Logfire", r"pylf_v[0-9]_[a-z]{2}_[0-9A-Za-z_\-]{40,}"),
    ("JetBrains", r"perm[:\-][0-9A-Za-z+/=]{4,}\.[0-9A-Za-z+/=\-]{2,}\.[0-9A-Za-z]{20,}"),
    ("Harness", r"[ps]at\.[0-9A-Za-z_\-]{22}\.[0-9a-f]{24}\.[0-9A-Za-z]{20}"),
    ("Octopus Deploy", r"API-[0-9A-Z]{25,40}\b"),
    ("Rancher", r"(?:token|kubeconfig)-[0-9a-z\-]{5,24}:[0-9a-z]{54}"),
    ("OpenShift", r"sha256~[0-9A-Za-z_\-]{43}"),
    ("Sanity", r"sk[0-9A-Za-z]{80,}"),
    ("Samsara", r"samsara_api_[0-9A-Za-z]{30}"),
    ("Onfido", r"api_(?:live|sandbox)(?:_[a-z]{2})?\.[0-9A-Za-z_\-]{11}\.[0-9A-Za-z_\-]{32}"),
    ("Brex", r"bxt_[0-9A-Za-z]{36,}"),
    ("Nylas", r"nyk_v[0-9]_[0-9A-Za-z]{60,}"),
    ("Cal.com", r"cal_(?:live_|test_)?[0-9a-f]{32}"),
    ("Polar", r"polar_[a-z]{2,3}(?:_[uo])?_[0-9A-Za-z]{32,}"),
    ("Paddle", r"pdl_(?:live|sdbx|test)_apikey_[0-9a-z]{26}_[0-9A-Za-z]{22}_[0-9A-Za-z]{3}"),
    ("Artifactory", r"cmVmdGtu[0-9A-Za-z]{56}"),
)  # fmt: skip
# Azure's identifiable keys begin with any letters; what tells them is in their middle. That mark is searched first,
# then what is around it: as rows of the table above they took 300 ms for 1 MB of base64, all else 7 ms.
MARKED: Final = (
    ("Azure keys of 64 bytes", r"[0-9A-Za-z+/]{76}(?:APIM|ACDb|\+(?:ABa|AMC|ASt))[0-9A-Za-z+/]{5}[AQgw]=="),
    ("Azure keys of 32 bytes", r"[0-9A-Za-z+/]{33}(?:AIoT|\+ASb|\+AEh|\+ARm|AzCa)[A-P][0-9A-Za-z+/]{5}="),
    ("Azure Functions", r"[0-9A-Za-z_\-]{44}AzFu[0-9A-Za-z_\-]{5}[AQgw]=="),
    ("Azure Search, registries", r"[0-9A-Za-z+/]{42}(?:AzSe|\+ACR)[A-D][0-9A-Za-z+/]{5}"),
    ("Azure, annotated", r"[0-9A-Za-z]{52}JQQJ9[9DH][0-9A-Za-z][A-L][0-9A-Za-z]{16}[A-Za-z][0-9A-Za-z]{7,9}(?:==)?"),
)
MARKS: Final = r"APIM|ACDb|\+ABa|\+AMC|\+ASt|AIoT|\+ASb|\+AEh|\+ARm|AzCa|AzFu|AzSe|\+ACR|JQQJ9"
MARK: Final = compile_linear(MARKS, captures=False)
REACH, AFTER = 96, 44  # bytes: a key begins at most so far before its mark, and ends so far behind it
# RE2 knows no look behind: the byte before a token is matched with it. `%2F` and the like end in a letter.
BEFORE: Final = r"(?:^|[^0-9A-Za-z_\-]|%[0-9A-Fa-f]{2}|\\[nrt])"
EXPRESSION: Final = BEFORE + "(" + "|".join(shape for _, shape in SHAPES) + ")"
TOKEN: Final = compile_linear(EXPRESSION)
MARKED_TOKEN: Final = compile_linear(BEFORE + "(" + "|".join(shape for _, shape in MARKED) + ")")
# Prefixes that everyday names have, too: digits must follow, or digits and letters of both cases.
PLAIN_WORDS: Final = (b"sk-", b"SK", b"live_", b"test_", b"access_", b"oauth:", b"API-", b"unkey_", b"tvly-", b"bk")
PLAIN_STARTS: Final = (b"00", b"as-", b"pa-", b"sandbox_", b"LTAI", b"AKID")


def tokens(data: bytes) -> Iterator[tuple[int, int]]:
    """Where tokens of known shapes stand: (start, end), in order."""
    marked = [*_marked(data)]
    done = 0
    for start, end in sorted([*marked, *_found(TOKEN, data)]) if marked else _found(TOKEN, data):
        if start >= done:
            yield start, end
            done = end


def _found(expression: Linear, data: bytes, at: int = 0, until: int | None = None) -> Iterator[tuple[int, int]]:
    while (found := expression.search(data, at, len(data) if until is None else until)) is not None:
        start, end = found.span(1)
        at = end
        token = data[start:end].rstrip(b".-")
        if is_mixed(token):
            yield start, start + len(token)


def _marked(data: bytes) -> Iterator[tuple[int, int]]:
    at = done = 0
    while (mark := MARK.search(data, at)) is not None:
        place = mark.span()[0]
        for found in _found(MARKED_TOKEN, data, max(place - REACH, done), min(place + REACH, len(data))):
            yield found
            done = found[1]
        at = max(place + REACH - AFTER, done)


def seal_shapes(data: bytes, seal: Seal) -> bytes:
    """Each token of a known shape sealed as a whole."""
    out: list[bytes] = []
    done = 0
    for start, end in tokens(data):
        out += data[done:start], seal(data[start:end])
        done = end
    return b"".join([*out, data[done:]]) if out else data


def is_mixed(token: bytes) -> bool:
    """No name of words: a token has digits, or changes between small letters and capitals."""
    classes = set(token.translate(KINDS)) - {0}
    if token.startswith(PLAIN_STARTS):
        return len(classes) == 3
    return 3 in classes or (not token.startswith(PLAIN_WORDS) and len(classes) > 1)

"""What a hub with tokens answers to who sends none, or one that does not allow it; examples like the others."""

from hub.contract.examples import BEGIN, Example

TOKEN = "pxl_qk3J0c4X2mZt8vQ1wYb7"  # noqa: S105 - of the story, it opens nothing
"""A token that may read the stream of the story, and nothing else."""
BEARER = f"Bearer {TOKEN}"

_ASKED = "no token was given: send `Authorization: Bearer TOKEN`"
_UNKNOWN = {
    "code": "unauthenticated",
    "message": _ASKED,
    "remedy": "Send `Authorization: Bearer TOKEN` with a token that `pxl-hub token add` has made, or your issuer.",
}


def _forbidden(message: str) -> dict[str, str]:
    remedy = "Use a token that does: `pxl-hub token list` shows what each may do."
    return {"code": "forbidden", "message": message, "remedy": remedy}


REFUSALS = (
    Example(name="no_token", endpoint="streams", summary="No token was sent", status=401, answer=_UNKNOWN),
    Example(
        name="not_allowed",
        endpoint="query",
        summary="The token may not read this measurement",
        authorization=BEARER,
        body={"query": {"measurement": "rain", "select": {"fallen": ["sum"]}, "every": "1m"}},
        status=403,
        answer=_forbidden("the token may not read measurement 'rain'"),
    ),
    Example(
        name="not_an_operator",
        endpoint="metrics",
        summary="The token is no operator's",
        authorization=BEARER,
        status=403,
        answer=_forbidden("the token may not see the metrics: that takes the grant admin"),
    ),
    Example(
        name="no_token",
        endpoint="write",
        summary="No token was sent",
        parameters={"precision": "ms"},
        body=f"weather,site=roof temp=21.5 {BEGIN}\n",
        status=401,
        answer={"code": "unauthorized", "message": _ASKED},
    ),
    Example(
        name="not_allowed",
        endpoint="write",
        summary="The token may not write this measurement",
        parameters={"precision": "ms"},
        authorization=BEARER,
        body=f"weather,site=roof temp=21.5 {BEGIN}\n",
        status=422,
        answer={
            "code": "unprocessable entity",
            "message": "line 1: the token may not write 'weather'; it may write nothing dropped=1",
            "line": 1,
        },
    ),
)

MOST_CONNECTIONS = 2
"""`max_connections_per_token` of the hub that answers what follows, where the token has as many open."""

CROWDED = (
    Example(
        name="too_many",
        endpoint="events",
        summary="The token has as many connections as it may",
        parameters={"name": "weather"},
        authorization=BEARER,
        status=429,
        answer={
            "code": "too_many_connections_of_token",
            "message": f"the token has {MOST_CONNECTIONS} connections already",
            "remedy": "Close some, or give each device a token of its own.",
        },
    ),
)

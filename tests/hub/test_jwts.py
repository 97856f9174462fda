"""JSON Web Tokens: who a good one's holder is, and forty that are not good."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hub.auth import Unauthenticated
from hub.jwts import Key, KeysInvalid, Rules, parse_keys, principal_of

NOW = 1_700_000_000
RULES = Rules("ES256", "https://issuer.example", "pxl-hub")
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
SECRET = b"0123456789abcdef0123456789abcdef"


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk_of(key: ec.EllipticCurvePrivateKey, **more: str) -> dict[str, Any]:
    member: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return member | more


def jwks_of(*members: dict[str, Any]) -> bytes:
    return json.dumps({"keys": members}).encode()


KEYS = parse_keys(pem_of(KEY), "ES256")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library asks for the time itself."""
    import datetime as real

    class Then(real.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.datetime.fromtimestamp(NOW, tz)

    monkeypatch.setattr("jwt.api_jwt.datetime", Then)


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token, with changes; None leaves one out."""
    good = {"iss": RULES.issuer, "aud": RULES.audience, "exp": NOW + 60, "sub": "roof", "write": ["weather*"]}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(key: Any = KEY, algorithm: str = "ES256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers)


def refused(token: str, keys: list[Key] = KEYS) -> str:
    with pytest.raises(Unauthenticated) as caught:
        principal_of(token, keys, RULES, NOW * 1_000)
    return str(caught.value)


def test_a_good_token_says_who_its_holder_is() -> None:
    token = signed(tags={"tenant": "a"}, read="weather", backfill=True)
    principal = principal_of(token, KEYS, RULES, NOW * 1_000)
    assert (principal.name, principal.expires) == ("jwt:roof", (NOW + 60) * 1_000)
    assert (principal.grants.write, principal.grants.read) == (("weather*",), ("weather",))
    assert (principal.grants.tags, principal.grants.backfill, principal.grants.admin) == (
        (("tenant", "a"),),
        True,
        False,
    )


def raw(header: dict[str, Any], payload: object, signature: bytes = b"x" * 64) -> str:
    """A token as nobody would make it."""
    parts = (
        json.dumps(header).encode(),
        payload if isinstance(payload, bytes) else json.dumps(payload).encode(),
        signature,
    )
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def tampered(token: str, **changes: Any) -> str:
    header, _, signature = token.split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(**changes)).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


RSA = rsa.generate_private_key(65_537, 2_048)
FORGED = {
    "expired": signed(exp=NOW - 60),
    "expired a moment ago": signed(exp=NOW - 1),
    "expires now": signed(exp=NOW),
    "never expires": signed(exp=None),
    "expiry is a text": signed(exp="soon"),
    "expiry is infinite": raw({"alg": "ES256"}, b'{"exp":1e999}'),
    "not yet": signed(nbf=NOW + 60),
    "made in the future": signed(iat=NOW + 60),
    "another issuer": signed(iss="https://evil.example"),
    "no issuer": signed(iss=None),
    "issuer in other letters": signed(iss=RULES.issuer.upper()),
    "issuer with a slash": signed(iss=RULES.issuer + "/"),
    "issuer as a list": raw({"alg": "ES256"}, claims(iss=[RULES.issuer])),
    "another audience": signed(aud="another"),
    "no audience": signed(aud=None),
    "audiences without ours": signed(aud=["a", "b"]),
    "another key": signed(OTHER),
    "unsigned": jwt.encode(claims(), "", "none"),
    "unsigned in other letters": raw({"alg": "nOnE"}, claims(), b""),
    "unsigned as ES256": raw({"alg": "ES256"}, claims(), b""),
    "no algorithm": raw({}, claims()),
    "signature of zeros": raw({"alg": "ES256"}, claims(), bytes(64)),
    "signature too short": raw({"alg": "ES256"}, claims(), b"x"),
    "signature too long": raw({"alg": "ES256"}, claims(), b"x" * 10_000),
    "the public key as a secret": raw({"alg": "HS256"}, claims(), b"x" * 32),
    "another algorithm": signed(RSA, "RS256"),
    "HMAC": jwt.encode(claims(), SECRET, "HS256"),
    "changed rights": tampered(signed(), admin=True),
    "changed subject": tampered(signed(), sub="other"),
    "longer life": tampered(signed(), exp=NOW + 10**9),
    "payload is no JSON": raw({"alg": "ES256"}, b"{"),
    "payload is a list": raw({"alg": "ES256"}, []),
    "payload is deep": raw({"alg": "ES256"}, b"[" * 3_000),
    "header is a list": raw([], claims()),  # type: ignore[arg-type]
    "kid of nobody": signed(headers={"kid": "x"}, exp=NOW - 60),
    "kid is a number": raw({"alg": "ES256", "kid": 1}, claims()),
    "own key inside": signed(OTHER, headers={"jwk": jwk_of(OTHER)}),
    "address of a key inside": signed(OTHER, headers={"jku": "https://evil.example/jwks"}),
    "critical extension": raw({"alg": "ES256", "crit": ["x"], "x": 1}, claims()),
    "encrypted": raw({"alg": "dir", "enc": "A256GCM"}, claims()),
    "two parts": signed().rpartition(".")[0],
    "four parts": signed() + ".x",
    "empty parts": "..",
    "no base64": "ä.ö.ü",
    "too long": signed(sub="x" * 10_000),
    "grants that cannot be meant": signed(write=1),
    "a flag that is a text": signed(admin="true"),
    "tags that cannot be": signed(tags={"time": "a"}),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_or_stale_token_is_refused(name: str) -> None:
    reason = refused(FORGED[name])
    assert "\n" not in reason
    assert FORGED[name] not in reason


def test_there_are_forty_of_them() -> None:
    assert len(FORGED) >= 40


def test_the_issuers_clock_may_be_a_little_ahead() -> None:
    assert principal_of(signed(iat=NOW + 4, nbf=NOW + 4), KEYS, RULES, NOW * 1_000).name == "jwt:roof"


def test_a_jwks_has_several_keys_and_those_of_others() -> None:
    keys = parse_keys(
        jwks_of(
            jwk_of(KEY, kid="1"), jwk_of(OTHER, kid="2"), jwk_of(OTHER, kid="3", use="enc"), {"kty": "oct", "k": "AA"}
        ),
        "ES256",
    )
    assert [key.name for key in keys] == ["1", "2"]
    first = principal_of(signed(headers={"kid": "1"}), keys, RULES, NOW * 1_000)
    second = principal_of(signed(OTHER, headers={"kid": "2"}), keys, RULES, NOW * 1_000)
    assert first.credential != second.credential
    assert principal_of(signed(OTHER), keys, RULES, NOW * 1_000) == second
    assert "not known here" in refused(signed(headers={"kid": "2"}), keys)
    assert "not known here" in refused(signed(headers={"kid": "3"}), keys)


def test_a_file_may_have_several_pem_keys() -> None:
    keys = parse_keys(pem_of(KEY) + pem_of(OTHER), "ES256")
    for key in (KEY, OTHER):
        assert principal_of(signed(key), keys, RULES, NOW * 1_000).name == "jwt:roof"


def test_a_secret_is_the_whole_file() -> None:
    keys = parse_keys(SECRET + b"\n", "HS256")
    rules = Rules("HS256", RULES.issuer, RULES.audience)
    assert principal_of(jwt.encode(claims(), SECRET, "HS256"), keys, rules, NOW * 1_000).name == "jwt:roof"


@pytest.mark.parametrize(
    ("data", "algorithm", "sentence"),
    [
        (b"short", "HS256", "the secret has 5 bytes, and needs 32"),
        (pem_of(KEY), "HS256", "HS256 needs a secret, and this is a PEM file"),
        (SECRET, "ES256", "there is no PEM public key for ES256 in it"),
        (b"{", "ES256", "it is neither JSON nor PEM"),
        (b'{"keys": 1}', "ES256", "its keys are no list"),
        (b'{"keys": []}', "ES256", "it has no key for ES256"),
        (jwks_of({"kty": "oct", "k": "AAAA"}), "HS256", "a secret in it has 3 bytes"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "ES256", "a PEM block in it is no public key"),
    ],
)
def test_keys_that_cannot_be_used_are_named(data: bytes, algorithm: str, sentence: str) -> None:
    with pytest.raises(KeysInvalid) as caught:
        parse_keys(data, algorithm)
    assert str(caught.value).startswith(sentence)

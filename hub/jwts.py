"""JSON Web Tokens: one algorithm, issuer and audience, an expiry always, and keys that a file may rotate. Pure."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hub.auth import GrantsInvalid, Principal, Unauthenticated, parse_grants

HMAC = ("HS256", "HS384", "HS512")
ALGORITHMS = (*HMAC, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEAST_SECRET_BYTES = 32
LONGEST_TOKEN = 8_192
CLOCK_SECONDS = 5
"""By how much the issuer's clock may be ahead. It lengthens no token's life."""

_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError, UnsupportedAlgorithm)


class KeysInvalid(ValueError):
    """A file of keys that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signatures are checked with. `identity` names it without telling it; `name` is a JWK's `kid`."""

    identity: str
    material: Any
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What every token must have been made with and for."""

    algorithm: str
    issuer: str
    audience: str


def parse_keys(data: bytes, algorithm: str) -> list[Key]:
    """The keys in a file: PEM public keys, a JWKS or a JWK, or the secret of an HMAC algorithm. KeysInvalid."""
    stripped = data.strip()
    if stripped.startswith(b"{"):
        return _jwks(stripped, algorithm)
    if algorithm in HMAC:
        if _PEM.search(stripped):
            raise KeysInvalid(f"{algorithm} needs a secret, and this is a PEM file")
        return [_secret(stripped)]
    keys = [_pem(match.group()) for match in _PEM.finditer(stripped)]
    if not keys:
        raise KeysInvalid(f"there is no PEM public key for {algorithm} in it, and it is no JWKS")
    return keys


def principal_of(token: str, keys: Sequence[Key], rules: Rules, now: int) -> Principal:
    """Who the token says its holder is. Unauthenticated where it is not as the rules say, or signed by no key."""
    if len(token) > LONGEST_TOKEN:
        raise Unauthenticated("the token is longer than any")
    try:
        name = jwt.get_unverified_header(token).get("kid")
    except _UNREADABLE:
        raise Unauthenticated("the token is not known here") from None
    candidates = [key for key in keys if name is None or key.name is None or key.name == name]
    reason = "the token is signed with a key that is not known here"
    for key in candidates:
        try:
            claims = _claims(token, key, rules)
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired") from None
        except (jwt.InvalidIssuerError, jwt.InvalidAudienceError):
            raise Unauthenticated("the token is of another issuer, or for another audience") from None
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated(f"the token has no claim {error.claim}") from None
        except _UNREADABLE:
            reason = "the token is not as it must be here"
            continue
        return _principal(claims, key, now)
    raise Unauthenticated(reason)


def _claims(token: str, key: Key, rules: Rules) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        key.material,
        algorithms=[rules.algorithm],
        audience=rules.audience,
        issuer=rules.issuer,
        leeway=CLOCK_SECONDS,
        options={"require": ["exp", "iss", "aud"]},
    )
    return claims


def _principal(claims: dict[str, Any], key: Key, now: int) -> Principal:
    try:
        subject = claims.get("sub")
        principal = Principal(
            f"jwt:{subject if isinstance(subject, str) else 'nobody'}",
            parse_grants(claims),
            key.identity,
            int(claims["exp"] * 1_000),
        )
    except GrantsInvalid as error:
        raise Unauthenticated(f"the token's claim {error}") from None
    except _UNREADABLE:
        raise Unauthenticated("the token is not as it must be here") from None
    principal.check(now)
    return principal


def _secret(secret: bytes) -> Key:
    if len(secret) < LEAST_SECRET_BYTES:
        raise KeysInvalid(f"the secret has {len(secret)} bytes, and needs {LEAST_SECRET_BYTES} at least")
    return Key(_identity(secret), secret)


def _pem(block: bytes) -> Key:
    try:
        return Key(_identity(block), load_pem_public_key(block))
    except _UNREADABLE:
        raise KeysInvalid("a PEM block in it is no public key") from None


def _jwks(data: bytes, algorithm: str) -> list[Key]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise KeysInvalid("it is neither JSON nor PEM") from None
    members = document.get("keys", [document])
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise KeysInvalid("its keys are no list of JWKs")
    keys = [key for member in members if (key := _jwk(member, algorithm))]
    if not keys:
        raise KeysInvalid(f"it has no key for {algorithm}")
    return keys


def _jwk(member: dict[str, Any], algorithm: str) -> Key | None:
    """The key of one JWK; None where it is for something else."""
    if member.get("alg", algorithm) != algorithm or member.get("use", "sig") != "sig":
        return None
    try:
        material = jwt.PyJWK(member, algorithm).key
    except _UNREADABLE:
        return None
    if isinstance(material, bytes) and len(material) < LEAST_SECRET_BYTES:
        raise KeysInvalid(f"a secret in it has {len(material)} bytes, and needs {LEAST_SECRET_BYTES} at least")
    if hasattr(material, "public_key"):
        material = material.public_key()
    name = member.get("kid")
    return Key(
        _identity(json.dumps(member, sort_keys=True).encode()), material, name if isinstance(name, str) else None
    )


def _identity(secret: bytes) -> str:
    return f"key:{hashlib.sha256(secret).hexdigest()}"

"""
Twelve kinds of secrets, and the words of the programs that give them away.

Written from general knowledge by somebody who had not read kfi's redaction rules.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass

_SAFE = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Kind:
    """One kind of secret: how it is made, and what gives it away."""

    make: Callable[[random.Random], str]
    variable: str
    """Environment variable that holds such a thing."""
    lines: tuple[str, ...]
    """What programs write, with `{s}` for the secret."""


def _some(rng: random.Random, length: int, alphabet: str = _SAFE) -> str:
    return "".join(rng.choices(alphabet, k=length))


def _password(rng: random.Random) -> str:
    # With a digit and a mark in it, as policies want it; of no set shape.
    return _some(rng, 6) + rng.choice("!#%+*") + _some(rng, 5) + rng.choice(string.digits)


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _jwt(rng: random.Random) -> str:
    claims = {"iss": "kubernetes/serviceaccount", "sub": f"system:serviceaccount:orchard:{_some(rng, 12)}"}
    return f"{_encoded({'alg': 'RS256', 'kid': _some(rng, 20)})}.{_encoded(claims)}.{_some(rng, 86)}"


def _pem(rng: random.Random) -> str:
    name = rng.choice(("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    body = "\n".join(_some(rng, 64, _SAFE + "+/") for _ in range(6))
    return f"-----BEGIN {name}-----\n{body}\n-----END {name}-----"


def _of_a_code_host(rng: random.Random) -> str:
    return (
        rng.choice(("ghp_", "gho_", "ghs_", "npm_")) + _some(rng, 36)
        if rng.random() < 0.7
        else (f"glpat-{_some(rng, 20)}")
    )


def _of_a_vendor(rng: random.Random) -> str:
    return rng.choice(
        (
            f"xoxb-{_some(rng, 12, string.digits)}-{_some(rng, 12, string.digits)}-{_some(rng, 24)}",
            f"sk_live_{_some(rng, 24)}",
            f"SG.{_some(rng, 22)}.{_some(rng, 43)}",
            f"sk-proj-{_some(rng, 48)}",
            f"hvs.{_some(rng, 90)}",
            f"dop_v1_{_some(rng, 64, '0123456789abcdef')}",
        )
    )


def _basic(rng: random.Random) -> str:
    return base64.b64encode(f"orchard-ci:{_password(rng)}".encode()).decode()


KINDS: dict[str, Kind] = {
    "password": Kind(
        _password,
        "DB_PASSWORD",
        (
            "connect failed: user=orchard_app password={s} host=db.orchard.svc",
            'config loaded: {{"db": {{"username": "app", "password": "{s}", "pool": 5}}}}',
            "spring.datasource.password={s}",
            "settings={{'host': 'db', 'password': '{s}', 'port': 5432}}",
            "running PGPASSWORD={s} psql -h db -U app",
            'level=debug msg=dialing redis_password="{s}" attempt=3',
            '<property name="password">{s}</property>',
            "+ redis-cli -h cache --pass {s} ping",
            "ldap bind cn=svc,dc=orchard passwd={s} rejected",
            "dsn: host=db user=app password='{s}' sslmode=disable",
        ),
    ),
    "opaque token": Kind(
        lambda rng: _some(rng, 40),
        "PRICING_API_TOKEN",
        (
            "GET /v1/prices 401 Authorization: Bearer {s}",
            'request failed headers={{"authorization":"Bearer {s}"}}',
            "curl -H 'X-Api-Key: {s}' https://pricing.orchard.svc/v1",
            "> Authorization: Token {s}",
            "retrying with api_token={s} after 401",
            'wget --header="X-Auth-Token: {s}" http://stock.orchard.svc',
            "GET /v1/items?access_token={s}&page=2 HTTP/1.1 403",
            "Set-Cookie: sessionid={s}; Path=/; HttpOnly",
            'oauth2: {{"access_token":"{s}","expires_in":3600}} refused',
        ),
    ),
    "JSON web token": Kind(
        _jwt,
        "SERVICE_JWT",
        (
            "token {s} has expired",
            "Authorization: Bearer {s}",
            'invalid signature, jwt="{s}"',
            "could not verify {s}: unknown kid",
            "id_token={s}&state=xyz",
        ),
    ),
    "AWS secret key": Kind(
        lambda rng: _some(rng, 40, _SAFE + "/+"),
        "AWS_SECRET_ACCESS_KEY",
        (
            "aws_secret_access_key = {s}",
            "export AWS_SECRET_ACCESS_KEY={s}",
            'credentials: {{"AccessKeyId":"ASIAORCHARD000000001","SecretAccessKey":"{s}"}}',
            "InvalidSignature: secretKey={s} region=eu-west-1",
            "s3.secret-key: {s}",
        ),
    ),
    "Google API key": Kind(
        lambda rng: f"AIza{_some(rng, 35, _SAFE + '_-')}",
        "MAPS_API_KEY",
        (
            "GET https://maps.googleapis.com/maps/api/geocode/json?address=x&key={s} 403",
            "API key not valid: {s}",
            'maps client: {{"apiKey": "{s}"}}',
            "maps.key={s} rejected",
        ),
    ),
    "code host token": Kind(
        _of_a_code_host,
        "GIT_TOKEN",
        (
            "fatal: Authentication failed for 'https://x-access-token:{s}@github.com/orchard/cart.git/'",
            "git clone https://oauth2:{s}@git.orchard.example/cart.git",
            "using token {s}",
            "//registry.npmjs.org/:_authToken={s}",
            "PRIVATE-TOKEN: {s}",
        ),
    ),
    "vendor token": Kind(
        _of_a_vendor,
        "VENDOR_KEY",
        (
            "client made with key {s}",
            "Invalid API Key provided: {s}",
            "chat.postMessage failed token={s} error=invalid_auth",
            'mail: 401 Unauthorized ("{s}")',
        ),
    ),
    "private key": Kind(
        _pem,
        "TLS_KEY",
        ("could not parse key:\n{s}", "loaded signing key {s}", "tls.key: |\n{s}", "x509: bad pair\n{s}\ngiving up"),
    ),
    "address with password": Kind(
        _password,
        "",
        (
            "dial postgres://orchard:{s}@db.orchard.svc:5432/orders?sslmode=disable: timeout",
            "amqp://mailer:{s}@mq.orchard.svc:5672/ refused",
            "redis://:{s}@cache.orchard.svc:6379/0 is not reachable",
            "mongodb+srv://app:{s}@cluster0.orchard.example/shop?retryWrites=true no primary",
            "proxy http://ci:{s}@proxy.orchard.example:3128 answered 407",
            "SQLALCHEMY_DATABASE_URI='mysql+pymysql://app:{s}@db/orders'",
        ),
    ),
    "basic authorization": Kind(
        _basic,
        "REGISTRY_AUTH",
        (
            "> Authorization: Basic {s}",
            'config.json: {{"auths":{{"registry.orchard.example":{{"auth":"{s}"}}}}}}',
            "proxy-authorization: basic {s}",
            'headers: {{"Authorization": ["Basic {s}"]}}',
        ),
    ),
    "Secret data": Kind(
        _password,
        "",
        (
            'kubectl patch secret db -p \'{{"stringData":{{"password":"{s}"}}}}\' forbidden',
            "kubectl create secret generic db --from-literal=password={s}: already exists",
        ),
    ),
    "connection string": Kind(
        lambda rng: base64.b64encode(rng.randbytes(48)).decode(),
        "",
        (
            "DefaultEndpointsProtocol=https;AccountName=orchard;AccountKey={s};EndpointSuffix=core.windows.net",
            "Endpoint=sb://orchard.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey={s}",
            "Server=db;Database=orders;User Id=app;Password={s};Encrypt=true",
            "oauth client_id=orchard client_secret={s} scope=read",
            "jdbc:sqlserver://db:1433;user=app;password={s};encrypt=true",
        ),
    ),
}

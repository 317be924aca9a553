"""A provider of identities that says whatever a test tells it to, and one that a test cannot tell from a real one."""

from __future__ import annotations

import hmac
import json
import socket
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from serving import until

CLIENT, SECRET = "driftline", "s3cret-of-the-client"


@dataclass
class Told:
    """A provider: what its next token says, what it is signed with, and what it was asked."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    published: list[RSAKey] = field(default_factory=list)
    algorithm: str = "RS256"
    challenge: str = ""
    is_away: bool = False
    description: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def token(self, claims: Mapping[str, Any]) -> str:
        """A good token, but for what is told of it."""
        now = int(time.time())
        good = {"iss": self.url, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 300}
        told = {name: value for name, value in {**good, **claims}.items() if value is not None}
        if self.algorithm == "RS256":
            return jwt.encode({"alg": "RS256", "kid": self.key.kid}, told, self.key)
        parts = [json.dumps({"alg": self.algorithm, "kid": self.key.kid}), json.dumps(told)]
        signed = ".".join(_plain(each.encode()) for each in parts)
        public = self.key.as_pem(private=False)  # known to everybody, and here used as if it were a shared secret
        return f"{signed}.{'' if self.algorithm == 'none' else _plain(hmac.digest(public, signed.encode(), 'sha256'))}"

    def answer(self, path: str, form: str, authorization: str) -> tuple[int, Any]:
        """The answer to a request."""
        sent = {name: values[0] for name, values in parse_qs(form).items()}
        self.asked.append((path, sent, authorization))
        if self.is_away:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            ends = {f"{each}_endpoint": f"{self.url}/{each}" for each in ("authorization", "token")}
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **ends, **self.description}
        if path == "/keys":
            odd = [{"kty": "EC", "crv": "P-1", "kid": "odd"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "1"}, 7]
            return 200, {"keys": [*odd, *KeySet(list(self.published or [self.key])).as_dict(private=False)["keys"]]}
        made = _plain(sha256(sent.get("code_verifier", "").encode()).digest())
        if sent.get("code") != "good" or made != self.challenge:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.token(self.claims)}


def _plain(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


@contextmanager
def told() -> Iterator[Told]:
    """The provider that does as it is told."""
    provider = Told()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])).decode())

        def _answer(self, form: str) -> None:
            authorization = self.headers.get("authorization", "")
            status, document = provider.answer(urlsplit(self.path).path, form, authorization)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def real(*people: Mapping[str, Any]) -> Iterator[str]:
    """The address of oidc-provider-mock, a program of its own that speaks the protocol, with these people."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    users = [each for person in people for each in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *users]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _answers(url))
        yield url
        process.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/jwks", timeout=5).ok
    except requests.ConnectionError:
        return False

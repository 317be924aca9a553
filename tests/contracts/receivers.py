"""What is told, for tests: an HTTP endpoint and an SMTP server that keep what they get, refuse, fail or say nothing."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass(frozen=True)
class Request:
    """One POST; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Answer = Callable[[Request], tuple[int, str]]


@dataclass
class Receiver:
    """A running endpoint; `answer` gives status and body, `stalls` makes it say nothing for so many seconds."""

    url: str = ""
    answer: Answer = lambda request: (200, "{}")
    stalls: float = 0.0
    got: list[Request] = field(default_factory=list)


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        """Keep it and answer."""
        body = self.rfile.read(int(self.headers["content-length"]))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.receiver.got.append(request)
        time.sleep(self.receiver.stalls)
        status, said = self.receiver.answer(request)
        try:
            self.send_response(status)
            self.send_header("Content-Type", "text/xml" if said.startswith("<") else "application/json")
            if 300 <= status < 400:
                self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())
        except ConnectionError:  # the sender waited long enough
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def running_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """An HTTP endpoint for the length of a block; with `tls` by https at `localhost`."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Requests", (_Requests,), {"receiver": receiver}))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"https://localhost:{server.server_port}" if tls else f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def dripping() -> Iterator[int]:
    """The port of a server that sends one letter every tenth of a second, and never a whole line."""
    ended = threading.Event()

    def drip(taken: socket.socket) -> None:
        with taken, suppress(OSError):
            while not ended.wait(0.1):
                taken.sendall(b"2")

    def serve() -> None:
        with suppress(OSError):  # closed
            while True:
                threading.Thread(target=drip, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)


def echoing(status: int) -> Answer:
    """An answer that repeats all that it was sent, in the form that the sender's library reads."""

    def answer(request: Request) -> tuple[int, str]:
        said = f"{request.path} {request.headers} {request.body.decode()}"
        if b"Action=" in request.body:
            code = f"<Error><Type>Sender</Type><Code>Told</Code><Message><![CDATA[{said}]]></Message></Error>"
            return status, f"<ErrorResponse>{code}</ErrorResponse>"
        return status, json.dumps({"__type": "Told", "message": said})

    return answer


@dataclass
class Letters:
    """A running SMTP server: the letters, who signed in how, and the answer to a letter's recipients."""

    port: int = 0
    letters: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[tuple[bytes, bytes]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    answer: str = "250 taken"
    password: bytes = b""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """A recipient: refused if it is to be."""
        if address not in self.refusals:
            envelope.rcpt_tos.append(address)
        return self.refusals.get(address, "250 taken")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """A letter."""
        if self.answer.startswith("250"):
            self.letters.append(envelope.content)
            self.recipients.append(envelope.rcpt_tos)
            self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return self.answer

    def authenticator(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Whether the password is right."""
        assert isinstance(data, LoginPassword)
        self.signed_in.append((data.login, data.password))
        return AuthResult(success=data.password == self.password, handled=False)


@contextmanager
def running_smtp(tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> Iterator[Letters]:
    """An SMTP server for the length of a block; with `tls` it offers STARTTLS, or is encrypted at once."""
    letters = Letters()
    options: dict[str, Any] = {} if tls is None else {"authenticator": letters.authenticator}
    if at_once:
        options |= {"ssl_context": tls, "auth_require_tls": False}
    elif tls is not None:
        options["tls_context"] = tls
    controller = _Controller(letters, hostname="127.0.0.1", port=0, **options)
    controller.start()
    letters.port = controller.port
    try:
        yield letters
    finally:
        controller.stop(no_assert=True)


class _Controller(Controller):  # type: ignore[misc]
    def _trigger_server(self) -> None:
        """A connection to the port that was free, not to 0 as was asked for."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for `localhost`, and the file of the authority that vouches for it: itself."""
    key, found = folder / "key.pem", folder / "certificate.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(found)]
    named = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*asked, *named], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found, key)
    return context, found

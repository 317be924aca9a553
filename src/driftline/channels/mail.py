"""E-mail by SMTP: text and HTML, encrypted unless it is told otherwise."""

from __future__ import annotations

import hashlib
import html
import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from driftline.channels.channel import PUBLIC, ChannelRefused, ChannelUnavailable, Secrets
from driftline.channels.members import SECONDS, Given, Member
from driftline.channels.message import Message, cut, headline, plain
from driftline.channels.posting import Post, within
from driftline.errors import Invalid
from driftline.hosts import Address, Reach, Target

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Mail:
    """E-mail by SMTP, as text and HTML.

    What is told of one model and cause stands in one thread, and a message that is delivered twice has the same
    Message-ID, by which mail programs drop the second. Certificates are checked against the machine's authorities, or
    those of the file in `SSL_CERT_FILE`.
    """

    title: str = "e-mail"
    members: tuple[Member, ...] = (
        Member("host", "The SMTP server.", required=True),
        Member("port", "Its port; 587, or 465 for tls, or 25 for none.", "number", default=0),
        Member("security", "How it is encrypted.", default="starttls", choices=("starttls", "tls", "none")),
        Member("from", "Address of the sender.", required=True),
        Member("to", "Addresses of those who are told.", "texts", required=True),
        Member("username", "Name to sign in with."),
        Member("password", "Password to sign in with; never sent unencrypted.", "secret"),
        SECONDS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Send one letter to all; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        if given["password"] and given["security"] == "none":
            raise Invalid(what="security", got="none", expected="starttls or tls, since a password is given")
        letter = _letter(message, given)
        target = Target("smtp", given["host"], given.number("port") or _PORTS[given["security"]], "")
        addresses = Post(self.title, given, reach).addresses(target)
        try:
            connected = _connected(target, addresses, given)
            with connected as server, within(given.number("seconds"), lambda: connected.sock):
                if given["password"]:
                    server.login(given["username"] or given["from"], given["password"])
                left_out = server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise _told(next(iter(error.recipients.values())), given) from None
        except smtplib.SMTPResponseException as error:
            raise _told((error.smtp_code, error.smtp_error), given) from None
        except smtplib.SMTPNotSupportedError as error:
            raise ChannelRefused(channel=self.title, reason=given.hide(str(error))) from None
        except (smtplib.SMTPException, OSError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            raise ChannelUnavailable(channel=self.title, reason=given.hide(reason)) from None
        if left_out:  # the others have it: sending again would tell them twice
            raise ChannelRefused(channel=self.title, reason=f"not delivered to {', '.join(sorted(left_out))}")


class _Smtp(smtplib.SMTP):
    """Connects to the address that was checked, whatever the host's name says the next moment."""

    def __init__(self, host: str, address: Address, **options: Any) -> None:
        super().__init__(**options)
        self._host, self._address = host, str(address)  # the name is what the certificate is for

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        return socket.create_connection((self._address, port), timeout)


class _SmtpTls(_Smtp):
    """The same, encrypted from the start."""

    def __init__(self, host: str, address: Address, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(host, address, **options)
        self._context = context

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=self._host)


def _connected(target: Target, addresses: tuple[Address, ...], given: Given) -> smtplib.SMTP:
    """A server that greeted, encrypted as wanted; the first of the addresses that takes the connection."""
    context = ssl.create_default_context()
    seconds = given.number("seconds")
    failed: OSError = OSError("no address")
    for address in addresses:
        if given["security"] == "tls":
            server: _Smtp = _SmtpTls(target.host, address, context, timeout=seconds)
        else:
            server = _Smtp(target.host, address, timeout=seconds)
        try:
            with within(seconds, lambda each=server: each.sock):  # type: ignore[misc]
                code, said = server.connect(target.host, target.port)
        except OSError as error:
            failed = error
            continue
        if code != 220:
            server.close()
            raise smtplib.SMTPConnectError(code, said)
        if given["security"] == "starttls":
            _encrypt(server, context)
        return server
    raise failed


def _encrypt(server: smtplib.SMTP, context: ssl.SSLContext) -> None:
    try:
        server.starttls(context=context)
    except (OSError, smtplib.SMTPException):
        with suppress(OSError):
            server.close()
        raise


def _told(answer: tuple[int, bytes | str], given: Given) -> ChannelRefused | ChannelUnavailable:
    """By SMTP's first digit: 4 is for now, 5 for good."""
    code, said = answer
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    kind = ChannelRefused if 500 <= code < 600 else ChannelUnavailable
    return kind(channel=Mail().title, reason=given.hide(f"{code} {text}"))


def _letter(message: Message, given: Given) -> EmailMessage:
    letter = EmailMessage()
    domain = given["from"].rpartition("@")[2].strip("> ") or "driftline"
    thread = f"<{message.incident}@{domain}>"
    try:
        letter["From"], letter["To"] = given["from"], ", ".join(given.texts("to"))
    except (ValueError, IndexError) as error:
        raise Invalid(what="to", got=given.texts("to"), expected="addresses such as ops@acme.example") from error
    letter["Subject"] = cut(headline(message), 200)
    letter["Date"] = format_datetime(message.at)
    letter["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:32]}.{message.state}@{domain}>"
    letter["References"] = letter["In-Reply-To"] = thread
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(plain(message))
    letter.add_alternative(_page(message), subtype="html")
    return letter


def _page(message: Message) -> str:
    """The same as HTML, without anything to be loaded."""
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in message.lines)
    link = html.escape(message.link, quote=True)
    return (
        '<!doctype html><html lang="en"><body style="font-family:sans-serif">'
        f"<h2>{html.escape(headline(message))}</h2>"
        f"<p>{html.escape(message.text)}</p><ul>{lines}</ul>"
        f"<p>Model {html.escape(message.model)}, {message.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC</p>"
        + (f'<p><a href="{link}">Open in Driftline</a></p>' if link else "")
        + "</body></html>"
    )

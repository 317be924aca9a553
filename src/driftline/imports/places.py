"""Places from what people paste: URIs, addresses of a browser, ARNs, folders; bucket and prefix inferred."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from driftline.errors import Denied, Invalid
from driftline.formats.formats import implied
from driftline.hosts import Allowed, Names, Target
from driftline.imports.job import Place
from driftline.storage import queues, uris
from driftline.storage.file import path_of
from driftline.storage.storages import STORAGES

_ARN = re.compile(r"arn:aws[a-z-]*:s3:::([^/*]+)(?:/(.*))?")
_GLOB = re.compile(r"[*?\[]")
_VIRTUAL = re.compile(r"(?P<bucket>.+)\.s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_PATH = re.compile(r"s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_CONSOLE = re.compile(r"(?:[a-z0-9-]+\.)?(?:s3\.)?console\.(?:aws\.amazon\.com|amazonaws\.cn)")
_GOOGLE = ("storage.googleapis.com", "storage.cloud.google.com")
_GOOGLE_CONSOLE = "console.cloud.google.com"
_AZURE = re.compile(r"(?P<account>[a-z0-9]+)\.(?:blob|dfs)\.core\.windows\.net")


def place_of(pasted: str) -> Place:
    """The place that a pasted path means: a prefix or folder ends with a slash, an object's name does not.

    Understood are `s3://`, `gs://`, `az://` and `abfss://` URIs, the addresses of S3, Google Cloud Storage and Azure
    and of their consoles, ARNs, and paths of folders; a glob becomes `include`. Raises `Invalid` for anything else.

    >>> place_of("s3://example-demo-bucket/click-thru-rate/production/v1/").uri
    's3://example-demo-bucket/click-thru-rate/production/v1/'
    >>> place_of("https://logs.s3.eu-west-1.amazonaws.com/churn/2026").uri, place_of("arn:aws:s3:::logs/churn/*").uri
    ('s3://logs/churn/2026/', 's3://logs/churn/')
    >>> place_of("s3://logs/churn/*/*.csv")
    Place(uri='s3://logs/churn/', ..., include=('*/*.csv',), ...)
    """
    uri = _uri(pasted.strip())
    scheme = uris.scheme_of(uri)
    if scheme not in STORAGES:
        known = ", ".join(f"{name}://" for name in STORAGES if name)
        raise Invalid(what="path", got=pasted, expected=f"{known}, an address or ARN of a bucket, or a folder")
    if scheme and scheme != "file":
        uri = _bucket(uri, pasted)
    found = _GLOB.search(uri)
    if found is None:
        return Place(uri if uri.endswith("/") or _is_object(uri, scheme) else uri + "/")
    head = uri[: found.start()].rpartition("/")[0] + "/"
    include = uri.removeprefix(head).rstrip("/")
    return Place(head) if include in ("*", "**") else Place(head, include=(include,))


def refuse_folder(place: Place, allowed: Sequence[str], *, anywhere: bool) -> None:
    """Raise `Denied` for a folder of this machine that is below none of the allowed ones; object stores may be named.

    Without allowed folders every folder may be named where `anywhere` holds (on one's own machine), and none elsewhere.
    """
    scheme = uris.scheme_of(place.uri)
    if scheme not in ("", "file") or (anywhere and not allowed):
        return
    real = path_of(place.uri).resolve()
    if not any(real.is_relative_to(Path(each).resolve()) for each in allowed):
        remedy = "Folders that jobs may read are listed in DRIFTLINE_ALLOWED_FOLDERS."
        raise Denied(action="read", resource=str(real), remedy=remedy)


def refuse_queue(url: str, allowed: Sequence[str]) -> None:
    """Raise `Denied` for a queue on a host that this server may not call, `Invalid` for what is no URL of a queue.

    Queues of Amazon may always be heard; for others `allowed` are the hosts and networks of `DRIFTLINE_ALLOWED_HOSTS`.

    >>> refuse_queue("https://sqs.eu-west-1.amazonaws.com/123456789012/churn", ["models.example"])
    >>> refuse_queue("http://127.0.0.1:4566/1/churn", ["models.example"])
    Traceback (most recent call last):
        ...
    driftline.errors.Denied: access denied: hearing a queue on 127.0.0.1 (127.0.0.1). ...
    """
    queues.refuse(url)
    target = Target.of(url)
    if queues.arn_of(url) != url:
        return
    try:
        addresses = Names().addresses(target.host, target.port)
    except OSError:  # nobody can be called by that name; what is wrong is told when it is tried
        addresses = ()
    Allowed(allowed, "hearing a queue").check(target, addresses)


def _uri(pasted: str) -> str:
    arn = _ARN.fullmatch(pasted)
    if arn:
        return f"s3://{arn[1]}/{arn[2] or ''}"
    if pasted.lower().startswith(("https://", "http://")):
        return _of_address(pasted)
    if not pasted or "\0" in pasted:
        raise Invalid(what="path", got=pasted, expected="s3://bucket/prefix/, or a folder")
    return pasted


def _bucket(uri: str, pasted: str) -> str:
    place = uris.Place.of(uri)
    if not place.key and not uri.endswith("/"):
        return uri + "/"
    if _GLOB.search(place.bucket):
        raise Invalid(what="bucket", got=pasted, expected="one bucket", remedy="Make a job for each bucket.")
    return uri


def _is_object(uri: str, scheme: str) -> bool:
    """Whether the name is one of a file rather than of a folder: it has a suffix that belongs to a format."""
    return implied(uri) is not None and not (scheme in ("", "file") and Path(uri).is_dir())


def _of_address(pasted: str) -> str:
    """The URI that an address of a browser or an HTTP client means."""
    parts = urlsplit(pasted)
    host, path = (parts.hostname or "").lower(), unquote(parts.path.lstrip("/"))
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if _CONSOLE.fullmatch(host) and (bucket := re.fullmatch(r"s3/(?:buckets|object)/([^/]+)/?(.*)", path)):
        return f"s3://{bucket[1]}/{asked.get('prefix', bucket[2])}"
    if _PATH.fullmatch(host) and path:
        return f"s3://{path}"
    if virtual := _VIRTUAL.fullmatch(host):
        return f"s3://{virtual['bucket']}/{path}"
    if host in _GOOGLE and path:
        return f"gs://{path}"
    if host == _GOOGLE_CONSOLE and (bucket := re.fullmatch(r"storage/browser/([^;]+).*", path)):
        return f"gs://{bucket[1]}"
    if (azure := _AZURE.fullmatch(host)) and path:
        container, _, key = path.partition("/")
        return f"abfss://{container}@{azure['account']}.dfs.core.windows.net/{key}"
    remedy = "Of a store of your own write s3://bucket/prefix/, and name its address as endpoint_url in credentials."
    raise Invalid(what="address", got=pasted, expected="an address of S3, Google Cloud Storage or Azure", remedy=remedy)

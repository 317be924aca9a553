"""Bodies of several parts, as forms with files send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message

from driftline.errors import Invalid

PARTS = 100
"""So many parts a body may have."""
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Part:
    """A field of a form; `filename` is None for those that are no files, `type` what its content is said to be."""

    name: str
    filename: str | None
    type: str
    data: bytes = field(repr=False)


def parts_of(body: bytes, content_type: str) -> list[Part]:
    """The parts of a `multipart/form-data` body; raises `Invalid` for what is none.

    >>> body = b'--x\\r\\nContent-Disposition: form-data; name="a"; filename="b.csv"\\r\\n\\r\\n1,2\\r\\n--x--\\r\\n'
    >>> [(each.name, each.filename, each.data) for each in parts_of(body, "multipart/form-data; boundary=x")]
    [('a', 'b.csv', b'1,2')]
    """
    boundary = _boundary(content_type)
    mark, found = b"\r\n--" + boundary, list[Part]()
    at = len(boundary) + 2 if body.startswith(b"--" + boundary) else body.find(mark) + len(mark)
    if at < len(boundary) + 2:
        raise Invalid(what="body", got="no part", expected="parts that the boundary of content-type parts")
    while not body.startswith(b"--", at):
        end = body.find(mark, at)
        if end < 0 or len(found) == PARTS:
            got = "an end in the midst of a part" if end < 0 else f"more than {PARTS} parts"
            raise Invalid(what="body", got=got, expected="a whole multipart/form-data body", remedy="Send it again.")
        found.append(_part(body, at, end))
        at = end + len(mark)
    return found


def _boundary(content_type: str) -> bytes:
    said = Message()
    said["content-type"] = content_type
    boundary = said.get_boundary()
    if said.get_content_type() != "multipart/form-data" or not boundary:
        raise Invalid(what="content-type", got=content_type[:200], expected="multipart/form-data with a boundary")
    return boundary.encode("latin-1", "replace")


def _part(body: bytes, start: int, end: int) -> Part:
    stop = body.find(_END, start, end)
    if stop < 0:
        raise Invalid(what="body", got="a part without headers", expected="content-disposition with a name")
    said = Message()
    for line in body[start:stop].decode("utf-8", "replace").strip().split("\r\n"):
        header, _, value = line.partition(":")
        said[header.strip()] = value.strip()
    name = said.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise Invalid(what="body", got="a part without a name", expected="content-disposition with a name")
    return Part(name, said.get_filename(), said.get_content_type(), body[stop + len(_END) : end])

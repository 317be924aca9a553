"""What reading a place needs and lacks, step by step, with documents that its owner can copy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from driftline import registry
from driftline.catalog import spaces
from driftline.errors import DriftlineError
from driftline.imports import grants
from driftline.imports.grants import Grant
from driftline.imports.ownership import is_asked
from driftline.imports.places import place_of
from driftline.server.aws.wire import Call
from driftline.server.rest.credentials import CheckWanted, Step, check_access
from driftline.storage.uris import scheme_of

_S3 = ("s3", "s3a")


@dataclass(frozen=True)
class Needs:
    """The steps of reading a place, tried, and what its owner must allow: each document with what it is."""

    steps: Sequence[Step]
    documents: tuple[tuple[str, str], ...] = ()


def needs_of(call: Call, document: Mapping[str, Any]) -> Needs | None:
    """The needs of a draft's place; None where the place itself may not be tried, which its error tells."""
    try:
        with call.catalog.begin() as tx:
            model = registry.find_model(tx, str(document.get("model")))
            space = model.space if model else "default"
            key = spaces.ingestion_key(tx, space, now=call.now) if is_asked(call.settings) else None
        asked = {name: document.get(name) for name in ("uri", "credentials") if document.get(name)}
        steps = check_access(call, CheckWanted.model_validate({**asked, "space": space})).steps
        return Needs(steps, tuple(_documents(str(document["uri"]), key)))
    except (DriftlineError, ValidationError):
        return None


def _documents(uri: str, key: str | None) -> list[tuple[str, str]]:
    """What `driftline access` prints for the place; nothing but for S3, whose language they are in."""
    place = place_of(uri)
    if scheme_of(place.uri) not in _S3:
        return []
    grant = Grant((place,), key=key)
    told = [
        ("Policy of the role or user that reads", grants.role_policy(grant)),
        ("Tag of the bucket", grants.tagging(grant)),
    ]
    return [(name, json.dumps(each, indent=2)) for name, each in told if each]

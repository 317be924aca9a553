"""Where registered models are served: the URLs that calls and explanations go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import resources
from driftline.catalog.endpoints import find_config
from driftline.catalog.resources import Search

URL = "DRIFTLINE_MODEL_URL"
"""The container's variable that tells where its model is served."""

MOST = 10_000


def url_of(model: Mapping[str, Any], known: Mapping[str, str]) -> str | None:
    """Where a model is served: its container's variable, its image if that is a URL, or what the settings say.

    `known` are URLs by image or model name.

    >>> url_of({"ModelName": "m", "PrimaryContainer": {"Image": "https://models.example/churn"}}, {})
    'https://models.example/churn'
    """
    containers = [model.get("PrimaryContainer") or {}, *(model.get("Containers") or ())]
    for container in containers:
        image = container.get("Image", "")
        found = (container.get("Environment") or {}).get(URL) or known.get(image) or known.get(model["ModelName"])
        if found or image.startswith(("http://", "https://")):
            return found or image
    return None


def urls(tx: Connection, known: Mapping[str, str]) -> dict[str, str]:
    """The URL of every model that is served, by its name, and of the first model of every endpoint, by the endpoint's.

    An endpoint goes before a model of the same name.
    """
    found = {}
    for model in resources.search(tx, "model", Search(limit=MOST)).items:
        url = url_of({"ModelName": model.name, **model.body}, known)
        if url is not None:
            found[model.name] = url
    endpoints: dict[str, str] = {}
    for endpoint in resources.search(tx, "endpoint", Search(limit=MOST)).items:
        for variant in find_config(tx, endpoint).get("ProductionVariants") or ():
            if variant.get("ModelName") in found:
                endpoints.setdefault(endpoint.name, found[variant["ModelName"]])
    return {**found, **endpoints}

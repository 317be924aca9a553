"""What is old is forgotten: samples of metrics, histories of alarms, notices that were sent, the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from driftline.catalog import Catalog, alarms, audit, metrics, topics
from driftline.settings import Settings


def forget(catalog: Catalog, now: datetime, settings: Settings) -> int:
    """Forget what is older than the settings want it kept; says how many samples that were."""
    before = now - timedelta(days=settings.metric_days)
    with catalog.begin() as tx:
        audit.expire(tx, now - timedelta(days=settings.audit_days))
        alarms.expire(tx, before)
        topics.expire(tx, before)
        return metrics.expire(tx, before)

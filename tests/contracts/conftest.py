"""What the tests of alerts share."""

from alerted import board, catalog

__all__ = ["board", "catalog"]

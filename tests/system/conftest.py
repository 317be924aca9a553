"""What the tests of the console share."""

from consoled import browser, console, page, pictures

__all__ = ["browser", "console", "page", "pictures"]

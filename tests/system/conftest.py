"""What the tests of the console share."""

from consoled import browser, console, page, pictures
from ringing import alerted

__all__ = ["alerted", "browser", "console", "page", "pictures"]

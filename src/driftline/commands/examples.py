"""Examples as they stand below the help of a command."""

from __future__ import annotations

from textwrap import dedent


def epilogue(examples: str) -> str:
    """The lines of a block, each a paragraph, since the help would join them otherwise.

    >>> epilogue("    driftline demo")
    'Examples:\\n\\ndriftline demo'
    """
    lines = ["Examples:", *dedent(examples).strip().splitlines()]
    return "\n\n".join(line for line in lines if line)

"""The algebra: batches in, mergeable answers out; numpy and Arrow, no IO."""

from driftline.profile.codec import decode, encode
from driftline.profile.column import Column
from driftline.profile.profile import Profile

__all__ = ["Column", "Profile", "decode", "encode"]

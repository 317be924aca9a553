"""`python -m driftline` is the command."""

import sys

from driftline.cli import main

sys.exit(main())

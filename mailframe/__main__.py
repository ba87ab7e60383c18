"""``python -m mailframe``."""

import sys

from mailframe.cli import main

sys.exit(main())

"""``python -m mortmain``."""

from __future__ import annotations

import sys

from mortmain.cli import main

sys.exit(main())

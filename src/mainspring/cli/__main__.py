"""`python -m mainspring.cli`, the same as `mainspring`."""

from __future__ import annotations

import sys

from mainspring.cli import main

sys.exit(main())

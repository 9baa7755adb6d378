"""``python -m maquette``."""

import sys

from maquette.cli import main

sys.exit(main())

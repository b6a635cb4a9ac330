"""``python -m distributed`` is the command ``autograd-core``."""

import sys

from distributed.cli import main

sys.exit(main())

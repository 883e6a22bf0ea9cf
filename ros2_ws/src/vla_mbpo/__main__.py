"""`python -m vla_mbpo` is the `vla-mbpo` command."""

import sys

from vla_mbpo.cli.main import main

sys.exit(main())

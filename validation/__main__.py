"""Run by ``python -m validation`` from the checkout."""

import sys

from validation.command import main

if __name__ == "__main__":
    sys.exit(main())

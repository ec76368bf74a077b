"""`python -m services.router.training [train | measure]`."""

from __future__ import annotations

import sys

from services.router.training import make


def main(arguments: list[str]) -> int:
    """Runs a command; exit code 0, or 2 for an unknown command."""
    match arguments:
        case [] | ["train"]:
            return make.main()
        case ["measure"]:
            return make.report()
        case _:
            print("usage: python -m services.router.training [train | measure]", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m services.social.training [compose | train | train --folds]`."""

from __future__ import annotations

import sys

from services.social.training import compose, make


def main(arguments: list[str]) -> int:
    """Runs a command; exit code 0, or 2 for an unknown command."""
    match arguments:
        case ["compose"]:
            return compose.main()
        case [] | ["train"]:
            return make.main()
        case ["train", "--folds"]:
            return make.main(with_folds=True)
        case _:
            print("usage: python -m services.social.training [compose | train [--folds]]", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

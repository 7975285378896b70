"""Lets the command line run as ``python -m couponry``."""

from couponry.cli.app import main

if __name__ == "__main__":
    main()

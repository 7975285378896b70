"""The command line. Every heavy import waits until a command needs it, so that ``--help`` answers at once."""

from couponry.cli.app import main

__all__ = ["main"]

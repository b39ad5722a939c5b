"""`python -m trial COMMAND`: what `make run`, `make stop` and `make uninstall` call."""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from cluster_harness.errors import ClusterError

from trial import announcement, taking_down
from trial.speech import say

INTERRUPTED: Final = 130
COMMANDS: Final = {
    "announce": "say what `run` would install and change",
    "run": "the picture here, a cluster, the product, its picture, and that both are equal",
    "serve": "a cluster with the product, and where its server answers",
    "picture": "the example from the product that is up, and that it equals the one rendered here",
    "uninstall": "take the product from the cluster",
    "stop": "take everything down",
}


def carry_out(command: str) -> None:
    """Do what the command says."""
    match command:
        case "announce":
            say(announcement.announcement())
        case "stop":
            taking_down.stop()
        case _:
            from trial import first_look  # noqa: PLC0415 - the others work without the libraries that this needs

            first_look.COMMANDS[command]()


def main(words: Sequence[str]) -> int:
    """Run one command; 1 with one sentence on standard error when it can't be done."""
    parser = argparse.ArgumentParser(
        prog="trial",
        description="The whole product on one machine.",
        epilog="; ".join(f"{name}: {text}" for name, text in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(words).command
    try:
        carry_out(command)
    except ClusterError as error:
        sys.stderr.write(f"{command}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(
            f"\n{command}: interrupted. What was half done is undone, what was done stays: the same command goes on "
            "from there, and `make stop` takes it away\n"
        )
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Start of the command line: Ctrl-C ends it quietly from the first moment, also while it is loaded."""

import sys


def main() -> None:
    """Run the command that `sys.argv` names."""
    try:
        from cli.main import run  # noqa: PLC0415  (it takes a quarter of a second, in which people change their mind)

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

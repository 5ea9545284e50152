"""A small process between Corridor and its broker, so that the broker never outlives it.

    python guard.py PIDFILE PAUSE PROGRAM ARGUMENT …

It starts the program and waits. When its standard input ends, which happens when its parent leaves or is killed, it
asks the program to stop, after PAUSE seconds, and kills it if that takes too long. When the program ends by itself, so
does the guard, with its status. It imports little of the standard library and nothing else, since it stays in memory as
long as the broker does.
"""

import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE_S = 3.0
"""How long the program may take to stop, seconds."""


def main() -> int:
    """Run the program that the command line names."""
    pid_file, pause, *command = sys.argv[1:]
    # Ctrl-C is meant for the parent: it stops us in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as program:  # noqa: S603  (our own command line)
        signal.signal(signal.SIGTERM, lambda *_: program.terminate())
        with open(pid_file, "w", encoding="ascii") as file:  # noqa: PTH123  (pathlib costs memory here)
            file.write(str(program.pid))
        threading.Thread(target=_watch, args=(program, float(pause)), daemon=True).start()
        status = program.wait()
    return status if status >= 0 else 128 - status


def _watch(program: subprocess.Popen[bytes], pause_s: float) -> None:
    while os.read(0, 1024):
        pass
    time.sleep(pause_s)
    program.terminate()
    try:
        program.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main())

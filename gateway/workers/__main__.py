"""`python -m gateway.workers SOCKET`: has loaded all that a worker needs, and forks one for each message of the owner.

A worker of its own takes more than a second of CPU to load, a fork 20 ms. This process has one thread and no loop, so
that a fork is safe. It ends with its owner.
"""

import asyncio
import gc
import os
import signal
import socket
import sys

from .process import run


def main(number: int) -> None:
    """Fork until the owner is gone. Each message is one byte and the four files of a worker."""
    owner = socket.socket(fileno=number)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the owner gets them as well, and decides
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no dead worker waits for somebody to look at it
    gc.collect()
    gc.freeze()
    while True:
        data, files, _, _ = socket.recv_fds(owner, 1, 4)
        if not data:
            return
        if os.fork() == 0:
            owner.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(run(*files))
            os._exit(0)
        for file in files:
            os.close(file)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""`python -m launcher.supervised_child LOCK DIRECTORY COMMAND…` becomes COMMAND in that directory.

COMMAND dies with its parent, and holds LOCK while it lives.
"""

import fcntl
import os
import sys

from webapp.processes.end_with_parent import process_die_with_parent


def main() -> None:
    lock, directory, *command = sys.argv[1:]
    process_die_with_parent()
    if os.getsid(0) not in {os.getpid(), os.getppid()}:
        sys.exit("The supervisor, leader of this session, died before this program began.")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.set_inheritable(descriptor, True)  # COMMAND keeps it: see data_folder_lock.py
    os.chdir(directory)
    os.execvp(command[0], command)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()

"""`bge-sandbox run` on a terminal: keys and signals reach the command once, and nothing is left behind.

BGE_SANDBOX_BIN names the program to test. Run: pytest terminal.py
"""

import os
import pty
import re
import select
import signal
import time

import pytest

LIMIT = 60
# Says who it is, counts what it gets, and goes on until it is told to end.
COMMAND = """
n=0
trap 'n=$((n+1)); echo "INT $n"' INT
trap 'echo "TERM after $n"; exit 7' TERM
echo "sandbox $PPID"
while :; do sleep 0.02; done
"""


class Terminal:
    """The command under a sandbox that has a terminal of its own."""

    def __init__(self, redirect_stdin):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            if redirect_stdin:
                os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            program = os.environ["BGE_SANDBOX_BIN"]
            os.execv(program, [program, "run", "--", "sh", "-c", COMMAND])
        self.said = ""

    def wait_for(self, pattern):
        end = time.monotonic() + LIMIT
        while not (found := re.search(pattern, self.said)):
            assert time.monotonic() < end, f"no {pattern} in {self.said!r}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.said += os.read(self.terminal, 4096).decode()
        return found

    def quiet(self):
        """What is said in the time in which a second signal would have come."""
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.05)[0]:
                self.said += os.read(self.terminal, 4096).decode()
        return self.said

    def status(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.parametrize("redirect_stdin", [False, True])
def test_a_key_reaches_the_command_once_and_so_does_a_signal(redirect_stdin):
    running = Terminal(redirect_stdin)
    assert int(running.wait_for(r"sandbox (\d+)").group(1)) == running.pid
    os.write(running.terminal, b"\x03")
    running.wait_for("INT 1")
    assert "INT 2" not in running.quiet()
    os.kill(running.pid, signal.SIGINT)
    running.wait_for("INT 2")
    assert "INT 3" not in running.quiet()
    os.kill(running.pid, signal.SIGTERM)
    running.wait_for("TERM after 2")
    assert running.status() == 7

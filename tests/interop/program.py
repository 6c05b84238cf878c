"""`bge` and the official Python command, as a user runs them: each in a home of its own."""
import json
import os
import pathlib
import stat
import subprocess
import sys

from conftest import BUILD


class Program:
    def __init__(self, sandbox, home, **environment):
        self.sandbox, self.home = sandbox, pathlib.Path(home)
        self.home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BGE_", "LC_"))}
        self.environment = dict(kept, HOME=str(self.home), LANG="C.UTF-8", **dict({"COLUMNS": "100000"}, **environment))

    def words(self, *arguments):
        return [str(BUILD / "bge"), *map(str, arguments)]

    def __call__(self, *arguments, text="", **environment):
        return subprocess.run(
            self.words(*arguments), cwd=self.home, env=dict(self.environment, **environment),
            input=text, capture_output=True, text=True, timeout=120,
        )

    def good(self, *arguments, **more):
        done = self(*arguments, **more)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def fails(self, status, part, *arguments, **more):
        done = self(*arguments, **more)
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        assert part in done.stderr, (arguments, done.stderr)
        return done.stderr

    def json(self, *arguments, **more):
        return json.loads(self.good(*arguments, **more))

    def folder(self):
        return self.home / ".bge"

    def stored(self, name="default"):
        return json.loads((self.folder() / f"{name}.json").read_text(encoding="utf-8"))

    def store(self, name="default", **sections):
        self.folder().mkdir(exist_ok=True)
        (self.folder() / f"{name}.json").write_text(json.dumps(sections), encoding="utf-8")


class Bge(Program):
    """Ours, with the sandbox's credentials in the environment unless they are taken out."""

    def __init__(self, sandbox, home, signed_in=True):
        token = {"BGE_ACCESS_TOKEN": sandbox.ready["access_token"]} if signed_in else {}
        super().__init__(sandbox, home, BGE_ENDPOINT=sandbox.ready["endpoint"], **token)


class Official(Program):
    """The official command, which knows nothing but its profile."""

    def __init__(self, sandbox, home, **environment):
        # it fills each line with blanks, and breaks those that are longer
        super().__init__(sandbox, home, COLUMNS="10000", **environment)

    def words(self, *arguments):
        return [sys.executable, "-m", "bgesdk", *map(str, arguments)]

    def each(self, *commands):
        """What each of these commands prints; one process for all of them, since it is long in starting."""
        script = """
import functools
import sys
import bgesdk.__main__ as command
command.init_parser = functools.cache(command.init_parser)
for words in eval(sys.stdin.read()):
    sys.argv = ["bge", *words]
    try:
        command.main()
    except SystemExit as end:
        print(f"status {end.code}")
    print("\\0", flush=True)
"""
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=self.home, env=self.environment, input=repr(commands),
            capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == 0, done.stderr
        told = done.stdout.split("\0")[:-1]
        assert len(told) == len(commands), done.stdout
        return told


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)

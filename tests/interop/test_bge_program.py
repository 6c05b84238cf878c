"""bge as a program among others: help in two languages, completions, manual pages, colours."""
import os
import pty
import re
import subprocess

import pytest
from conftest import TOP
from program import Bge


@pytest.fixture
def bge(sandbox, tmp_path):
    return Bge(sandbox, tmp_path / "home")


def commands(bge, *words):
    """Every command below these words, but for the calls."""
    text = bge.good(*words, "--help")
    below = re.search(r"^Commands:\n((?:  \S.*\n|\n)+)", text, re.M)
    names = re.findall(r"^  ([a-z]+) ", below.group(1), re.M) if below else []
    yield words
    for name in names:
        if name != "help" and words not in (("call",), ("api",)):
            yield from commands(bge, *words, name)


def test_every_command_speaks_both_languages(bge):
    chinese = re.compile("[\u4e00-\u9fff]")
    every = list(commands(bge))
    assert len(every) > 25 and ("profile", "list") in every and ("model", "deploy") in every
    for words in every:
        english = bge.good(*words, "--help")
        assert not chinese.search(english), words
        for told in (bge.good("--lang", "zh", *words, "--help"), bge.good(*words, "-h", LANG="zh_CN.UTF-8")):
            assert told.count("\n") > 5 and "用法：" in told and "显示帮助" in told, words
            assert "Usage" not in told and "Print help" not in told and "[default" not in told, words
            for line in told.splitlines():
                about = re.match(r"\s+-.*?  +(\S.*)", line)
                assert not about or chinese.search(about.group(1)) or " " not in about.group(1), (words, line)
    assert "样品列表" in bge.good("--lang", "zh", "calls") and "样品列表" in bge.good("--lang=zh", "call", "get_samples", "-h")
    # the environment, as everywhere: the first that is set decides
    assert "用法" in bge.good("-h", LANG="en_US.UTF-8", LC_ALL="zh_CN.UTF-8")
    assert "Usage" in bge.good("-h", LANG="zh_CN.UTF-8", LC_ALL="C")
    assert "Usage" in bge.good("--lang", "en", "-h", LANG="zh_CN.UTF-8")
    bge.fails(65, "未知参数 --limits", "--lang", "zh", "call", "get_samples", "--limits", "3")
    bge.fails(65, "需要参数 --rsids", "--lang", "zh", "call", "get_variants", "--biosample-id", "x")
    bge.fails(65, "未知命令", "--lang", "zh", "calll")


def test_exit_statuses_are_said(bge):
    told = bge.good("--help")
    readme = (TOP / "tools/bge/README.md").read_text(encoding="utf-8")
    for status in ("0", "1", "3", "65", "75", "77"):
        assert re.search(rf"\b{status}\b", told) and f"\n| {status} | " in readme
    assert bge.good("--version").startswith("bge ")
    bge.fails(65, "Usage", "--nonsense")


def test_shells_complete_calls_and_their_flags(bge):
    script = bge.good("completions", "bash")
    (bge.home / "completions").write_text(script)

    def completed(*words):
        listed = " ".join(f"'{word}'" for word in words)
        done = subprocess.run(
            ["bash", "-c", f"source ./completions; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; "
             f"_bge bge '{words[-1]}' '{words[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
            cwd=bge.home, capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert completed("bge", "lo") == ["login", "logout"]
    assert completed("bge", "call", "get_var") == ["get_variants"]
    assert completed("bge", "call", "get_variants", "--rs") == ["--rsids"]
    assert completed("bge", "profile", "re") == ["remove"]
    for shell, part in (("zsh", "#compdef bge"), ("fish", "complete -c bge")):
        assert part in bge.good("completions", shell)
    bge.fails(65, "invalid value", "completions", "csh")


def test_manual_pages_are_those_that_are_installed(bge):
    bge.good("man", "--all", "pages")
    made = sorted(path.name for path in (bge.home / "pages").iterdir())
    listed = subprocess.run(
        [TOP / "scripts/install.sh", "list"], env=dict(os.environ, PREFIX="/p"), capture_output=True, text=True, check=True
    ).stdout.split()
    assert made == sorted(os.path.basename(path) for path in listed if path.endswith(".1") and "sandbox" not in path)
    assert made == sorted("-".join(("bge", *words)) + ".1" for words in commands(bge))
    page = bge.good("man", "profile", "list")
    assert page == (bge.home / "pages/bge-profile-list.1").read_text() and ".TH BGE-PROFILE-LIST 1" in page
    assert "BGE_ACCESS_TOKEN" in bge.good("man") and "get_samples" not in bge.good("man", "call").split(".SH OPTIONS")[0]
    bge.fails(65, "no page bge-nothing", "man", "nothing")


def test_colours_are_for_those_who_want_them(bge):
    def shown(**environment):
        reader, terminal = pty.openpty()
        process = subprocess.Popen(
            bge.words("doctor", "--no-round-trip"), cwd=bge.home, env=dict(bge.environment, **{"TERM": "xterm", **environment}),
            stdout=terminal, stderr=subprocess.PIPE,
        )
        os.close(terminal)
        text = b""
        while True:
            try:
                text += os.read(reader, 65536)
            except OSError:
                break
        assert process.wait() == 0, process.stderr.read()
        process.stderr.close()
        os.close(reader)
        return text

    assert b"\x1b[32mok" in shown()
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert b"\x1b" not in shown(**environment)

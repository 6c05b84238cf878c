"""Profiles as people and editors leave them: what Python's configparser reads, which the official client does, counts."""
import configparser
import random

from conftest import LONG
from program import Bge


def some(rng, pieces, most):
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(most + 1)))


def profile(rng, endpoint):
    """The text of an INI file with random spellings of everything."""
    blank = [" ", "\t", ""]
    comments = ["", "# a comment\n", "; another = one\n", "   # indented\n", "\n", "  \n"]
    letters = ["a", "B", "7", "'", '"', "%%", "=", ":", ";", "#", "[", "]", "样", "é", " "]

    def option(name, value):
        name = "".join(rng.choice([letter.lower(), letter.upper()]) for letter in name)
        return f"{name}{some(rng, blank, 2)}{rng.choice('=:')}{some(rng, blank, 2)}{value}{some(rng, blank, 2)}\n"

    def text():
        return "x" + some(rng, letters, 8) + "y"

    client, secret = text(), text()
    options = [option("client_id", client), option("client_secret", secret), option("endpoint", endpoint)]
    options += [option(f"other{n}", some(rng, letters, 9)) for n in range(rng.randrange(3))]
    rng.shuffle(options)
    default = ""
    if rng.random() < 0.4:
        # a value that the section takes over, or one that is put into another
        default = "[DEFAULT]\n" + option("part", text()) + option("other9", text())
        options = [rng.choice([one, one.rstrip("\n") + "%(PART)s\n"]) if "other" in one else one for one in options]
    if rng.random() < 0.3:
        options.append(option("long", "first") + "   second\n\n\tthird\n")
        rng.shuffle(options)
    body = "".join(some(rng, comments, 2) + one for one in options)
    parts = [f"[OAuth2]{rng.choice(['', ' ', ' rest'])}\n{body}{some(rng, comments, 2)}"]
    if rng.random() < 0.4:
        parts.append("[Other]\n" + option("client_id", "nobody"))
    if default:
        parts.append(default)
    if default and rng.random() < 0.3:
        parts.append("[DEFAULT]\n" + option("other8", text()))
    rng.shuffle(parts)
    return some(rng, comments, 1) + "".join(parts)


def test_older_profiles_are_read_as_the_official_client_reads_them(sandbox, tmp_path):
    bge = Bge(sandbox, tmp_path / "home", signed_in=False)
    bge.folder().mkdir()
    environment = {name: "" for name in ("BGE_ENDPOINT", "BGE_ACCESS_TOKEN")}
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    for turn in range(400 if LONG else 15):
        text = profile(rng, sandbox.ready["endpoint"])
        told = f"seed {seed}, turn {turn}: {text!r}"
        parser = configparser.ConfigParser()
        parser.read_string(text)
        wanted = parser["OAuth2"]["client_id"], parser["OAuth2"]["client_secret"]
        written = rng.choice(["", "\ufeff"]) + text.replace("\n", rng.choice(["\n", "\r\n"]))
        (bge.folder() / "default.ini").write_bytes(written.encode(rng.choice(["utf-8", "utf-16"]) if written[0] != "\ufeff" else "utf-8"))
        (bge.folder() / "default.ini").chmod(0o600)
        sandbox.control("DELETE", "log")
        # the sandbox knows no such application, and keeps what was sent
        done = bge("call", "get_samples", **environment)
        asked = [one for one in sandbox.control("GET", "log")["requests"] if one["path"] == "/oauth2/access_token"]
        assert asked, (told, done.stderr)
        assert (asked[0]["form"]["client_id"], asked[0]["form"]["client_secret"]) == wanted, told

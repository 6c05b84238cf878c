"""bge model: packaging as the official command does, deploying, publishing, rolling back, running."""
import hashlib
import io
import json
import os
import subprocess
import zipfile

import pytest
from program import Bge, Official

FILES = {
    "main.py": "def handler(event, context):\n    return event\n",
    "index.py": "import main\n",
    "lib/a.py": "A = 1\n",
    "lib/a.pyc": "compiled",
    "lib/deep/b.pyc": "compiled",
    "data/模型.bin": "权重" * 500,
    "data/keep.log": "kept",
    "data/other.log": "left out",
    "notes[1].txt": "left out",
    ".bgeignore": "# what is left out\n\n/.bge/*\nlib/*.pyc\n*.log\n!data/keep.log\nnotes[[]?].txt\n",
    ".bgeminify": "# nothing\n\n!lib/*\n",
}


@pytest.fixture
def bge(sandbox, tmp_path):
    return Bge(sandbox, tmp_path / "home")


@pytest.fixture
def folder(bge, tmp_path):
    """A model as the official command keeps it: numbers as texts."""
    folder = tmp_path / "model"
    settings = {"Model": {
        "model_id": bge.sandbox.ready["model_id"], "runtime": "python3.12", "cpu": "0.1", "memory_size": "256",
        "disk_size": "512", "timeout": "60", "mirror_models": "slow-model",
    }}
    for name, text in dict(FILES, **{"model.json": json.dumps(settings)}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "linked").symlink_to("data")
    return folder


def content(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        assert all(info.compress_type == zipfile.ZIP_DEFLATED for info in infos)
        assert all(info.date_time == (1980, 1, 1, 0, 0, 0) and info.external_attr >> 16 & 0o777 == 0o755 for info in infos)
        return [(info.filename, archive.read(info)) for info in infos]


def stored(sandbox, **query):
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return sandbox.control("GET", f"log?{words}")["requests"]


def test_a_folder_is_packed_as_the_official_command_packs_it(bge, folder, tmp_path):
    listed = bge.good("model", "package", folder, "-o", "own.zip").splitlines()
    own = (bge.home / "own.zip").read_bytes()
    assert [name for name, _ in content(own)] == listed == sorted(listed)
    assert "data/keep.log" in listed and "data/模型.bin" in listed
    assert not {"data/other.log", "lib/a.pyc", "lib/deep/b.pyc", "notes[1].txt", "linked"} & set(listed)

    official = Official(bge.sandbox, tmp_path / "official")
    (folder / ".bge").mkdir()
    target = tmp_path / "target"
    target.mkdir()
    done = subprocess.run(
        official.words("model", "package", "-t", target), cwd=folder, env=official.environment,
        capture_output=True, text=True, timeout=120,
    )
    theirs = list(target.iterdir())
    assert len(theirs) == 1, (done.stdout, done.stderr)
    assert content(theirs[0].read_bytes()) == content(own)

    # the same files give the same bytes, whatever their times and wherever they are
    moved = tmp_path / "moved"
    folder.rename(moved)
    for path in moved.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    bge.good("model", "package", moved, "-o", "again.zip")
    assert (bge.home / "again.zip").read_bytes() == own
    # without the file that says what is left out, it is what the official command begins with
    (moved / ".bgeignore").unlink()
    names = bge.good("model", "package", moved, "-o", "all.zip").splitlines()
    assert "data/other.log" in names and "lib/a.pyc" not in names and ".bge/README" not in names
    assert "is not heeded" in bge.fails(65, "nothing to pack", "model", "package", empty(tmp_path), "-o", "none.zip")
    assert not (bge.home / "none.zip").exists()


def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / ".bgeignore").write_text("*")
    (folder / ".bgeminify").write_text("main.py")
    return folder


def test_deploy_publish_and_roll_back(bge, folder):
    model = bge.sandbox.ready["model_id"]
    plan = bge.json("model", "deploy", folder, "--dry-run", "--memory-size", 512)
    assert plan["models"] == [model] and plan["settings"] == {
        "runtime": "python3.12", "cpu": 0.1, "memory_size": 512, "disk_size": 512, "timeout": 60,
    }
    assert stored(bge.sandbox, path="/model/deploy") == stored(bge.sandbox, side="store") == []
    bge.good("model", "package", folder, "-o", "own.zip")
    assert plan["package"]["sha256"] == hashlib.sha256((bge.home / "own.zip").read_bytes()).hexdigest()

    task = bge.json("model", "deploy", folder, "--memory-size", 512)
    assert task["progress"] == "SUCCESS"
    (deployed,) = stored(bge.sandbox, path="/model/deploy")
    form = deployed["form"]
    assert (form["model_id"], form["memory_size"], form["cpu"], form["timeout"]) == (model, "512", "0.1", "60")
    assert form["object_name"].endswith(f"/{model}-{plan['package']['sha256'][:16]}.zip")
    zipped = subprocess.run(bge.words("cat", form["object_name"]), env=bge.environment, capture_output=True, check=True)
    assert zipped.stdout == (bge.home / "own.zip").read_bytes()

    # from the model's folder, by its model.json
    inside = Bge(bge.sandbox, folder)
    before = inside.json("model", "versions", "--format", "json")["result"]
    published = inside.json("model", "publish", "-m", "better")
    after = inside.json("model", "versions", "--format", "json")["result"]
    assert after[0]["version"] == published["version"] and after[0]["message"] == "better" and after[0]["current"]
    table = inside.good("model", "ls", "--all", "--limit", 2).splitlines()
    assert len(table) > len(before) and "better" in table[1] and table[0].split()[:2] == ["VERSION", "MESSAGE"]
    assert inside.json("model", "rollback", "-v", before[0]["version"])["version"] == before[0]["version"]
    bge.fails(65, "model.json cannot be read", "model", "versions")
    bge.fails(65, "41202", "model", "versions", "--model-id", "nobody")

    # settings alone, and mirrors
    bge.sandbox.control("DELETE", "log")
    inside.good("model", "deploy", "--ignore-source", "--with-mirrors", "--model-timeout", 77)
    forms = [one["form"] for one in stored(bge.sandbox, path="/model/deploy")]
    assert [form["model_id"] for form in forms] == [model, "slow-model"]
    assert all("object_name" not in form and form["timeout"] == "77" for form in forms)
    assert stored(bge.sandbox, side="store") == []


def test_a_task_that_fails_is_a_failure(bge, folder):
    bge.sandbox.control("POST", "options", {"tasks_fail": True})
    bge.fails(65, "the task failed", "model", "deploy", folder)
    answer = bge.json("model", "deploy", folder, "--no-wait")
    bge.fails(65, "the task failed", "model", "wait", answer["task_id"])


def test_run(bge, folder):
    model = bge.sandbox.ready["model_id"]
    answer = bge.json("model", "run", "-m", model, "-a", "age", "007", "-a", "name", "a=b")
    assert answer["model_data"]["params"] == {"age": "007", "name": "a=b"} and answer["model_code"] == 0
    (bge.home / "params.json").write_text(json.dumps({"age": 8}))
    assert bge.json("model", "run", "-m", model, "-f", "params.json")["model_data"]["params"] == {"age": "8"}
    assert bge.json("model", "run", "-m", model, "-f", "-", "-d", text='{"x": "1"}')["model_data"]["params"] == {"x": "1"}
    assert stored(bge.sandbox, last=1)[0]["path"].endswith("/draft")
    # a slow model's answer is waited for
    done = bge.json("model", "run", "-m", "slow-model")
    assert done["progress"] == "SUCCESS"
    begun = bge.json("model", "run", "-m", "slow-model", "--no-wait")
    assert bge.json("model", "wait", begun["task_id"])["progress"] == "SUCCESS"
    bge.fails(65, "the task failed", "model", "run", "-m", "failing-model")
    assert bge.good("model", "run", "-m", model, "-o", "answer.json") == ""
    assert json.loads((bge.home / "answer.json").read_text())["model_code"] == 0
    bge.fails(65, "JSON object", "model", "run", "-m", model, "-f", "-", text="[]")

"""The crates that are compiled into what is handed out, as cargo resolves them for one target: for licences and SBOM."""
import json
import pathlib
import subprocess
import tomllib


def metadata(source, triple):
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={triple}"]
    return json.loads(subprocess.run(command, cwd=source, check=True, stdout=subprocess.PIPE).stdout)


class Crates:
    """packages: id → package; edges: id → ids that it links; inside: ids that end up in a binary, the own ones first."""

    def __init__(self, source, triple):
        told = metadata(source, triple)
        self.packages = {package["id"]: package for package in told["packages"]}
        self.own = list(told["workspace_members"])
        self.edges = {
            node["id"]: sorted(dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"]))
            for node in told["resolve"]["nodes"]
        }
        seen, waiting = set(self.own), list(self.own)
        while waiting:
            # what a procedural macro stands on runs in the compiler only
            for crate in self.edges[waiting.pop()]:
                if crate not in seen and not self.is_macro(crate):
                    seen.add(crate)
                    waiting.append(crate)
        self.inside = sorted(seen, key=lambda i: (i not in self.own, self.packages[i]["name"], self.packages[i]["version"]))
        lock = tomllib.loads((pathlib.Path(source) / "Cargo.lock").read_text())
        self.checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}

    def is_macro(self, crate):
        return any("proc-macro" in target["kind"] for target in self.packages[crate]["targets"])

    def foreign(self):
        return [self.packages[i] for i in self.inside if i not in self.own]

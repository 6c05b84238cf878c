#!/usr/bin/env python3
"""What `bge extract` costs for many small samples, with a slow one in front, and on one core and two.

    extract.py BGE SANDBOX READER     READER is tests/bench/table.c, compiled
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

BGE, SANDBOX, READER = (os.path.abspath(path) for path in sys.argv[1:4])
COHORTS = [int(number) for number in os.environ.get("BGE_BENCH_SAMPLES", "1000 10000 100000").split()]


class Platform:
    def __init__(self, samples, taxa, *options):
        # every second sample is a metagenome
        arguments = ["--samples", str(2 * samples + 2), "--taxa", str(taxa), *options]
        self.process = subprocess.Popen(
            [SANDBOX, "--stdin-lifetime", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.environment = dict(
            os.environ, BGE_ENDPOINT=self.ready["endpoint"], BGE_ACCESS_TOKEN=self.ready["access_token"]
        )
        self.control("options", {"gzip": False, "log": "off"})

    def control(self, name, body):
        address = f"{self.ready['endpoint']}/__sandbox__/{name}"
        urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode())).read()

    def metagenomes(self, count):
        ids, page = [], 1
        while len(ids) < count:
            request = urllib.request.Request(
                f"{self.ready['endpoint']}/samples?omics=2&limit=1000&page={page}",
                headers={"Authorization": f"Bearer {self.ready['access_token']}"},
            )
            ids += [sample["biosample_id"] for sample in json.load(urllib.request.urlopen(request))["data"]["result"]]
            page += 1
        return ids[:count]

    def run(self, command, folder):
        """Seconds, seconds of CPU, MiB at the peak."""
        started = time.monotonic()
        with open(os.devnull, "w") as nowhere:
            process = subprocess.Popen(command, cwd=folder, env=self.environment, stdout=nowhere)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        return time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def extract(platform, folder, ids, output, *more):
    (folder / "ids.txt").write_text("\n".join(ids) + "\n")
    command = [BGE, "extract", "get_taxon_abundance", "--samples", "ids.txt", "--concurrency", "16", "--quiet", *more]
    return platform.run([*command, "-o", output], folder)


def growth(folder):
    before = None
    for count in COHORTS:
        platform = Platform(count, 1)
        ids = platform.metagenomes(count)
        place = folder / str(count)
        place.mkdir()
        seconds, cpu, peak = extract(platform, place, ids, "set/", "--checkpoint-dir", "kept")
        again = extract(platform, place, ids, "again/", "--checkpoint-dir", "kept")
        platform.close()
        files = sum(path.is_file() for path in place.rglob("*"))
        print(
            f"{count} samples of one row: {seconds:.1f} s, {cpu:.1f} s of CPU, {peak:.0f} MiB (aim: below 128), {files} files; "
            f"again, from kept pages: {again[0]:.1f} s, {again[1]:.1f} s of CPU"
        )
        if before:
            ratio = count / before[0]
            print(f"  for {ratio:.0f} times the samples {seconds / before[1]:.1f} times the time, {cpu / before[2]:.1f} times the CPU")
        before = count, seconds, cpu
        shutil.rmtree(place)


def slow_one_in_front(folder, count=5000, seconds=8):
    """The sandbox keeps one sample back until the others could long have been there."""
    platform = Platform(count, 20)
    ids = platform.metagenomes(count)
    alone = extract(platform, folder, ids, "alone.parquet")
    slow = {"query": f"*{ids[0]}*", "kind": "delay_headers", "ms": seconds * 1000, "count": 1}
    platform.control("faults", slow)
    behind = extract(platform, folder, ids, "behind.parquet")
    platform.close()
    assert (folder / "alone.parquet").read_bytes() == (folder / "behind.parquet").read_bytes()
    print(
        f"{count} samples behind one that takes {seconds} s: {behind[0]:.1f} s, {behind[1]:.1f} s of CPU, {behind[2]:.0f} MiB; "
        f"without it {alone[0]:.1f} s, {alone[1]:.1f} s of CPU, {alone[2]:.0f} MiB"
    )


def cores(folder, count=40):
    """Pages that are kept on disk, decoded: no request is sent, and the rows are dropped."""
    if os.cpu_count() < 2 or not shutil.which("taskset"):
        return print("one core: what a second one is good for is not measured")
    platform = Platform(count, 5000)
    arguments = {
        "biosample_id": platform.metagenomes(count), "limit": 1000,
        "$": {"concurrency": 8, "checkpoint_dir": str(folder / "kept")},
    }
    (folder / "arguments.json").write_text(json.dumps(arguments))
    platform.run([READER, "arguments.json"], folder)
    times = {}
    for which in ("0", "0,1"):
        runs = [platform.run(["taskset", "-c", which, READER, "arguments.json"], folder)[0] for _ in range(5)]
        times[which] = min(runs)
    platform.close()
    ratio = times["0"] / times["0,1"]
    print(
        f"{count} samples of 5,000 rows decoded: {times['0']:.2f} s on one core, {times['0,1']:.2f} s on two: "
        f"{ratio:.2f} times as fast (aim: at least 1.6)"
    )


if __name__ == "__main__":
    for measure in (growth, slow_one_in_front, cores):
        with tempfile.TemporaryDirectory(prefix="bge-bench-") as place:
            measure(pathlib.Path(place))

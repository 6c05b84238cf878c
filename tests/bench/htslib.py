"""What reading a BAM file costs through the plugin and through hfile_libcurl, by turns, and a region of it.

    bge-sandbox run -- htslib.py PATH
"""
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

RUNS = int(os.environ.get("BGE_BENCH_RUNS", 5))
REGION = 100_000


def ask(path, body=None, method="POST"):
    request = urllib.request.Request(os.environ["BGE_ENDPOINT"] + path, body and body.encode(), method=method)
    request.add_header("Authorization", f"Bearer {os.environ['BGE_ACCESS_TOKEN']}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def presigned(name):
    return ask("/oss/sign_url", urllib.parse.urlencode({"object_name": name}))["data"]["url"]


def fetched(name):
    """Requests of the object's bytes since the log was emptied, and how many bytes they asked for."""
    log = ask("/__sandbox__/log", method="GET")["requests"]
    ranges = [r["headers"]["range"] for r in log if urllib.parse.unquote(r["path"]).endswith(name)]
    spans = [tuple(map(int, text.removeprefix("bytes=").split("-"))) for text in ranges]
    return len(spans), sum(last + 1 - first for first, last in spans)


def seconds(words, address):
    begun = time.monotonic()
    subprocess.run([address if word == "{}" else word for word in words], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def main():
    path = sys.argv[1]
    size = os.path.getsize(path)
    written = subprocess.run(["htsfile", "--copy", path, "bge:large.bam"], check=True, capture_output=True, text=True)
    name = written.stderr.split("bge:", 1)[1].strip()
    ways = {"bytes alone (htsfile --copy)": ["htsfile", "--copy", "{}", "/dev/null"], "samtools view -c": ["samtools", "view", "-c", "{}"]}
    for title, words in ways.items():
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(seconds(words, f"bge:{name}"))
            theirs.append(seconds(words, presigned(name)))
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        print(f"{title}, {size / 1e6:.0f} MB: bge {ours:.2f} s, hfile_libcurl {theirs:.2f} s, ratio {ours / theirs:.2f} (aim: at most 1.3)")
    ask("/__sandbox__/log", method="DELETE")
    seconds(["samtools", "view", "-c", "{}"], f"bge:{name}")
    requests, total = fetched(name)
    print(f"the whole file: {total / size:.3f} of it in {requests} requests (aim: at most 1.01)")
    subprocess.run(["samtools", "index", path], check=True)
    last = subprocess.run(["samtools", "view", "-H", path], check=True, capture_output=True, text=True).stdout
    middle = int(last.split("LN:")[1].split()[0]) // 2
    ask("/__sandbox__/log", method="DELETE")
    region = f"chr1:{middle}-{middle + REGION}"
    subprocess.run(["samtools", "view", "-c", "-X", f"bge:{name}", f"{path}.bai", region], check=True, stdout=subprocess.DEVNULL)
    requests, total = fetched(name)
    print(f"a region of 100 kb: {total:,} bytes in {requests} requests (aim: at most 500,000 in 6)")


main()

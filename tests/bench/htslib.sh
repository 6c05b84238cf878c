#!/usr/bin/env bash
# A large BAM file through htslib's plugin, beside htslib's own hfile_libcurl on a presigned address:
# tests/bench/htslib.sh LIB_DIR.  BGE_BENCH_READS (1800000, some 200 MB), BGE_BENCH_RUNS (5).
set -euo pipefail
lib=$(cd "${1:?the folder of libbge.so, hfile_bge.so and bge-sandbox}" && pwd)
cd "$(dirname "$0")/../.."
for program in samtools htsfile; do
  command -v "$program" >/dev/null || { echo "$program is missing: nothing is measured"; exit 0; }
done
reads=${BGE_BENCH_READS:-1800000}
mkdir -p build/bench
bam=build/bench/$reads.bam
[ -e "$bam" ] || { tests/bench/make_bam.py "$reads" "$bam.part" && mv "$bam.part" "$bam"; }
ln -sf libbge.so "$lib/libbge.so.0"
HTS_PATH=$lib: "$lib/bge-sandbox" run -- python3 tests/bench/htslib.py "$bam"

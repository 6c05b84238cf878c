#!/usr/bin/env python3
"""Writes a BAM file of made-up reads, sorted, one every 130 bases of chr1: some 115 bytes each.

    make_bam.py READS PATH
"""
import random
import subprocess
import sys

LENGTH = 100
EVERY = 130
BASES = bytes.maketrans(bytes(range(256)), b"ACGT" * 64)
QUALITIES = bytes.maketrans(bytes(range(256)), bytes(33 + number % 41 for number in range(256)))


def main():
    reads, path = int(sys.argv[1]), sys.argv[2]
    chance = random.Random(reads)
    writing = subprocess.Popen(["samtools", "view", "--no-PG", "-b", "-1", "-o", path, "-"], stdin=subprocess.PIPE)
    writing.stdin.write(b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:%d\n" % (reads * EVERY + LENGTH))
    for number in range(reads):
        bases, qualities = chance.randbytes(LENGTH).translate(BASES), chance.randbytes(LENGTH).translate(QUALITIES)
        place = number * EVERY + 1
        writing.stdin.write(b"r%d\t0\tchr1\t%d\t60\t100M\t*\t0\t0\t%b\t%b\n" % (number, place, bases, qualities))
    writing.stdin.close()
    sys.exit(writing.wait())


main()

#!/usr/bin/env python3
"""Puts the parts of a cohort's table together, in the order of the samples' file, without holding them in memory.

    merge.py SAMPLES OUTPUT PART...
"""
import sys

import pyarrow.parquet as parquet


class Part:
    """The rows of one part, sample by sample: they stand there in the order of the samples' file."""

    def __init__(self, path):
        self.file = parquet.ParquetFile(path)
        self.batches = self.file.iter_batches()
        self.rest = None
        self.advance()

    def advance(self):
        self.rest = next((batch for batch in self.batches if batch.num_rows), None)

    def sample(self):
        return self.rest["biosample_id"][0].as_py() if self.rest else None

    def rows_of(self, sample):
        """Batches of the sample's rows, if it is the next one here."""
        while self.sample() == sample:
            ids = self.rest["biosample_id"].to_pylist()
            end = next((row for row, other in enumerate(ids) if other != sample), len(ids))
            yield self.rest.slice(0, end)
            self.rest = self.rest.slice(end)
            if not self.rest.num_rows:
                self.advance()


def main():
    samples, output, *paths = sys.argv[1:]
    with open(samples, encoding="utf-8-sig") as file:
        ids = [line.split("#")[0].strip().upper() for line in file]
    parts = [Part(path) for path in paths]
    with parquet.ParquetWriter(output, parts[0].file.schema_arrow) as writer:
        for sample in dict.fromkeys(filter(None, ids)):
            for part in parts:
                for batch in part.rows_of(sample):
                    writer.write_batch(batch)
    left = [part.sample() for part in parts if part.sample()]
    if left:
        sys.exit(f"{left[0]} is in a part, and not in {samples} or not in its order")


if __name__ == "__main__":
    main()

"""A cohort's table by Spark: the samples are parted among tasks, each of which reads its own through libbge.

    spark-submit --py-files bge_tables.py cohort.py --samples ids.txt --output taxa --partitions 64
"""
import argparse
import json

import bge_tables
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--call", default="get_taxon_abundance", help="a list call that is about samples")
    parser.add_argument("--arguments", type=json.loads, default={}, help="its other arguments, as JSON")
    parser.add_argument("--samples", required=True, help="a file with one biosample id a line")
    parser.add_argument("--output", required=True, help="the folder of Parquet files")
    parser.add_argument("--partitions", type=int, default=16, help="tasks")
    parser.add_argument("--rate-limit", type=float, help="requests per second of each machine")
    parser.add_argument("--rate-budget", default="/tmp/bge-budget", help="a file on each machine's own disk")
    parser.add_argument("--allow-missing", action="store_true", help="leave out samples that cannot be had for good")
    return parser.parse_args()


def main():
    given = arguments()
    spark = SparkSession.builder.appName("bge cohort").getOrCreate()
    options = {"user_agent": "bge-spark"}
    if given.rate_limit:
        options.update(rate_limit=given.rate_limit, rate_budget=given.rate_budget)
    options = json.dumps(options)

    with open(given.samples, encoding="utf-8-sig") as lines:
        ids = list(dict.fromkeys(line.split("#")[0].strip().upper() for line in lines))
    ids = [(id,) for id in ids if id]
    missing = spark.sparkContext.accumulator(0) if given.allow_missing else None
    read = bge_tables.fetch(options, given.call, given.arguments, missing)
    columns = from_arrow_schema(bge_tables.schema(options, given.call, given.arguments))

    samples = spark.createDataFrame(spark.sparkContext.parallelize(ids, given.partitions), "biosample_id string")
    table = samples.mapInArrow(read, columns)
    table.write.mode("overwrite").parquet(given.output)
    if missing is not None:
        print(f"{missing.value} samples were left out")
    spark.stop()


if __name__ == "__main__":
    main()

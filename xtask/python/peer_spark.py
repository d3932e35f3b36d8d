"""peer_spark.py BROKERS TOPIC WAREHOUSE CHECKPOINT THREADS: the ledger of the records in a topic, by Spark's structured
streaming, as an Iceberg table, until it holds what is there. Tells, as JSON, what Spark's own process took: as a whole,
and from the middle of the rows on, when it is warm.

Spark takes its jars from SPARK_JARS, with commas between them. It commits a million rows at a time: that is less often
than every second, which is what it does best at."""

import itertools
import json
import os
import pathlib
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

KEYS = ["transaction_id", "account_from", "account_to", "amount", "currency", "transaction_type", "timestamp"]
HASHED = ["transaction_id", "account_from", "account_to", "amount", "currency"]
TABLE = "lake.demo.transactions_ledger"
AT_ONCE = 1_000_000
TICKS = os.sysconf("SC_CLK_TCK")


def session(warehouse, threads):
    options = {
        "spark.jars": os.environ["SPARK_JARS"],
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "hadoop",
        "spark.sql.catalog.lake.warehouse": warehouse,
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "false",
        "spark.driver.memory": "2g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master(f"local[{threads}]")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def create(spark):
    spark.sql(
        f"""CREATE TABLE {TABLE} (transaction_id STRING, account_from STRING, account_to STRING, amount DECIMAL(18, 2),
            currency STRING, transaction_type STRING, transaction_hash STRING, event_timestamp TIMESTAMP,
            processing_time TIMESTAMP) USING iceberg TBLPROPERTIES
            ('write.parquet.compression-codec' = 'zstd', 'write.parquet.compression-level' = '1')"""
    )


def ledger(spark, brokers, topic):
    source = spark.readStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", topic)
    records = source.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", AT_ONCE).load()
    schema = ", ".join(f"`{key}` STRING" for key in KEYS)
    rows = records.select(sql.from_json(sql.col("value").cast("string"), schema).alias("row")).select("row.*")
    return rows.select(
        "transaction_id",
        "account_from",
        "account_to",
        sql.col("amount").cast("decimal(18,2)").alias("amount"),
        "currency",
        "transaction_type",
        sql.sha2(sql.concat_ws("|", *HASHED), 256).alias("transaction_hash"),
        sql.col("timestamp").cast("timestamp").alias("event_timestamp"),
        sql.current_timestamp().alias("processing_time"),
    )


class Process:
    """What a process has taken so far."""

    def __init__(self, number):
        self.folder = pathlib.Path(f"/proc/{number}")

    def cpu(self):
        fields = (self.folder / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 // TICKS

    def peak(self):
        lines = (self.folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def follow(query, process):
    """Pairs of rows and milliseconds on processors, one for each batch that has ended, until there are no more."""
    seen = {}
    while True:
        active = query.isActive
        for progress in query.recentProgress:
            if progress["batchId"] not in seen:
                seen[progress["batchId"]] = (progress["numInputRows"], process.cpu())
        if not active:
            break
        time.sleep(0.1)
    if query.exception():
        sys.exit(str(query.exception()))
    return [seen[batch] for batch in sorted(seen)]


def second_half(batches):
    """Rows and milliseconds after the batch that ends nearest to the middle; none if few rows are left then."""
    ends = list(itertools.accumulate(rows for rows, _ in batches))
    total = ends[-1]
    at = min(range(len(ends)), key=lambda batch: abs(2 * ends[batch] - total))
    rows = total - ends[at]
    return (rows, batches[-1][1] - batches[at][1]) if 4 * rows >= total else (0, 0)


def main(brokers, topic, warehouse, checkpoint, threads):
    spark = session(warehouse, threads)
    process = Process(spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid())
    create(spark)
    writer = ledger(spark, brokers, topic).writeStream.format("iceberg").outputMode("append")
    writer = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    batches = follow(writer.toTable(TABLE), process)
    rows, cpu = second_half(batches)
    told = {"cpuMillis": process.cpu(), "peakBytes": process.peak(), "batches": len(batches)}
    print(json.dumps({**told, "warmRows": rows, "warmCpuMillis": cpu}))


main(*sys.argv[1:])

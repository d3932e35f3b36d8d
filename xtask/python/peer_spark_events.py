"""peer_spark_events.py QUERY EVENTS TABLE CHECKPOINT THREADS FILES USERS: the rows of a query over the events in the files of a
folder, by Spark's structured streaming, as a Delta table: FILES files a batch, until it holds what is there. Tells, as JSON,
what Spark's own process took. USERS is the folder of a table of users, for who joins them.

Of windows Spark writes those that event time has passed. So there is one more file: an event that is far behind all others,
in a window that stays open."""

import json
import pathlib
import sys

from pyspark.sql import functions as sql

import spark_process

SCHEMA = "event_id STRING, timestamp TIMESTAMP, user_id LONG, event_type STRING, value DOUBLE"
LAST = {"event_id": "last", "timestamp": "2200-01-01T00:00:00", "user_id": 0, "event_type": "end", "value": 0.0}
DELAY = "10 minutes"
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    # One thread does all of the work, and a state for each of 200 tasks would only slow it down.
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
}


def tumbling(events, key):
    groups = events.withWatermark("timestamp", DELAY).groupBy(sql.window("timestamp", "5 minutes"), key)
    return groups.agg(sql.count("*").alias("event_count"), sql.avg("value").alias("avg_value"))


def sliding(events):
    window = sql.window("timestamp", "5 minutes", "1 minute")
    return events.withWatermark("timestamp", DELAY).groupBy(window, "user_id").agg(sql.count("*").alias("count"))


QUERIES = {
    "passthrough": lambda events, _: events,
    "tumbling": lambda events, _: tumbling(events, "event_type"),
    "tumbling-users": lambda events, _: tumbling(events, "user_id"),
    "sliding": lambda events, _: sliding(events),
    "enrich": lambda events, users: events.join(users, "user_id"),
}


def with_last(events, folder):
    """A folder with the files of another one, and one more that is newer."""
    folder.mkdir()
    for path in pathlib.Path(events).glob("*.json"):
        (folder / path.name).symlink_to(path)
    (folder / "last.json").write_text(json.dumps(LAST) + "\n", encoding="utf-8")
    return str(folder)


def main(query, events, table, checkpoint, threads, files, users):
    spark = spark_process.session(threads, SETTINGS)
    process = spark_process.Process(spark)
    if query in ("tumbling", "tumbling-users", "sliding"):
        events = with_last(events, pathlib.Path(checkpoint).with_name("input"))
    read = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", files).json(events)
    known = spark.read.format("delta").load(users) if query == "enrich" else None
    writer = QUERIES[query](read, known).writeStream.format("delta").outputMode("append")
    writer = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    print(json.dumps(process.follow(writer.start(table))))


main(*sys.argv[1:])

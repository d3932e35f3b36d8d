"""windows_spark.py FILE: writes the windows that Spark makes of random rows, batch by batch, as a fixture of
highwater-window's tests.

By hand, in the root of the repository, with Java 17 and pyspark 4.1.3:

    python xtask/python/windows_spark.py crates/highwater-window/tests/data/spark.csv

There is a file of rows for each batch. `sparse` are rows of which many are late, of `calm` none is. The first line says who
wrote it; the others are

    event,ROWS,BATCH,ID,TIME,N,F,S
    batch,ROWS,KIND,MODE,BATCH                      a batch that ran
    row,ROWS,KIND,MODE,BATCH,START,END,ID,VALUE..   what it emitted

with times in microseconds, and nothing for null."""

import json
import os
import random
import sys
import tempfile
from datetime import datetime, timedelta, timezone

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

import windows

SEED, BATCHES, ROWS, SCALE = 5, 14, 40, 1_000
FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)
KINDS = {
    "tumbling": lambda time: sql.window(time, f"{windows.SIZE} milliseconds"),
    "sliding": lambda time: sql.window(time, f"{windows.WIDE} milliseconds", f"{windows.SLIDE} milliseconds"),
    "session": lambda time: sql.session_window(time, f"{windows.GAP} milliseconds"),
}
SUMS = ["count(*)", "count(n)", "sum(n)", "min(n)", "max(n)", "avg(n)", "sum(f)", "min(s)", "max(s)"]


def events(rng, disorder):
    """Rows with times between milliseconds as well, and on the edges of windows."""
    for batch, _, _, key, time, n, f, s in windows.rows(rng, disorder, BATCHES, ROWS):
        if time is not None:
            time = time * SCALE + rng.choice([0, 0, 1, -1, rng.randrange(SCALE)])
        yield batch, key, time, n, f, s


def files(folder, rows):
    """A file for each batch, one second older than the next."""
    for batch in range(BATCHES):
        path = os.path.join(folder, f"{batch:04}.json")
        with open(path, "w", encoding="utf-8") as out:
            for at, key, time, n, f, s in rows:
                if at == batch:
                    text = None if time is None else (FIRST + timedelta(microseconds=time)).isoformat()
                    print(json.dumps({"id": key, "time": text, "n": n, "f": f, "s": s}), file=out)
        os.utime(path, (1_700_000_000 + batch, 1_700_000_000 + batch))


def run(spark, folder, scratch, kind, mode):
    """The batches that ran, and what each emitted."""
    source = spark.readStream.schema("id STRING, time TIMESTAMP, n LONG, f DOUBLE, s STRING")
    rows = source.option("maxFilesPerTrigger", 1).json(folder).withWatermark("time", f"{windows.DELAY} milliseconds")
    groups = rows.groupBy(KINDS[kind](sql.col("time")).alias("span"), "id").agg(*map(sql.expr, SUMS))
    bounds = [sql.unix_micros("span.start").alias("start"), sql.unix_micros("span.end").alias("end")]
    found = []

    def take(frame, batch):
        columns = [sql.col(f"`{name}`") for name in frame.columns[1:]]
        found.append((batch, [tuple(row) for row in frame.select(*bounds, *columns).collect()]))

    query = groups.writeStream.outputMode(mode).foreachBatch(take).trigger(availableNow=True)
    query.option("checkpointLocation", os.path.join(scratch, f"{os.path.basename(folder)}-{kind}-{mode}")).start().awaitTermination()
    return found


def text(values):
    return ",".join("" if value is None else str(value) for value in values)


def session():
    builder = SparkSession.builder.master("local[1]")
    options = {"ui.enabled": "false", "ui.showConsoleProgress": "false", "log.level": "ERROR", "driver.memory": "1g",
               "driver.bindAddress": "127.0.0.1", "driver.host": "127.0.0.1", "sql.session.timeZone": "UTC",
               "sql.ansi.enabled": "false", "sql.shuffle.partitions": "1"}
    for key, value in options.items():
        builder = builder.config(f"spark.{key}", value)
    return builder.getOrCreate()


def main(path):
    spark, rng = session(), random.Random(SEED)
    java = spark.sparkContext._jvm.System.getProperty("java.version")
    lines = [f"by xtask/python/windows_spark.py: Spark {spark.version}; Java {java}"]
    with tempfile.TemporaryDirectory() as scratch:
        for name, disorder in (("sparse", 4 * windows.DELAY), ("calm", windows.DELAY - windows.STEP)):
            rows, folder = list(events(rng, disorder)), os.path.join(scratch, name)
            os.makedirs(folder)
            files(folder, rows)
            lines += [f"event,{name},{text(row)}" for row in rows]
            for kind in KINDS:
                for mode in ("append", "complete"):
                    # Of sessions in complete mode Spark drops late rows.
                    if (name, kind, mode) == ("sparse", "session", "complete"):
                        continue
                    for batch, found in run(spark, folder, scratch, kind, mode):
                        lines.append(f"batch,{name},{kind},{mode},{batch}")
                        lines += sorted(f"row,{name},{kind},{mode},{batch},{text(row)}" for row in found)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        print("\n".join(lines), file=out)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""events.py INPUT FOLDER: takes some users out of their table, and rewrites the files of the table that is updated, as
other writers would, until standard input closes; shows a hidden file of INPUT after each turn. Then it computes what the queries of file-events make of the files in INPUT, and compares what four readers find
in the tables below FOLDER. What they must find is written here from the documentation, and not from the code."""

import collections
import json
import math
import os
import pathlib
import sys
import threading
import time
from datetime import datetime, timedelta, timezone

import deltalake
import duckdb_extension_delta
import polars
import pyarrow
from deltalake.exceptions import CommitFailedError

import lake

KEYS = {"event_id": str, "timestamp": str, "user_id": int, "event_type": str, "value": float}
BEGIN = datetime(1970, 1, 1, tzinfo=timezone.utc)
MINUTE = 60_000_000
SIZE = 5 * MINUTE
DELAY = 10 * MINUTE

# A table of more files is put together before Spark reads it, and after the other readers have read it as it was written:
# Spark takes minutes over thousands of small files.
MANY = 100

# How often each has put files together before that is enough. Between two turns in seconds: a pause, and how long the
# pipeline, which may have been killed, is waited for at most.
ENOUGH = {"deltalake": 2, "spark": 1}
PAUSE = 1
PATIENCE = 10


def event(line):
    """The values of a line, with its time in microseconds; nothing when it must be rejected."""
    try:
        record = json.loads(line)
        if not isinstance(record, dict) or any(type(record.get(key)) is not kind for key, kind in KEYS.items()):
            return None
        time = datetime.fromisoformat(record["timestamp"]).replace(tzinfo=timezone.utc)
    except (ValueError, UnicodeDecodeError):
        return None
    record["timestamp"] = (time - BEGIN) // timedelta(microseconds=1)
    return tuple(record[key] for key in KEYS)


def read(folder):
    """The events of all files, and how many lines are none."""
    lines = [line for path in pathlib.Path(folder).glob("*.json") for line in path.read_bytes().splitlines()]
    found = [event(line) for line in lines]
    events = [values for values in found if values is not None]
    return events, len(found) - len(events)


def groups(events, slide, column):
    """The values in each window that begins at a multiple of `slide`, by a column."""
    found = collections.defaultdict(list)
    for values in events:
        start = values[1] - values[1] % slide
        while start > values[1] - SIZE:
            found[start, values[column]].append(values[4])
            start -= slide
    return found


def by_type(events):
    """Rows of the tumbling query. Sums of few numbers of one size are exact but for one rounding."""
    return {
        (start, start + SIZE, kind, len(values), math.fsum(values) / len(values)): 1
        for (start, kind), values in groups(events, SIZE, 3).items()
    }


def by_user(events):
    """Rows of the sliding query: of windows that event time has passed."""
    passed = max(values[1] for values in events) - DELAY
    return {
        (start, start + SIZE, user, len(values)): 1
        for (start, user), values in groups(events, MINUTE, 2).items()
        if start + SIZE <= passed
    }


def by_deltalake(path, columns, at=None):
    reading = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path, version=at))
    quoted = ", ".join(f'"{column}"' for column in columns)
    return pyarrow.table(reading.execute(f"SELECT {quoted} FROM t").read_all())


def by_duckdb(path, columns):
    connection = lake.duck(duckdb_extension_delta)
    quoted = ", ".join(f'"{column}"' for column in columns)
    return connection.execute(f"SELECT {quoted} FROM delta_scan('{path}')").to_arrow_table()


def by_polars(path, columns):
    return polars.scan_delta(path).select(columns).collect().to_arrow()


def by_spark(path, columns):
    put_together(path)
    return spark().read.format("delta").load(path).select(*columns).toArrow()


def spark():
    # It does little here, and all of it for the first time.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
    return lake.engine(
        {
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            # Without these a commit to a table of a few files takes seconds.
            "spark.databricks.delta.snapshotPartitions": "2",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        }
    )


def put_together(path):
    table = deltalake.DeltaTable(path)
    if len(table.file_uris()) > MANY:
        table.optimize.compact()


READERS = {"deltalake": by_deltalake, "duckdb": by_duckdb, "polars": by_polars, "spark": by_spark}


def values_of(column):
    """The values of a column; times in microseconds, a struct as those of its fields."""
    column = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    if pyarrow.types.is_struct(column.type):
        return list(zip(*(values_of(field) for field in column.flatten())))
    if pyarrow.types.is_timestamp(column.type):
        column = column.cast(pyarrow.timestamp("us", column.type.tz)).cast(pyarrow.int64())
    return column.to_pylist()


def rows_of(table):
    """How often each row is there, with the fields of a window beside the other columns."""
    columns = [values_of(column) for column in table.columns]
    flat = ((*row[0], *row[1:]) if isinstance(row[0], tuple) else row for row in zip(*columns))
    return collections.Counter(flat)


def version(path):
    """The version of a table; before there is one, -1."""
    return deltalake.DeltaTable(path).version() if deltalake.DeltaTable.is_deltatable(path) else -1


def by_others(path, counts):
    """Puts the files of a table together, by one engine after the other. Whoever is outrun by the pipeline tries later."""
    engine = min(ENOUGH, key=lambda engine: counts[engine, "tried"] / ENOUGH[engine])
    counts[engine, "tried"] += 1
    try:
        if engine == "spark":
            [told] = spark().sql(f"OPTIMIZE delta.`{path}`").collect()
            removed = told["metrics"]["numFilesRemoved"]
        else:
            removed = deltalake.DeltaTable(path).optimize.compact()["numFilesRemoved"]
    except CommitFailedError:
        removed = 0
    except Exception as error:
        if "DELTA_CONCURRENT" not in str(error):
            raise
        removed = 0
    counts[engine, "rewritten" if removed > 1 else "in vain"] += 1


def show(hidden):
    path = hidden.pop(0)
    path.rename(path.with_name(path.name.removeprefix(".")))


def disturb(folder, path):
    """Rewrites until standard input closes; says so when that was often enough, and shows all files before it does."""
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    hidden = sorted(pathlib.Path(folder).glob(".batch_*.json"), key=lambda path: int(path.stem.split("_")[1]))
    counts, enough, seen = collections.Counter(), False, -1
    spark()
    while not over.wait(PAUSE):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and version(path) <= seen:
            time.sleep(0.05)
        if version(path) < 0:
            continue
        by_others(path, counts)
        seen = version(path)
        enough_now = all(counts[engine, "rewritten"] >= times for engine, times in ENOUGH.items())
        if enough_now and not enough:
            enough = True
            while hidden:
                show(hidden)
            print("rewritten often enough", flush=True)
        if hidden:
            show(hidden)
    if not enough:
        lake.fail(f"hardly anything was rewritten: {dict(counts)}")
    told = ", ".join(f"{counts[engine, 'rewritten']} times by {engine}" for engine in ENOUGH)
    outrun = sum(counts[engine, "in vain"] for engine in ENOUGH)
    print(f"told: update: its files were put together {told}, and {outrun} times in vain")


def compare(name, path, columns, wanted):
    """Every reader finds these rows."""
    if not wanted:
        lake.fail(f"{name}: nothing is expected, so nothing would be shown")
    wanted = collections.Counter(wanted)
    for reader, read_by in READERS.items():
        found = rows_of(read_by(path, columns))
        if found != wanted:
            missing, extra = list((wanted - found).items())[:3], list((found - wanted).items())[:3]
            lake.fail(
                f"{name}: {reader} finds {found.total()} rows, not {wanted.total()}:"
                f" missing such as {missing}, unexpected such as {extra}"
            )
    print(f"told: {name}: {wanted.total()} rows, as computed, in {', '.join(READERS)}")


def with_users(events, users):
    """Rows of the events whose user is in a table, with what that says."""
    table = by_deltalake(users, ["user_id", "name", "country"])
    known = {user: rest for user, *rest in rows_of(table)}
    return [(*values, *known[values[2]]) for values in events if values[2] in known]


def main(folder, tables):
    users = f"{tables}/files/users"
    deltalake.DeltaTable(users).delete("user_id % 7 = 0")
    disturb(folder, f"{tables}/update/data/event_aggregates")
    began = time.monotonic()
    events, rejected = read(folder)
    kinds, joined = by_type(events), with_users(events, users)
    columns = ["window", "event_type", "event_count", "avg_value"]
    compare("passthrough", f"{tables}/passthrough/data/events", list(KEYS), events)
    compare("rejected", f"{tables}/passthrough/data/events_rejected", ["partition"], [(0,)] * rejected)
    for mode in ("update", "complete", "copies"):
        compare(mode, f"{tables}/{mode}/data/event_aggregates", columns, kinds)
    compare("append", f"{tables}/append/data/user_activity", ["window", "user_id", "count"], by_user(events))
    compare("enrich", f"{tables}/enrich/data/enriched_events", [*KEYS, "name", "country"], joined)
    print(f"told: compared in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""windows_files.py scatter INPUT SEED: moves some events of the files in INPUT to later ones, so that many come too late, lets the
latest event of each file be on a whole minute, so that watermarks fall together with ends of windows, and gives each file a
time of writing of its own.

windows_files.py compare INPUT FOLDER: what file-events made of these files, one an epoch, in FOLDER/QUERY-MODE, is what Spark
makes of them, one a batch: watermarks, rows that are late, and windows that are emitted, file by file."""

import collections
import json
import math
import os
import pathlib
import random
import sys
import tempfile
from datetime import datetime, timedelta

import deltalake
from pyspark.sql import functions as sql

import events
import lake
import windows_spark

MOVED, FARTHEST = 0.04, 9
SCHEMA = "event_id STRING, timestamp TIMESTAMP, user_id LONG, event_type STRING, value DOUBLE"
SIZE, DELAY = "5 minutes", "10 minutes"
# Of each query: how far its windows are apart, the column it groups by and its place in a row, what it sums up, and its table
# with the columns of that.
Query = collections.namedtuple("Query", "slide apart key place sums table columns")
QUERIES = {
    "tumbling": Query("5 minutes", 5 * events.MINUTE, "event_type", 3, ["count(*)", "avg(value)"],
                      "event_aggregates", ["window", "event_type", "event_count", "avg_value"]),
    "sliding": Query("1 minute", events.MINUTE, "user_id", 2, ["count(*)"],
                     "user_activity", ["window", "user_id", "count"]),
}
TRIALS = [("tumbling", "append"), ("tumbling", "complete"), ("sliding", "append")]
# What came of one file: what had passed when it was taken, in microseconds, how many were late by the engine's count, and what
# it emitted, by window and key.
Step = collections.namedtuple("Step", "watermark late windows")


def files(folder):
    return sorted(pathlib.Path(folder).glob("batch_*.json"), key=lambda path: int(path.stem.split("_")[1]))


def scatter(folder, seed):
    rng, paths = random.Random(int(seed)), files(folder)
    contents, moved = [[] for _ in paths], 0
    for number, path in enumerate(paths):
        for line in path.read_bytes().splitlines():
            to = number
            if rng.random() < MOVED:
                to = min(number + rng.randrange(1, FARTHEST + 1), len(paths) - 1)
            moved += to != number
            contents[to].append(line)
    for number, (path, lines) in enumerate(zip(paths, contents)):
        latest = max(range(len(lines)), key=lambda place: (events.event(lines[place]) or (None, 0))[1])
        minutes = -(-events.event(lines[latest])[1] // events.MINUTE)
        text = (events.BEGIN + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()
        lines[latest] = json.dumps(json.loads(lines[latest]) | {"timestamp": text}).encode()
        path.write_bytes(b"\n".join(lines) + b"\n")
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    print(f"{moved} events moved to later files of {len(paths)}")


def by_window(rows):
    """What there is of each window and key; nothing is there twice."""
    found = {row[:3]: row[3:] for row in rows}
    if len(found) != len(rows):
        lake.fail(f"{len(rows) - len(found)} windows are there twice")
    return found


def of_spark(spark, folder, scratch, query, mode):
    """A step for each batch."""
    of, found = QUERIES[query], {}
    source = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).json(folder)
    window = sql.window("timestamp", SIZE, of.slide).alias("window")
    groups = source.withWatermark("timestamp", DELAY).groupBy(window, of.key).agg(*map(sql.expr, of.sums))
    bounds = [sql.unix_micros("window.start"), sql.unix_micros("window.end")]

    def take(frame, batch):
        columns = [sql.col(f"`{name}`") for name in frame.columns[1:]]
        found[batch] = by_window([tuple(row) for row in frame.select(*bounds, *columns).collect()])

    stream = groups.writeStream.outputMode(mode).foreachBatch(take).trigger(availableNow=True)
    stream = stream.option("checkpointLocation", f"{scratch}/{query}-{mode}").start()
    stream.awaitTermination()
    told = {progress["batchId"]: progress for progress in stream.recentProgress}

    def step(batch):
        since = datetime.fromisoformat(told[batch]["eventTime"]["watermark"]) - events.BEGIN
        late = told[batch]["stateOperators"][0]["numRowsDroppedByWatermark"]
        return Step(since // timedelta(microseconds=1) or None, late, found[batch])

    return [step(batch) for batch in sorted(found)]


def epochs_of(table, pipeline):
    """The version of the table that each epoch made, as its commits say."""
    found = {}
    for version in range(deltalake.DeltaTable(table).version() + 1):
        lines = pathlib.Path(table, "_delta_log", f"{version:020}.json").read_text(encoding="utf-8").splitlines()
        for action in map(json.loads, lines):
            if action.get("txn", {}).get("appId") == f"{pipeline}/table":
                found[action["txn"]["version"]] = version
    return found


def of_us(home, query, mode):
    """A step for each epoch."""
    of, steps, before = QUERIES[query], [], collections.Counter()
    lines = pathlib.Path(home, "run.log").read_text(encoding="utf-8").splitlines()
    told = [progress for progress in (json.loads(line) for line in lines if line.startswith("{")) if "batchId" in progress]
    versions = epochs_of(f"{home}/data/{of.table}", f"file-events-{query}")
    for progress in told:
        # An epoch without rows makes no version.
        at, now = versions.pop(progress["batchId"], None), before
        if at is not None:
            now = events.rows_of(events.by_deltalake(f"{home}/data/{of.table}", of.columns, at))
        emitted = now if mode == "complete" else now - before
        if at is not None and emitted.total() != progress["sink"]["numOutputRows"]:
            lake.fail(f"{query}, {mode}: version {at} has {emitted.total()} new rows, and the epoch told {progress['sink']}")
        late = progress["stateOperators"][0]["numRowsDroppedByWatermark"]
        steps.append(Step(progress.get("eventTime", {}).get("watermark"), late, by_window(list(emitted.elements()))))
        before = now
    if versions:
        lake.fail(f"{query}, {mode}: the table has epochs that the run told nothing of: {versions}")
    return steps


def rows_by_file(spark, folder):
    """The rows that Spark makes of each file, in the order of files."""
    columns = [sql.input_file_name(), "event_id", sql.unix_micros("timestamp"), "user_id", "event_type", "value"]
    table = spark.read.schema(SCHEMA).json(folder).select(*columns).toArrow()
    found = collections.defaultdict(list)
    for name, *row in zip(*map(events.values_of, table.columns)):
        found[os.path.basename(name)].append(tuple(row))
    return [found[path.name] for path in files(folder)]


def judged(rows, of, late_before):
    """Rows of a file that no open window takes, and how many windows of a key are closed to one of its rows."""
    late, closed = [], set()
    for row in rows:
        if row[1] is None:
            continue
        start = row[1] - row[1] % of.apart
        ends = [end + events.SIZE for end in range(start, row[1] - events.SIZE, -of.apart)]
        shut = [end for end in ends if late_before is not None and end <= late_before]
        closed.update((end, row[of.place]) for end in shut)
        if len(shut) == len(ends):
            late.append(row)
    return late, len(closed)


def same(one, other):
    """Whether windows are the same; the last digit of a sum of floats depends on the order of rows in Spark."""
    def close(a, b):
        return a == b or (None not in (a, b) and math.isclose(a, b, rel_tol=1e-12))

    return one.keys() == other.keys() and all(all(map(close, one[key], other[key])) for key in one)


def compare(rows, query, mode, ours, theirs):
    of, name, late_before, late, groups = QUERIES[query], f"{query}, {mode}", None, [], 0
    if min(len(ours), len(theirs)) < len(rows) or max(len(ours), len(theirs)) > len(rows) + 1:
        lake.fail(f"{name}: {len(rows)} files in {len(ours)} epochs and in {len(theirs)} batches")
    for number, (file, our, their) in enumerate(zip(rows, ours, theirs)):
        shut, closed = judged(file, of, None if mode == "complete" else late_before)
        timeless = sum(row[1] is None for row in file)
        for what, one, other in [
            ("watermarks", our.watermark, their.watermark),
            ("rows that are late, or have no time,", our.late, len(shut) + timeless),
            ("groups that Spark takes for late", closed, their.late),
        ]:
            if one != other:
                lake.fail(f"{name}, file {number}: {what} differ: {one} and {other}")
        if not same(our.windows, their.windows):
            both = [(key, our.windows.get(key), their.windows.get(key)) for key in our.windows.keys() | their.windows.keys()]
            other = sorted((it for it in both if it[1] != it[2]), key=str)
            lake.fail(f"{name}, file {number}: windows differ, ours and Spark's such as {other[:3]}")
        late_before, late, groups = our.watermark, late + shut, groups + closed
    after(name, mode, rows, ours, theirs)
    return late, groups


def after(name, mode, rows, ours, theirs):
    """The batch without data behind the last file. In complete mode Spark has none, and here it changes nothing."""
    rest = ours[len(rows):], theirs[len(rows):]
    if mode == "complete":
        if rest[1] or any(step.windows != ours[len(rows) - 1].windows for step in rest[0]):
            lake.fail(f"{name}: something came behind the last file")
    elif [len(steps) for steps in rest] != [1, 1] or rest[0][0].watermark != rest[1][0].watermark:
        lake.fail(f"{name}: not one epoch and one batch behind the last file, with one watermark")
    elif not same(rest[0][0].windows, rest[1][0].windows):
        lake.fail(f"{name}: other windows behind the last file")


def main(folder, homes):
    # It does little here, and all of it for the first time.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
    spark = windows_spark.session()
    rows = rows_by_file(spark, folder)
    # Spark tidies up its checkpoints beside a query that has ended.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        for query, mode in TRIALS:
            home, of = f"{homes}/{query}-{mode}", QUERIES[query]
            ours, theirs = of_us(home, query, mode), of_spark(spark, folder, scratch, query, mode)
            late, groups = compare(rows, query, mode, ours, theirs)
            kept = events.rows_of(events.by_deltalake(f"{home}/data/{of.table}_late", list(events.KEYS)))
            if collections.Counter(late) != collections.Counter(row for row in kept.elements() if row[1] is not None):
                lake.fail(f"{query}, {mode}: other rows are in the table of those that are late")
            emitted = sum(len(step.windows) for step in ours)
            if not emitted or bool(late) != (mode == "append"):
                lake.fail(f"{query}, {mode}: {emitted} windows and {len(late)} rows late show nothing")
            print(f"{query}, {mode}: {len(rows)} files, {emitted} windows, {len(late)} rows late, {groups} groups: as in Spark")


if __name__ == "__main__":
    {"scatter": scatter, "compare": main}[sys.argv[1]](*sys.argv[2:])

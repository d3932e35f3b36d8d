"""partitioned.py WAREHOUSE day|hour: checks that the ledger is partitioned by that unit of its event time and by
4 buckets of the transaction id, that each file holds exactly the rows of its partition by pyiceberg's transforms,
and that readers open only the files that they need."""

import collections
import sys
from datetime import datetime, timedelta, timezone

import pyarrow.parquet
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan
from pyiceberg.transforms import BucketTransform, DayTransform, HourTransform
from pyiceberg.types import StringType, TimestamptzType

import lake

UNITS = {"day": (DayTransform(), timedelta(days=1)), "hour": (HourTransform(), timedelta(hours=1))}
BUCKETS = 4
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
COLUMNS = ["transaction_id", "event_timestamp"]


def number(value, length):
    """A partition value as a number of units since 1970."""
    return value if isinstance(value, int) else (value - EPOCH.date()) // length


def micros(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def check_files(files, transform, length):
    """The rows of every file are those of its partition; gives the rows of each unit and the ids of each bucket."""
    unit_of = transform.transform(TimestamptzType())
    bucket_of = BucketTransform(BUCKETS).transform(StringType())
    rows, ids = collections.Counter(), collections.defaultdict(set)
    for file in files:
        unit, bucket = number(file.partition[0], length), file.partition[1]
        path = file.file_path.removeprefix("file://")
        table = pyarrow.parquet.ParquetFile(path).read(COLUMNS)
        for identity, moment in zip(*(table.column(name).to_pylist() for name in COLUMNS)):
            found = unit_of(micros(moment)), bucket_of(identity)
            if found != (unit, bucket):
                lake.fail(f"{path} is of the partition {(unit, bucket)} and has {identity} at {moment}, of {found}")
            ids[bucket].add(identity)
        rows[unit] += table.num_rows
    return rows, ids


def planned(table, row_filter):
    return [task.file for task in table.scan(row_filter=row_filter).plan_files()]


def check_pruning(warehouse, table, files, rows, length):
    """A range of time opens the files of its partitions only, in pyiceberg, and has their rows, in both readers."""
    duck = lake.duck()
    scan = lake.scan(warehouse, lake.LEDGER)
    for unit in sorted([min(rows) - 1, *rows, max(rows) + 1]):
        begin = EPOCH + unit * length
        end = begin + length
        within = And(
            GreaterThanOrEqual("event_timestamp", begin.isoformat()), LessThan("event_timestamp", end.isoformat())
        )
        opened = {file.file_path for file in planned(table, within)}
        wanted = {file.file_path for file in files if number(file.partition[0], length) == unit}
        if opened != wanted or bool(wanted) != (rows[unit] > 0):
            lake.fail(f"from {begin} to {end} pyiceberg opens {len(opened)} files and not {len(wanted)}")
        counted = table.scan(row_filter=within, selected_fields=("transaction_id",)).to_arrow().num_rows
        query = f"SELECT count(*) FROM {scan} WHERE event_timestamp >= ? AND event_timestamp < ?"
        by_duck = duck.execute(query, [begin, end]).fetchone()[0]
        if (counted, by_duck) != (rows[unit], rows[unit]):
            lake.fail(f"from {begin} to {end}: {rows[unit]} rows; pyiceberg finds {counted}, DuckDB {by_duck}")


def check_buckets(table, ids):
    """A single id opens files of its bucket only, and is found there."""
    for bucket, identity in ((bucket, min(members)) for bucket, members in sorted(ids.items())):
        opened = {file.partition[1] for file in planned(table, EqualTo("transaction_id", identity))}
        if opened != {bucket}:
            lake.fail(f"{identity} is in bucket {bucket}, and pyiceberg opens files of {opened}")


def main(warehouse, unit):
    transform, length = UNITS[unit]
    table = lake.iceberg(warehouse, lake.LEDGER)
    fields = [(field.name, str(field.transform)) for field in table.spec().fields]
    wanted = [(f"event_timestamp_{unit}", unit), (f"transaction_id_bucket_{BUCKETS}", f"bucket[{BUCKETS}]")]
    if fields != wanted:
        lake.fail(f"the ledger is partitioned by {fields} and not by {wanted}")
    files = planned(table, "true")
    rows, ids = check_files(files, transform, length)
    if len(ids) != BUCKETS or rows.total() != table.scan().count():
        lake.fail(f"{rows.total()} rows in {len(ids)} buckets")
    check_pruning(warehouse, table, files, rows, length)
    check_buckets(table, ids)
    print(f"{len(files)} files of {len(rows)} {unit}s and {BUCKETS} buckets: each has its rows, readers open no others")


main(*sys.argv[1:])

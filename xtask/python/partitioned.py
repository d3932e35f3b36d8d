"""partitioned.py RECORDS DAY HOUR: checks two warehouses with the rows of the same records, partitioned by that unit
of their event time and by 4 buckets of the transaction id: every reader finds what the records say, each file holds
exactly the rows of its partition by pyiceberg's transforms, and readers open only the files that they need: all of
them find a unit of time when no other file is there."""

import collections
import contextlib
import os
import sys
from datetime import datetime, timedelta, timezone

import pyarrow.parquet
from pyiceberg.expressions import EqualTo
from pyiceberg.transforms import BucketTransform, DayTransform, HourTransform
from pyiceberg.types import StringType, TimestamptzType

import expect
import lake
from readers import READERS

UNITS = {"day": (DayTransform(), timedelta(days=1)), "hour": (HourTransform(), timedelta(hours=1))}
BUCKETS = 4
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
COLUMNS = ["transaction_id", "event_timestamp"]


def number(value, length):
    """A partition value as a number of units since 1970."""
    return value if isinstance(value, int) else (value - EPOCH.date()) // length


def path_of(file):
    return file.file_path.removeprefix("file://")


def micros(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def check_files(files, transform, length):
    """The rows of every file are those of its partition; gives the rows of each unit and the ids of each bucket."""
    unit_of = transform.transform(TimestamptzType())
    bucket_of = BucketTransform(BUCKETS).transform(StringType())
    rows, ids = collections.Counter(), collections.defaultdict(set)
    for file in files:
        unit, bucket = number(file.partition[0], length), file.partition[1]
        path = path_of(file)
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


@contextlib.contextmanager
def alone(files, wanted):
    """Takes every other file away meanwhile, so that a reader that opens one of them fails."""
    others = [path_of(file) for file in files if not wanted(file)]
    for path in others:
        os.rename(path, f"{path}.away")
    try:
        yield
    finally:
        for path in others:
            os.rename(f"{path}.away", path)


def check_pruning(warehouse, files, rows, length):
    """For a range of time every reader opens the files of its partitions only, and finds all their rows."""
    for unit in sorted([min(rows) - 1, *rows, max(rows) + 1]):
        begin = EPOCH + unit * length
        with alone(files, lambda file: number(file.partition[0], length) == unit):
            for reader, read in READERS.items():
                found = read(warehouse, lake.LEDGER, ["transaction_id"], (begin, begin + length))
                if len(found) != rows[unit]:
                    lake.fail(f"{rows[unit]} rows from {begin} to {begin + length}: {reader} finds {len(found)}")


def check_buckets(table, ids):
    """A single id opens files of its bucket only, and is found there."""
    for bucket, identity in ((bucket, min(members)) for bucket, members in sorted(ids.items())):
        opened = {file.partition[1] for file in planned(table, EqualTo("transaction_id", identity))}
        if opened != {bucket}:
            lake.fail(f"{identity} is in bucket {bucket}, and pyiceberg opens files of {opened}")


def check(warehouse, unit):
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
    check_pruning(warehouse, files, rows, length)
    check_buckets(table, ids)
    print(f"{len(files)} files of {len(rows)} {unit}s and {BUCKETS} buckets: each has its rows, readers open no others")


def main(records, *warehouses):
    for warehouse, unit in zip(warehouses, UNITS, strict=True):
        expect.main(records, warehouse, *READERS)
        check(warehouse, unit)


main(*sys.argv[1:])

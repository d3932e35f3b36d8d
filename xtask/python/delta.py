"""delta.py compact LEDGER: puts files of a ledger together, as another writer would.
delta.py expect LEDGER RECORDS: computes the ledger and its rejected records from the records, compares what deltalake,
DuckDB and Polars find, and replays the logs by the words of the protocol.
delta.py restore LEDGER: sets a ledger back by two versions.
delta.py beside LIVE LEDGER RECORDS: compares what Spark finds in a ledger; then deltalake and Spark write into the one
that lives, beside its pipeline, until all have met often: rows of their own, OPTIMIZE and VACUUM.
delta.py settle LIVE WRITTEN: checks that every row written (as `beside` told it) is there once, and the marker, then
deletes those rows, so that the ledger holds what its source says."""

import collections
import json
import os
import pathlib
import sys
import time
import urllib.parse
from datetime import datetime, timezone
from decimal import Decimal

import duckdb_extension_delta
import polars
import pyarrow
import pyarrow.parquet
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

import expect
import lake

# What the pipeline calls itself in the txn actions of its ledger.
PIPELINE = "ledger/ledger"
FOREIGN = "foreign"
ROWS = 3
# How many rounds, and how many epochs of the pipeline among them, at least; how often each other thing is done.
ROUNDS = 8
EPOCHS = 6
COMPACT_EVERY = 3
SPARK_EVERY = 6
PATIENCE = 300
PAUSE = 0.2


def by_deltalake(path, columns):
    found = DeltaTable(path).to_pyarrow_table(columns=columns)
    return list(zip(*(found.column(name).to_pylist() for name in columns)))


def by_duckdb(path, columns):
    connection = lake.duck(duckdb_extension_delta)
    return connection.execute(f"SELECT {', '.join(columns)} FROM delta_scan('{path}')").fetchall()


def by_polars(path, columns):
    return polars.scan_delta(path).select(columns).collect().rows()


def by_spark(path, columns):
    found = spark().read.format("delta").load(path).select(*columns).toArrow()
    return list(zip(*(found.column(name).to_pylist() for name in columns)))


def spark():
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


READERS = {"deltalake": by_deltalake, "duckdb": by_duckdb, "polars": by_polars}


def check(readers, ledger, records):
    """Every reader finds what the records say; gives how many rows and rejected records."""
    rows, rejected = expect.expected(records)
    if not rows or not rejected:
        lake.fail(f"{records} has {rows.total()} rows and {rejected.total()} bad records: both are needed")
    for reader, read in readers.items():
        expect.compare(reader, "rows", rows, collections.Counter(read(ledger, expect.FOUND)))
        raw = collections.Counter(bytes(raw) for (raw,) in read(f"{ledger}_rejected", ["raw"]))
        expect.compare(reader, "rejected records", rejected, raw)
    total = sum(amount * count for (_, _, amount), count in rows.items())
    return f"{rows.total()} rows, {rejected.total()} rejected, amounts of {total}: as computed, in {', '.join(readers)}"


def replay(path):
    """Checks every action of a log; how many commits and files there are."""
    files, txns = {}, {}
    commits = sorted((path / "_delta_log").glob("*.json"))
    for version, commit in enumerate(commits):
        if int(commit.stem) != version:
            lake.fail(f"{path} has the versions up to {version - 1} and then {commit.name}")
        for line in commit.read_text().splitlines():
            [(kind, action)] = json.loads(line).items()
            if kind == "txn":
                of_epoch = action["appId"].count("/") == 1
                if of_epoch and action["version"] <= txns.get(action["appId"], -1):
                    lake.fail(f"{commit}: {action} after {txns[action['appId']]}")
                txns[action["appId"]] = action["version"]
            elif kind == "remove":
                if files.pop(action["path"], None) is None:
                    lake.fail(f"{commit} removes {action['path']}, which is not there")
            elif kind == "add":
                if action["path"] in files:
                    lake.fail(f"{commit} adds {action['path']} once more")
                files[action["path"]] = action
    for name, action in files.items():
        file = path / urllib.parse.unquote(name)
        rows = json.loads(action["stats"])["numRecords"]
        if file.stat().st_size != action["size"] or pyarrow.parquet.ParquetFile(file).metadata.num_rows != rows:
            lake.fail(f"{file} is not what its action says: {action}")
    return len(commits), len(files)


def expected(ledger, records):
    print(check(READERS, ledger, records))
    for table in (ledger, f"{ledger}_rejected"):
        commits, files = replay(pathlib.Path(table))
        print(f"{os.path.basename(table)}: {commits} commits, {files} files, as the protocol has it")


def compact(ledger):
    told = DeltaTable(ledger).optimize.compact()
    if told["numFilesRemoved"] <= told["numFilesAdded"]:
        lake.fail(f"nothing was put together: {told}")
    print(f"{told['numFilesRemoved']} files became {told['numFilesAdded']}")


def restore(ledger):
    table = DeltaTable(ledger)
    before = table.version()
    table.restore(before - 2)
    print(f"set back from version {before} by two")


def own_rows(table, numbers):
    """Rows that no pipeline wrote."""
    now = datetime.now(timezone.utc)
    values = {
        "transaction_id": [f"foreign-{number}" for number in numbers],
        "amount": [Decimal("1.00")] * len(numbers),
        "transaction_type": [FOREIGN] * len(numbers),
        "transaction_hash": [FOREIGN] * len(numbers),
        "event_timestamp": [datetime(2020, 1, 1, tzinfo=timezone.utc)] * len(numbers),
        "processing_time": [now] * len(numbers),
    }
    schema = pyarrow.schema(table.schema().to_arrow())
    columns = [pyarrow.array(values.get(field.name, [None] * len(numbers)), field.type) for field in schema]
    return pyarrow.Table.from_arrays(columns, schema=schema)


def epoch(ledger):
    """The epoch in the marker of a ledger; nothing before its first commit."""
    try:
        return DeltaTable(ledger).transaction_version(PIPELINE)
    except TableNotFoundError:
        return None


def beside(live, ledger, records):
    print(check({"spark": by_spark}, ledger, records), file=sys.stderr)
    until = time.monotonic() + PATIENCE
    while epoch(live) is None:
        if time.monotonic() > until:
            lake.fail(f"{live} was not there within {PATIENCE} s")
        time.sleep(PAUSE)
    rounds = compacted = 0
    epochs = set()
    while rounds < ROUNDS or len(epochs) < EPOCHS:
        if time.monotonic() > until:
            lake.fail(f"after {PATIENCE} s: {rounds} rounds beside {len(epochs)} epochs")
        numbers = range(rounds * ROWS, (rounds + 1) * ROWS)
        write_deltalake(live, own_rows(DeltaTable(live), numbers), mode="append")
        if rounds % COMPACT_EVERY == 0:
            compacted += DeltaTable(live).optimize.compact()["numFilesRemoved"]
        if rounds % SPARK_EVERY == 0:
            [told] = spark().sql(f"OPTIMIZE delta.`{live}`").collect()
            compacted += told["metrics"]["numFilesRemoved"]
            # By default it keeps what is younger than a week, and with it what is staged.
            spark().sql(f"VACUUM delta.`{live}`")
        epochs.add(epoch(live))
        rounds += 1
        time.sleep(PAUSE)
    print(json.dumps({"rounds": rounds, "compacted": compacted, "epochs": len(epochs)}))


def settle(live, written):
    told = json.loads(written)
    if told["compacted"] < ROUNDS:
        lake.fail(f"hardly a file was put together with others: {told}")
    found = polars.scan_delta(live).filter(polars.col("transaction_type") == FOREIGN)
    found = collections.Counter(found.select("transaction_id").collect().to_series().to_list())
    wanted = collections.Counter(f"foreign-{number}" for number in range(told["rounds"] * ROWS))
    if found != wanted:
        lake.fail(f"foreign rows: missing {dict(wanted - found)}, too many {dict(found - wanted)}")
    before = epoch(live)
    DeltaTable(live).delete(f"transaction_type = '{FOREIGN}'")
    if epoch(live) != before:
        lake.fail("the marker changed while nobody wrote")
    print(f"{found.total()} foreign rows beside {before + 1} epochs; {told}")


VERBS = {"compact": compact, "expect": expected, "restore": restore, "beside": beside, "settle": settle}


def main(verb, *arguments):
    if verb not in VERBS:
        lake.fail(__doc__)
    VERBS[verb](*arguments)


main(*sys.argv[1:])

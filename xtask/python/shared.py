"""shared.py write DATABASE WAREHOUSE: writes into the ledger of an SQL catalog beside the pipeline, until both have
committed often: appends rows of its own, expires old snapshots, and adds an optional column now and then.
shared.py java DATABASE WAREHOUSE: the same appends by Spark, through Iceberg's own JDBC catalog.
shared.py settle DATABASE WAREHOUSE WRITTEN: checks that every row written (as `write` or `java` told it) is there once,
and the marker, then deletes those rows, so that the ledger holds what its source says."""

import collections
import json
import sys
import time
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.expressions import EqualTo
from pyiceberg.types import StringType

import lake

TABLE = "demo.transactions_ledger"
MARKER = "highwater.marker.ledger/ledger/main"
FOREIGN = "foreign"
ROWS = 3
REQUIRED = "transaction_id, amount, transaction_type, transaction_hash, event_timestamp, processing_time"
KEPT = 4
EVOLVE_EVERY = 5
# How many rounds, and how many epochs of the pipeline among them, at least.
ROUNDS = 20
EPOCHS = 15
PATIENCE = 300
# Between two changes. Who never pauses is hard to get in between for anybody.
PAUSE = 0.15


def catalog(database, warehouse):
    return SqlCatalog("default", uri=f"sqlite:///{database}", warehouse=warehouse)


def own_rows(table, numbers):
    """Rows that no pipeline wrote, in the columns that the table has now."""
    now = datetime.now(timezone.utc)
    at = datetime(2020, 1, 1, tzinfo=timezone.utc)
    values = {
        "transaction_id": [f"foreign-{number}" for number in numbers],
        "amount": [Decimal("1.00")] * len(numbers),
        "transaction_type": [FOREIGN] * len(numbers),
        "transaction_hash": [FOREIGN] * len(numbers),
        "event_timestamp": [at] * len(numbers),
        "processing_time": [now] * len(numbers),
    }
    schema = table.schema().as_arrow()
    columns = [pyarrow.array(values.get(field.name, [None] * len(numbers)), field.type) for field in schema]
    return pyarrow.Table.from_arrays(columns, schema=schema)


def insist(change, until):
    """Makes a change until nobody else comes between; how often that happened."""
    outrun = 0
    while time.monotonic() < until:
        time.sleep(PAUSE)
        try:
            change()
            return outrun
        except CommitFailedException:
            outrun += 1
    lake.fail(f"outrun {outrun} times by the pipeline, and no time is left: it commits too often for pyiceberg")


def marker(table):
    """The epoch in the marker of the ledger; nothing before its first commit."""
    text = table.properties.get(MARKER)
    return None if text is None else json.loads(text)["marker"]["epoch"]


def expire(shared):
    table = shared.load_table(TABLE)
    ids = [entry.snapshot_id for entry in sorted(table.snapshots(), key=lambda it: it.sequence_number)]
    heads = {ref.snapshot_id for ref in table.metadata.refs.values()}
    old = [snapshot for snapshot in ids[:-KEPT] if snapshot not in heads]
    if old:
        table.maintenance.expire_snapshots().by_ids(old).commit()
    return len(old)


def add_column(shared, name):
    with shared.load_table(TABLE).update_schema() as update:
        update.add_column(name, StringType(), required=False)


def wait_for_table(shared):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if marker(shared.load_table(TABLE)) is not None:
                return
        except NoSuchTableError:
            pass
        time.sleep(0.05)
    lake.fail(f"{TABLE} was not there within {PATIENCE} s")


def write(database, warehouse):
    shared = catalog(database, warehouse)
    wait_for_table(shared)
    rounds = outrun = expired = 0
    epochs = set()
    until = time.monotonic() + PATIENCE
    while rounds < ROUNDS or len(epochs) < EPOCHS:
        if time.monotonic() > until:
            lake.fail(f"after {PATIENCE} s: {rounds} rounds beside {len(epochs)} epochs")
        numbers = range(rounds * ROWS, (rounds + 1) * ROWS)

        def append():
            table = shared.load_table(TABLE)
            table.append(own_rows(table, numbers))

        outrun += insist(append, until)
        if rounds % EVOLVE_EVERY == 0:
            outrun += insist(lambda: add_column(shared, f"added_{rounds}"), until)

        def forget():
            nonlocal expired
            expired += expire(shared)

        outrun += insist(forget, until)
        epochs.add(marker(shared.load_table(TABLE)))
        rounds += 1
    print(json.dumps({"rounds": rounds, "expired": expired, "outrun": outrun, "epochs": len(epochs)}))


def java(database, warehouse):
    """Iceberg takes the changes of others in before it tries again, so none of these is outrun."""
    jdbc = {"type": "jdbc", "uri": f"jdbc:sqlite:{database}", "warehouse": warehouse}
    engine = lake.spark("default", jdbc)
    shared = catalog(database, warehouse)
    rounds, epochs = 0, set()
    until = time.monotonic() + PATIENCE
    while rounds < ROUNDS or len(epochs) < EPOCHS:
        if time.monotonic() > until:
            lake.fail(f"after {PATIENCE} s: {rounds} rounds beside {len(epochs)} epochs")
        values = ", ".join(
            f"('foreign-{number}', CAST(1 AS DECIMAL(18, 2)), '{FOREIGN}', '{FOREIGN}', TIMESTAMP '2020-01-01', current_timestamp())"
            for number in range(rounds * ROWS, (rounds + 1) * ROWS)
        )
        engine.sql(f"INSERT INTO default.{TABLE} ({REQUIRED}) VALUES {values}")
        epochs.add(marker(shared.load_table(TABLE)))
        rounds += 1
    print(json.dumps({"rounds": rounds, "epochs": len(epochs)}))


def settle(database, warehouse, written):
    told = json.loads(written)
    if told.get("expired", ROUNDS) < ROUNDS:
        lake.fail(f"hardly a snapshot was expired: {told}")
    shared = catalog(database, warehouse)
    table = shared.load_table(TABLE)
    found = table.scan(row_filter=EqualTo("transaction_type", FOREIGN), selected_fields=("transaction_id",))
    found = collections.Counter(found.to_arrow().column("transaction_id").to_pylist())
    wanted = collections.Counter(f"foreign-{number}" for number in range(told["rounds"] * ROWS))
    if found != wanted:
        lake.fail(f"foreign rows: missing {dict(wanted - found)}, too many {dict(found - wanted)}")
    columns = sum(name.startswith("added_") for name in table.schema().column_names)
    if "expired" in told and columns != (told["rounds"] + EVOLVE_EVERY - 1) // EVOLVE_EVERY:
        lake.fail(f"{columns} columns were added, by {told}")
    epoch = marker(table)
    until = time.monotonic() + PATIENCE
    insist(lambda: shared.load_table(TABLE).delete(EqualTo("transaction_type", FOREIGN)), until)
    if marker(shared.load_table(TABLE)) != epoch:
        lake.fail("the marker changed while nobody wrote")
    print(f"{found.total()} foreign rows and {columns} columns beside {epoch + 1} epochs; {told}")


def main(verb, database, warehouse, *rest):
    if verb == "write":
        write(database, warehouse)
    elif verb == "java":
        java(database, warehouse)
    elif verb == "settle":
        settle(database, warehouse, *rest)
    else:
        lake.fail(__doc__)


main(*sys.argv[1:])

"""rollback.py set-back WAREHOUSE [--append]: rolls the ledger back by a few snapshots, as another program would,
with a row of its own on top if asked, and tells how many rows that took out and added.
rollback.py count WAREHOUSE: how many rows the ledger has."""

import json
import pathlib
import shutil
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import schema_to_pyarrow

import lake

BACK = 2


def ancestors(table):
    """Snapshots from the head downwards."""
    snapshot = table.current_snapshot()
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None


def rows(table):
    return table.scan().count()


def foreign_row(schema):
    """One row of the table's schema that no pipeline wrote."""

    def value(kind):
        if pyarrow.types.is_decimal(kind):
            return Decimal("1.00")
        if pyarrow.types.is_timestamp(kind):
            return datetime(2020, 1, 1, tzinfo=timezone.utc if kind.tz else None)
        if pyarrow.types.is_date(kind):
            return date(2020, 1, 1)
        if pyarrow.types.is_integer(kind):
            return 0
        return "foreign"

    arrow = schema_to_pyarrow(schema, include_field_ids=False)
    columns = [pyarrow.array([value(field.type)], field.type) for field in arrow]
    return pyarrow.Table.from_arrays(columns, schema=arrow)


def set_back(warehouse, append):
    path, version = lake.newest(warehouse, lake.LEDGER)
    catalog = SqlCatalog("rollback", uri="sqlite:///:memory:", warehouse=f"file://{warehouse}")
    catalog.create_namespace("demo")
    table = catalog.register_table("demo.ledger", str(path))
    before = rows(table)

    # The first snapshot that is at least BACK below the head and does not hold the same rows.
    for depth, snapshot in enumerate(ancestors(table)):
        after = table.scan(snapshot_id=snapshot.snapshot_id).count()
        if depth >= BACK and after < before:
            break
    else:
        lake.fail(f"the ledger has too few snapshots to be rolled back: {len(table.metadata.snapshots)}")
    table.manage_snapshots().rollback_to_snapshot(snapshot.snapshot_id).commit()
    foreign = 0
    if append:
        table.append(foreign_row(table.schema()))
        foreign = 1
    if rows(table) != after + foreign:
        lake.fail(f"after the rollback {rows(table)} rows stand, not {after + foreign}")

    # pyiceberg names metadata files its own way; the catalog of the pipeline goes by versions.
    folder = pathlib.Path(path).parent
    location = table.metadata_location.removeprefix("file://")
    shutil.copyfile(location, folder / f"v{version + 1}.metadata.json")
    (folder / "version-hint.text").write_text(str(version + 1))
    print(json.dumps({"taken_out": before - after, "foreign": foreign}))


def main(verb, warehouse, *options):
    if verb == "set-back":
        set_back(warehouse, "--append" in options)
    elif verb == "count":
        print(rows(lake.iceberg(warehouse, lake.LEDGER)))
    else:
        lake.fail(__doc__)


main(*sys.argv[1:])

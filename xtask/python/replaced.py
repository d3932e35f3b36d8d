"""Delta tables whose rows were replaced, read by other readers: `replaced.py DIRECTORY`.

The directory is one that the test `tables_for_other_readers` of highwater-delta has written: each
table lies beside a list of its keys and values. Prints what was compared; fails at a difference.
"""

import json
import pathlib
import sys

import deltalake
import duckdb
import polars


def pairs(table):
    """Keys and values of rows, sorted."""
    rows = []
    for row in table.to_pylist():
        start = int(row["window"]["start"].timestamp()) // 60
        rows.append([start * 2 + (row["type"] is not None), row["value"]])
    return sorted(rows)


def by_deltalake(path):
    table = deltalake.DeltaTable(path)
    query = deltalake.QueryBuilder().register("t", table)
    batches = query.execute('select "window", "type", "value" from t')
    import pyarrow

    return pyarrow.table(batches.read_all())


def by_polars(path):
    return polars.scan_delta(path).select("window", "type", "value").collect().to_arrow()


def by_duckdb(path):
    import duckdb_extensions

    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    duckdb_extensions.import_extension("delta", con=connection)
    connection.sql("load delta; set timezone = 'UTC'")
    found = connection.sql(f"select \"window\", \"type\", \"value\" from delta_scan('{path}')")
    return found.to_arrow_table()


def main():
    failed = False
    for expected in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        path = expected.with_suffix("")
        wanted = json.loads(expected.read_text())
        for reader in (by_deltalake, by_polars, by_duckdb):
            found = pairs(reader(str(path)))
            same = found == wanted
            failed |= not same
            print(path.name, reader.__name__, len(found), "equal" if same else "DIFFERENT")
    sys.exit(failed)


if __name__ == "__main__":
    main()

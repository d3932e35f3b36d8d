"""large.py INPUT TABLE: the Delta table has the events of all files in INPUT, each as often as it is there, as DuckDB reads both."""

import pathlib
import sys

import duckdb
import duckdb_extension_delta

COLUMNS = "event_id, timestamp::TIMESTAMP, user_id, event_type, value"
TYPES = "{event_id: 'VARCHAR', timestamp: 'TIMESTAMP', user_id: 'BIGINT', event_type: 'VARCHAR', value: 'DOUBLE'}"


def main(folder, table):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    package = pathlib.Path(duckdb_extension_delta.__file__).parent
    connection.execute(f"LOAD '{next(package.rglob('*.duckdb_extension'))}'")
    lines = f"read_json('{folder}/*.json', format = 'newline_delimited', columns = {TYPES})"
    connection.execute(f"CREATE TABLE events AS SELECT {COLUMNS} FROM {lines}")
    connection.execute(f"CREATE TABLE found AS SELECT {COLUMNS} FROM delta_scan('{table}')")
    for one, other, what in [("events", "found", "missing"), ("found", "events", "unexpected")]:
        rows = connection.execute(f"SELECT * FROM (FROM {one} EXCEPT ALL FROM {other}) LIMIT 3").fetchall()
        if rows:
            sys.exit(f"rows that are {what}, such as {rows}")
    [(count,)] = connection.execute("SELECT count(*) FROM found").fetchall()
    print(f"one large file: {count} rows, those that DuckDB reads of it")


main(*sys.argv[1:])

"""large.py INPUT TABLE: the Delta table has the events of all files in INPUT, each as often as it is there, as DuckDB reads both."""

import sys

import duckdb_extension_delta

import lake

COLUMNS = "event_id, timestamp::TIMESTAMP, user_id, event_type, value"
TYPES = "{event_id: 'VARCHAR', timestamp: 'TIMESTAMP', user_id: 'BIGINT', event_type: 'VARCHAR', value: 'DOUBLE'}"


def main(folder, table):
    connection = lake.duck(duckdb_extension_delta)
    lines = f"read_json('{folder}/*.json', format = 'newline_delimited', columns = {TYPES})"
    connection.execute(f"CREATE TABLE events AS SELECT {COLUMNS} FROM {lines}")
    connection.execute(f"CREATE TABLE found AS SELECT {COLUMNS} FROM delta_scan('{table}')")
    for one, other, what in [("events", "found", "missing"), ("found", "events", "unexpected")]:
        rows = connection.execute(f"SELECT * FROM (FROM {one} EXCEPT ALL FROM {other}) LIMIT 3").fetchall()
        if rows:
            lake.fail(f"rows that are {what}, such as {rows}")
    [(count,)] = connection.execute("SELECT count(*) FROM found").fetchall()
    print(f"one large file: {count} rows, those that DuckDB reads of it")


main(*sys.argv[1:])

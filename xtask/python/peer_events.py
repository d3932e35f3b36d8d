"""peer_events.py QUERY EVENTS FILE THREADS: the rows of a query over the events in the files of a folder, by DuckDB, as one
Parquet file of the same codec at the same level."""

import sys

import duckdb

COLUMNS = {
    "event_id": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "user_id": "BIGINT",
    "event_type": "VARCHAR",
    "value": "DOUBLE",
}
MINUTES = "{'start': %s, 'end': %s + INTERVAL 5 MINUTE} AS \"window\""
START = "time_bucket(INTERVAL 5 MINUTE, \"timestamp\")"
# A row lies in the five windows that begin in its minute and in the four before it.
PANES = "date_trunc('minute', \"timestamp\") - to_minutes(pane)"
QUERIES = {
    "passthrough": 'SELECT event_id, "timestamp", user_id, event_type, "value" FROM events',
    "tumbling": f"""SELECT {MINUTES % (START, START)}, event_type, count(*) AS event_count, avg("value") AS avg_value
        FROM events GROUP BY {START}, event_type""",
    "sliding": f"""SELECT {MINUTES % ('start', 'start')}, user_id, count(*) AS "count"
        FROM (SELECT {PANES} AS start, user_id FROM events, range(5) AS panes(pane)) GROUP BY start, user_id""",
}


def main(query, events, file, threads):
    duck = duckdb.connect()
    duck.execute(f"SET threads = {int(threads)}")
    duck.execute("SET TimeZone = 'UTC'")
    read = f"read_json('{events}/*.json', format = 'newline_delimited', columns = {COLUMNS})"
    duck.execute(
        f"""COPY (WITH events AS (SELECT * FROM {read}) {QUERIES[query]})
            TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""
    )


main(*sys.argv[1:])

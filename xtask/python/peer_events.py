"""peer_events.py QUERY EVENTS FILE THREADS USERS: the rows of a query over the events in the files of a folder, by DuckDB, as
one Parquet file of the same codec at the same level. USERS is the folder of a table of users, for who joins them."""

import sys

import duckdb

COLUMNS = {
    "event_id": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "user_id": "BIGINT",
    "event_type": "VARCHAR",
    "value": "DOUBLE",
}
EVENT = 'event_id, "timestamp", user_id, event_type, "value"'
MINUTES = "{'start': %s, 'end': %s + INTERVAL 5 MINUTE} AS \"window\""
START = "time_bucket(INTERVAL 5 MINUTE, \"timestamp\")"
# A row lies in the five windows that begin in its minute and in the four before it.
PANES = "date_trunc('minute', \"timestamp\") - to_minutes(pane)"


def tumbling(key):
    return f"""SELECT {MINUTES % (START, START)}, {key}, count(*) AS event_count, avg("value") AS avg_value
        FROM events GROUP BY {START}, {key}"""


QUERIES = {
    "passthrough": f"SELECT {EVENT} FROM events",
    "tumbling": tumbling("event_type"),
    "tumbling-users": tumbling("user_id"),
    "sliding": f"""SELECT {MINUTES % ('start', 'start')}, user_id, count(*) AS "count"
        FROM (SELECT {PANES} AS start, user_id FROM events, range(5) AS panes(pane)) GROUP BY start, user_id""",
    "enrich": f"SELECT {EVENT}, name, country FROM events JOIN users USING (user_id)",
    # Those that come again are the same to the last digit.
    "dedupe": f"SELECT DISTINCT {EVENT} FROM events",
}


def main(query, events, file, threads, users):
    duck = duckdb.connect()
    duck.execute(f"SET threads = {int(threads)}")
    duck.execute("SET TimeZone = 'UTC'")
    read = f"read_json('{events}/*.json', format = 'newline_delimited', columns = {COLUMNS})"
    tables = f"events AS (SELECT * FROM {read}), users AS (SELECT * FROM read_parquet('{users}/*.parquet'))"
    if query != "enrich":
        tables = f"events AS (SELECT * FROM {read})"
    duck.execute(
        f"""COPY (WITH {tables} {QUERIES[query]})
            TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""
    )


main(*sys.argv[1:])

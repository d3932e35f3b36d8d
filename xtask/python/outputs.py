"""outputs.py QUERY iceberg|delta|parquet PLACE: what was written, as JSON: its rows, the sum of one column, a digest of
all values in any order but the time of processing, and the bytes of its files.

QUERY says which columns there are. DuckDB reads the files themselves, of a table those that pyiceberg or deltalake
names for its newest version."""

import json
import os
import sys

import deltalake
import lake

LEDGER = ["transaction_id", "account_from", "account_to", "amount", "currency", "transaction_type", "transaction_hash"]
WINDOW = ['"window".start::TIMESTAMP', '"window"."end"::TIMESTAMP']
# Parquet keeps times in UTC, whatever an engine calls their type. Sums of doubles depend on their order: with more digits one of
# a million averages lies where rounding goes the other way.
EVENT = ["event_id", '"timestamp"::TIMESTAMP', "user_id", "event_type", "value"]
QUERIES = {
    "ledger": ("amount", [*LEDGER, "event_timestamp::TIMESTAMP"]),
    "passthrough": ("user_id", EVENT),
    "dedupe": ("user_id", EVENT),
    "enrich": ("user_id", [*EVENT, "name", "country"]),
    "tumbling": ("event_count", [*WINDOW, "event_type", "event_count", "round(avg_value, 3)"]),
    "tumbling-users": ("event_count", [*WINDOW, "user_id", "event_count", "round(avg_value, 3)"]),
    "sliding": ('"count"', [*WINDOW, "user_id", '"count"']),
}


def files_of(kind, place):
    if kind == "parquet":
        return [place]
    if kind == "delta":
        return [uri.removeprefix("file://") for uri in deltalake.DeltaTable(place).file_uris()]
    tasks = lake.iceberg(place, lake.LEDGER).scan().plan_files()
    return [task.file.file_path.removeprefix("file://") for task in tasks]


def main(query, kind, place):
    files = files_of(kind, place)
    summed, values = QUERIES[query]
    values = ", ".join(values)
    query = f"SELECT count(*), sum({summed})::VARCHAR, sum(hash({values})::HUGEINT)::VARCHAR FROM read_parquet(?)"
    rows, total, digest = lake.duck().execute(query, [files]).fetchone()
    size = sum(os.path.getsize(file) for file in files)
    print(json.dumps({"rows": rows, "sum": total, "digest": digest, "bytes": size, "files": len(files)}))


main(*sys.argv[1:])

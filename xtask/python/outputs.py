"""outputs.py iceberg WAREHOUSE | outputs.py parquet FILE: what a ledger holds, as JSON: its rows, the sum of their
amounts, a digest of all their values in any order but the time of processing, and the bytes of its files.

DuckDB reads the files themselves, of an Iceberg table those that pyiceberg names for its current snapshot."""

import json
import os
import sys

import lake

VALUES = ["transaction_id", "account_from", "account_to", "amount", "currency", "transaction_type", "transaction_hash"]


def files_of(kind, place):
    if kind == "parquet":
        return [place]
    tasks = lake.iceberg(place, lake.LEDGER).scan().plan_files()
    return [task.file.file_path.removeprefix("file://") for task in tasks]


def main(kind, place):
    files = files_of(kind, place)
    # Parquet keeps times in UTC, whatever an engine calls their type.
    values = ", ".join([*VALUES, "event_timestamp::TIMESTAMP"])
    query = f"SELECT count(*), sum(amount)::VARCHAR, sum(hash({values})::HUGEINT)::VARCHAR FROM read_parquet(?)"
    rows, amount, digest = lake.duck().execute(query, [files]).fetchone()
    size = sum(os.path.getsize(file) for file in files)
    print(json.dumps({"rows": rows, "amount": amount, "digest": digest, "bytes": size, "files": len(files)}))


main(*sys.argv[1:])

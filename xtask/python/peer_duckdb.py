"""peer_duckdb.py RECORDS FILE THREADS: the ledger of the records in the files of a folder, by DuckDB, as one Parquet file.

What it does is what the ledger does: the same columns, the same hash, the same codec at the same level."""

import sys

import duckdb

KEYS = ["transaction_id", "account_from", "account_to", "amount", "currency", "transaction_type"]
HASHED = ["transaction_id", "account_from", "account_to", "amount", "currency"]


def main(records, file, threads):
    duck = duckdb.connect()
    duck.execute(f"SET threads = {int(threads)}")
    duck.execute("SET TimeZone = 'UTC'")
    columns = {key: "VARCHAR" for key in KEYS} | {"timestamp": "TIMESTAMP"}
    duck.execute(
        f"""COPY (
            SELECT transaction_id, account_from, account_to, amount::DECIMAL(18, 2) AS amount, currency, transaction_type,
                   sha256(concat_ws('|', {', '.join(HASHED)})) AS transaction_hash,
                   "timestamp"::TIMESTAMPTZ AS event_timestamp, now() AS processing_time
            FROM read_json('{records}/*.jsonl', format = 'newline_delimited', columns = {columns})
        ) TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""
    )


main(*sys.argv[1:])

"""first.py WAREHOUSE RECORDS: of each transaction the ledger holds the first record, and no other.

The generator gives a record that comes again the id TXNn of the first of its kind, which stands at offset n. RECORDS is
how many it has, none of them late."""

import sys

import lake


def main(warehouse, records):
    duck = lake.duck()
    ledger = lake.scan(warehouse, lake.LEDGER)
    rows, ids, last = duck.execute(
        f"SELECT count(*), count(DISTINCT transaction_id), max(_offset) FROM {ledger}"
    ).fetchone()
    if rows != ids:
        lake.fail(f"{rows} rows have {ids} ids")
    others = duck.execute(
        f"""SELECT transaction_id, _offset FROM {ledger}
            WHERE CAST(substr(transaction_id, 4) AS BIGINT) <> _offset ORDER BY ALL LIMIT 5"""
    ).fetchall()
    if others:
        lake.fail(f"rows that are not the first of their id, such as {others}")
    late = duck.execute(f"SELECT count(*) FROM {lake.scan(warehouse, lake.LEDGER + '_late')}").fetchone()[0]
    if late:
        lake.fail(f"{late} rows were late")
    if last >= int(records):
        lake.fail(f"{records} records were sent, and one stands at offset {last}")
    print(f"{rows} ids, each at its first record")


main(*sys.argv[1:])

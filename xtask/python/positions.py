"""positions.py WAREHOUSE RECORDS: every position of the source stands in exactly one of the tables, once.

The source has RECORDS records and no gaps, so the offsets of each partition run from 0 without holes."""

import sys

import lake


def main(warehouse, records):
    duck = lake.duck()
    ledger = lake.scan(warehouse, lake.LEDGER)
    rejected = lake.scan(warehouse, lake.REJECTED)
    duck.execute(
        f"""CREATE TABLE positions AS
            SELECT _topic AS topic, _partition AS part, _offset AS nr, 'ledger' AS held FROM {ledger}
            UNION ALL
            SELECT topic, "partition", "offset", 'rejected' FROM {rejected}"""
    )
    twice = duck.execute(
        """SELECT topic, part, nr, list(held) FROM positions
           GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 5"""
    ).fetchall()
    if twice:
        lake.fail(f"positions that stand more than once, such as {twice}")
    holes = duck.execute(
        """SELECT topic, part, min(nr), max(nr), count(*) FROM positions
           GROUP BY ALL HAVING min(nr) <> 0 OR max(nr) + 1 <> count(*)"""
    ).fetchall()
    if holes:
        lake.fail(f"partitions with missing positions (topic, partition, first, last, count): {holes}")
    found = duck.execute("SELECT count(*) FROM positions").fetchone()[0]
    if found != int(records):
        lake.fail(f"{records} records were sent, {found} positions stand in the tables")
    print(f"{found} positions, each once")


main(*sys.argv[1:])

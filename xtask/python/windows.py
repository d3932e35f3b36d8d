"""windows.py FOLDER SEED: random rows in epochs, and the windows that DuckDB makes of those that are not late.

events.csv    epoch, partition, offset, id, time, n, f, s
epochs.csv    epoch, late_before, watermark; event time ends in the last one
KIND.csv      epoch in which it is emitted, start, end, id, aggregates

`sparse` are rows of which many are late. `calm` are rows of which none is: sessions that were closed could touch later
rows otherwise, which no GROUP BY tells. Times are microseconds."""

import csv
import os
import random
import sys

import duckdb

EPOCHS, ROWS = 100, 40
STEP, DELAY = 30, 60
SIZE, SLIDE, WIDE, GAP = 50, 15, 65, 12
TABLES = {
    "events": "epoch INT, part INT, pos BIGINT, id TEXT, time BIGINT, n BIGINT, f DOUBLE, s TEXT",
    "epochs": "epoch INT, late_before BIGINT, watermark BIGINT",
}
SUMS = """count(*), count(n), sum(n), min(n), max(n), avg(n), sum(f), min(s), max(s),
    first(s ORDER BY time, part, pos), last(n ORDER BY time, part, pos)"""


def rows(rng, disorder, count=EPOCHS, most=ROWS):
    """Rows of epochs: times go on by STEP, and back by up to `disorder`; some lie on edges, some are missing."""
    positions = [0, 0]
    for epoch in range(count):
        for _ in range(rng.randrange(1, most)):
            part = rng.randrange(2)
            time = 10_000 + epoch * STEP + rng.randrange(STEP) - rng.randrange(disorder)
            time = rng.choice([time, time, time - time % 5, None if rng.random() < 0.05 else time])
            pos = positions[part]
            positions[part] += 1
            yield (
                epoch, part, pos, rng.choice(["a", "b", "c", "d", None]), time,
                rng.choice([None, rng.randrange(-9, 9), rng.randrange(-(10**9), 10**9)]),
                rng.choice([None, rng.randrange(-99, 99) / 4]), rng.choice([None, "x", "y", "zz", "xy"]),
            )


def epochs(events):
    """What is late in each epoch, and what has passed behind it: made of the epochs before it."""
    passed, latest = [], None
    for epoch in range(EPOCHS):
        passed.append(None if latest is None else latest - DELAY)
        times = [row[4] for row in events if row[0] == epoch and row[4] is not None]
        latest = max(times + ([] if latest is None else [latest]), default=None)
    return [(epoch, passed[epoch - 1] if epoch else None, passed[epoch]) for epoch in range(EPOCHS)] + [
        (EPOCHS, passed[-1], 2**62)
    ]


def query(groups, aggregates):
    """The groups, each in the epoch whose watermark reaches its end."""
    return f"""
        WITH groups AS (SELECT start, stop, id, {aggregates} FROM ({groups}) GROUP BY start, stop, id)
        SELECT (SELECT min(epoch) FROM epochs WHERE watermark >= stop), * FROM groups ORDER BY ALL"""


def even(size, slide):
    """Each row in all windows that hold it and are not closed when it comes."""
    return f"""
        SELECT events.*, start, start + {size} AS stop
        FROM (SELECT *, unnest(range((time // {slide} - {size} // {slide} - 1) * {slide}, time + 1, {slide})) AS start
              FROM events WHERE time IS NOT NULL) AS events
        JOIN epochs USING (epoch)
        WHERE start + {size} > time AND start + {size} > coalesce(late_before, -1)"""


def sessions(gap):
    """Rows of one key until none comes for longer than the gap."""
    return f"""
        SELECT *, min(time) OVER own AS start, max(time) OVER own + {gap} AS stop
        FROM (SELECT *, sum(new) OVER (PARTITION BY id ORDER BY time, part, pos) AS number
              FROM (SELECT *, CASE WHEN time - lag(time) OVER (PARTITION BY id ORDER BY time, part, pos) <= {gap}
                              THEN 0 ELSE 1 END AS new
                    FROM events WHERE time IS NOT NULL))
        WINDOW own AS (PARTITION BY id, number)"""


def write(folder, rng, disorder, kinds):
    os.makedirs(folder)
    db, events = duckdb.connect(), list(rows(rng, disorder))
    db.execute("SET threads = 1")
    for (table, columns), lines in zip(TABLES.items(), (events, epochs(events)), strict=True):
        path = f"{folder}/{table}.csv"
        with open(path, "w", encoding="utf-8", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows(lines)
        db.execute(f"CREATE TABLE {table} ({columns})")
        db.execute(f"COPY {table} FROM '{path}' (HEADER false)")
    for kind, groups in kinds.items():
        aggregates = SUMS if kind == "session" else SUMS + ", count(DISTINCT n)"
        found = db.execute(f"COPY ({query(groups, aggregates)}) TO '{folder}/{kind}.csv' (HEADER false)")
        print(f"{os.path.basename(folder)}: {len(events)} rows, {found.fetchone()[0]} windows of kind {kind}")


def main(folder, seed):
    rng = random.Random(int(seed))
    kinds = {"tumbling": even(SIZE, SIZE), "sliding": even(WIDE, SLIDE)}
    write(f"{folder}/sparse", rng, 4 * DELAY, kinds)
    write(f"{folder}/calm", rng, DELAY - STEP, kinds | {"session": sessions(GAP)})


if __name__ == "__main__":
    main(*sys.argv[1:])

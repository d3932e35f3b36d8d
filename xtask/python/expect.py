"""expect.py RECORDS WAREHOUSE READER..: computes both tables from the records and compares what the readers find.

A record is a line. What it must be is written here once more, from the documentation, not from the code."""

import collections
import decimal
import hashlib
import json
import sys
from datetime import datetime

import lake
from readers import READERS

KEYS = ["transaction_id", "account_from", "account_to", "amount", "currency", "transaction_type", "timestamp"]
FOUND = ["transaction_id", "transaction_hash", "amount"]
HASHED = ["transaction_id", "account_from", "account_to", "amount", "currency"]
CENT = decimal.Decimal("0.01")


def row(line):
    """The row of a record, or nothing for one that must be rejected."""
    try:
        record = json.loads(line)
    except (ValueError, UnicodeDecodeError):
        return None
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in KEYS):
        return None
    try:
        amount = decimal.Decimal(record["amount"])
        datetime.fromisoformat(record["timestamp"])
    except (decimal.InvalidOperation, ValueError):
        return None
    if not amount.is_finite() or abs(amount) >= 10**16 or amount != amount.quantize(CENT):
        return None
    text = "|".join(record[key] for key in HASHED)
    return record["transaction_id"], hashlib.sha256(text.encode()).hexdigest(), amount.quantize(CENT)


def expected(path):
    rows, rejected = collections.Counter(), collections.Counter()
    with open(path, "rb") as records:
        for line in records.read().removesuffix(b"\n").split(b"\n"):
            made = row(line)
            if made is None:
                rejected[line] += 1
            else:
                rows[made] += 1
    return rows, rejected


def compare(reader, what, wanted, found):
    if wanted != found:
        missing = list((wanted - found).items())[:3]
        extra = list((found - wanted).items())[:3]
        lake.fail(
            f"{reader}: {what} differ: {wanted.total()} expected, {found.total()} found; "
            f"missing such as {missing}, unexpected such as {extra}"
        )


def main(records, warehouse, *readers):
    rows, rejected = expected(records)
    if not rows or not rejected:
        lake.fail(f"{records} has {rows.total()} rows and {rejected.total()} bad records: both are needed")
    for reader in readers:
        read = READERS[reader]
        compare(reader, "rows", rows, collections.Counter(read(warehouse, lake.LEDGER, FOUND)))
        raw = collections.Counter(bytes(raw) for (raw,) in read(warehouse, lake.REJECTED, ["raw"]))
        compare(reader, "rejected records", rejected, raw)
    total = sum(amount * count for (_, _, amount), count in rows.items())
    print(f"{rows.total()} rows, {rejected.total()} rejected, amounts of {total}: as computed, in {', '.join(readers)}")


if __name__ == "__main__":
    main(*sys.argv[1:])

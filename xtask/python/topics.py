"""What brokers and people do to topics, and what must then stand in the ledger.

topics.py fill BOOTSTRAP TOPIC PARTITION COUNT: appends that many records to a partition.
topics.py stream BOOTSTRAP TOPIC: appends to all partitions until standard input closes; tells how many.
topics.py delete-before BOOTSTRAP TOPIC PARTITION OFFSET | recreate BOOTSTRAP TOPIC | widen BOOTSTRAP TOPIC PARTITIONS
topics.py compact BOOTSTRAP TOPIC KEYS ROUNDS: makes a compacted topic of one partition, and waits until it is compacted.
topics.py compare BOOTSTRAP TOPIC WAREHOUSE: the ledger holds exactly what the topic holds.
topics.py compare-gap BOOTSTRAP TOPIC WAREHOUSE PARTITION FROM TO: that, with what was read of the partition before
FROM, and the gap stands in the table's marker.
topics.py compare-latest BOOTSTRAP TOPIC WAREHOUSE OLD FIRST: of the first OLD partitions what came from some offset not
before FIRST on, of later ones everything.
topics.py told BOOTSTRAP TOPIC GROUP: the offsets of the group are the ends of the topic."""

import json
import sys
import threading
import time

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec

import lake
import records

PATIENCE = 120


def admin(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap})


def done(futures):
    """Waits for the answers of an administrator's request."""
    return {key: future.result(PATIENCE) for key, future in futures.items()}


def partitions(client, topic):
    return [TopicPartition(topic, index) for index in client.list_topics(topic, 30).topics[topic].partitions]


def ends(client, topic):
    latest = {partition: OffsetSpec.latest() for partition in partitions(client, topic)}
    return {partition.partition: told.offset for partition, told in done(client.list_offsets(latest)).items()}


class Writer:
    """Sends records, each once, and knows of every one whether it was taken."""

    def __init__(self, bootstrap):
        settings = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 2}
        self.producer, self.failed, self.taken = Producer(settings), None, 0

    def send(self, topic, partition, name):
        while True:
            try:
                key = name.rsplit("-", 1)[0]
                self.producer.produce(
                    topic, key=key, value=records.record(name), partition=partition, on_delivery=self.note
                )
                return self.producer.poll(0)
            except BufferError:
                self.producer.poll(0.1)

    def note(self, error, _message):
        self.failed, self.taken = self.failed or error, self.taken + (error is None)

    def close(self):
        left = self.producer.flush(PATIENCE)
        if left or self.failed:
            lake.fail(f"{left} records were not sent: {self.failed}")


def fill(bootstrap, topic, partition, count):
    writer, begin = Writer(bootstrap), ends(admin(bootstrap), topic)[partition]
    for offset in range(begin, begin + count):
        writer.send(topic, partition, f"{topic}-{partition}-{offset}")
    writer.close()


def stream(bootstrap, topic):
    stop, writer = threading.Event(), Writer(bootstrap)
    count = len(partitions(admin(bootstrap), topic))

    def write():
        number = 0
        while not stop.is_set():
            writer.send(topic, number % count, f"stream-{number}")
            number += 1
            if number % 20 == 0:
                time.sleep(0.01)

    thread = threading.Thread(target=write)
    thread.start()
    while sys.stdin.read(4096):
        pass
    stop.set()
    thread.join()
    writer.close()
    print(f"{writer.taken} records were taken", file=sys.stderr)


def delete_before(bootstrap, topic, partition, offset):
    client = admin(bootstrap)  # without a name it would be gone before its answer comes
    done(client.delete_records([TopicPartition(topic, partition, offset)]))


def recreate(bootstrap, topic):
    client = admin(bootstrap)
    count = len(partitions(client, topic))
    done(client.delete_topics([topic], operation_timeout=30))
    deadline = time.monotonic() + PATIENCE
    while topic in client.list_topics(timeout=30).topics:
        if time.monotonic() > deadline:
            lake.fail(f"{topic} does not go")
        time.sleep(0.1)
    done(client.create_topics([NewTopic(topic, count, 1)]))
    await_leaders(client, topic, count)


def widen(bootstrap, topic, count):
    client = admin(bootstrap)
    done(client.create_partitions([NewPartitions(topic, count)]))
    await_leaders(client, topic, count)


def await_leaders(client, topic, count):
    deadline = time.monotonic() + PATIENCE
    while True:
        known = client.list_topics(topic, 30).topics[topic].partitions
        if len(known) == count and all(partition.leader >= 0 for partition in known.values()):
            return
        if time.monotonic() > deadline:
            lake.fail(f"{topic} does not come to {count} partitions with leaders")
        time.sleep(0.1)


def compact(bootstrap, topic, keys, rounds):
    settings = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
    client = admin(bootstrap)
    done(client.create_topics([NewTopic(topic, 1, 1, config=settings)]))
    await_leaders(client, topic, 1)
    for turn in range(rounds):
        writer = Writer(bootstrap)
        for key in range(keys):
            writer.send(topic, 0, f"{topic}-{key}-{turn}")
        writer.close()
        time.sleep(0.2)  # longer than a segment lasts
    # What is written last is never compacted: a few more records close the segment before.
    fill(bootstrap, topic, 0, 3)
    written, deadline = keys * rounds + 3, time.monotonic() + PATIENCE
    while (left := len(records.committed(bootstrap, topic))) > keys + 3:
        if time.monotonic() > deadline:
            lake.fail(f"{topic} is not compacted: {left} of {written} records are left")
        time.sleep(0.3)
    print(f"{left} of {written} records are left", file=sys.stderr)


def compare(bootstrap, topic, warehouse):
    held = records.held(warehouse)
    records.same(held, records.committed(bootstrap, topic))
    print(f"{len(held)} records, each once")


def compare_gap(bootstrap, topic, warehouse, partition, begin, end):
    held, found = records.held(warehouse), records.committed(bootstrap, topic)
    before = {(partition, offset): f"{topic}-{partition}-{offset}" for offset in range(begin)}
    records.same(held, found | before)
    gap = {"partition": f"{topic}/{partition}", "from": begin, "to": end}
    markers = [value for value in lake.iceberg(warehouse, lake.LEDGER).metadata.properties.values() if '"gaps"' in value]
    if not any(gap in gaps_of(json.loads(marker)) for marker in markers):
        lake.fail(f"no marker of the table tells of {gap}: {markers}")
    print(f"{len(held)} records, each once, and the gap {gap}")


def gaps_of(value):
    """Every gap anywhere in a marker."""
    if isinstance(value, dict):
        return value.get("gaps", []) + [gap for part in value.values() for gap in gaps_of(part)]
    return [gap for part in value for gap in gaps_of(part)] if isinstance(value, list) else []


def compare_latest(bootstrap, topic, warehouse, old, first):
    held, found = records.held(warehouse), records.committed(bootstrap, topic)
    begins = {
        index: min((offset for partition, offset in held if partition == index), default=None) for index in range(old)
    }
    for index, begin in begins.items():
        if begin is None or begin < first:
            lake.fail(f"partition {index} was read from offset {begin}, not from {first} or later")
    expected = {place: name for place, name in found.items() if place[1] >= begins.get(place[0], 0)}
    records.same(held, expected)
    print(f"{len(held)} records, each once; partitions began at {begins}, later ones at their first record")


def told(bootstrap, topic, group):
    client = admin(bootstrap)
    answer = done(client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
    offsets = {partition.partition: partition.offset for partition in answer.topic_partitions}
    if offsets != ends(client, topic):
        lake.fail(f"group {group} has the offsets {offsets}, and {topic} ends at {ends(client, topic)}")
    print(f"group {group} has the offsets {offsets}")


VERBS = [fill, stream, delete_before, recreate, widen, compact, compare, compare_gap, compare_latest, told]


def main(verb="", *arguments):
    for act in VERBS:
        if act.__name__.replace("_", "-") == verb:
            return act(*(int(it) if it.isdecimal() else it for it in arguments))
    lake.fail(__doc__)


main(*sys.argv[1:])

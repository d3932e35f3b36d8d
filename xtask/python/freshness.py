"""freshness.py BOOTSTRAP TOPIC WAREHOUSE SECONDS: how long records of a topic waited until a snapshot of the ledger held
them, as JSON in milliseconds: the average, the median, the 99th of a hundred and the worst. Fails if any is in no
snapshot. Those that were made in the first SECONDS do not count.

A record was made when its producer says so (Kafka's CreateTime). A snapshot can be read from the moment when the
metadata file that first has it gets its name. That changes the inode, so it is the file's ctime; its mtime is when its
bytes were written, before they were synced, and the time inside the snapshot is older still. The later of ctime and the
snapshot's time counts. Which records a snapshot brought are the ranges in the marker that its commit left among the
table's properties."""

import array
import collections
import json
import math
import os
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, TIMESTAMP_CREATE_TIME, Consumer, TopicPartition
from pyiceberg.table import StaticTable

import lake

MARKER = "highwater.marker."

Commit = collections.namedtuple("Commit", ["epoch", "planned", "visible", "ranges"])


def made(bootstrap, topic):
    """When each record was made: partition -> milliseconds since 1970, by offset."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{topic}-freshness", "enable.auto.commit": False})
    parts = consumer.list_topics(topic, 30).topics[topic].partitions
    partitions = [TopicPartition(topic, part, OFFSET_BEGINNING) for part in parts]
    ends = {partition.partition: consumer.get_watermark_offsets(partition, 30)[1] for partition in partitions}
    consumer.assign(partitions)
    stamps = {partition: array.array("q") for partition in ends}
    left, deadline = sum(ends.values()), time.monotonic() + 1_800
    while left:
        if time.monotonic() > deadline:
            lake.fail(f"librdkafka does not reach the end of {topic}: {left} records are left")
        for message in consumer.consume(10_000, 1):
            if message.error():
                lake.fail(f"librdkafka cannot read {topic}: {message.error()}")
            kind, stamp = message.timestamp()
            partition, offset = message.partition(), message.offset()
            known = stamps[partition]
            if kind != TIMESTAMP_CREATE_TIME or offset != len(known):
                lake.fail(f"record {offset} of partition {partition}: time of kind {kind}, behind {len(known)} records")
            known.append(stamp)
            left -= 1
    consumer.close()
    return stamps


def commits(warehouse):
    """The commits of the ledger in their order, and how many rows there are in all."""
    newest, last = lake.newest(warehouse, lake.LEDGER)
    found, known = [], None
    for version in range(1, last + 1):
        path = newest.with_name(f"v{version}.metadata.json")
        table = StaticTable.from_metadata(str(path))
        snapshot = table.current_snapshot()
        if snapshot is not None and snapshot.snapshot_id != known:
            known = snapshot.snapshot_id
            found.append(commit(table, snapshot, path))
    rows = lake.duck().execute(f"SELECT count(*) FROM {lake.scan(warehouse, lake.LEDGER)}").fetchone()[0]
    return found, rows


def commit(table, snapshot, path):
    """What one snapshot brought, and since when it can be read."""
    (marker,) = [json.loads(value)["marker"] for key, value in table.properties.items() if key.startswith(MARKER)]
    epoch, stamped = marker["epoch"], snapshot.summary["highwater.epoch"]
    if str(epoch) != stamped:
        lake.fail(f"{path.name}: the marker is of epoch {epoch}, the snapshot of {stamped}")
    visible = max(math.ceil(os.stat(path).st_ctime_ns / 1e6), snapshot.timestamp_ms)
    plan = marker["plan"]
    ranges = [
        (int(taken["partition"].rsplit("/", 1)[1]), taken["from"]["next"], taken["to"]["next"])
        for source in plan["sources"].values()
        for taken in source.get("ranges", [])
    ]
    count, added = sum(to - start for _, start, to in ranges), int(snapshot.summary["added-records"] or 0)
    if count != added:
        lake.fail(f"{path.name}: the marker has {count} records, the snapshot added {added} rows")
    return Commit(epoch, plan["now"] / 1_000, visible, ranges)


def check(stamps, found, rows):
    """Each record is in exactly one snapshot."""
    ends = dict.fromkeys(stamps, 0)
    for each in found:
        for partition, start, to in each.ranges:
            end = ends[partition]
            if start != end:
                lake.fail(f"epoch {each.epoch} has partition {partition} from {start} on, those before it up to {end}")
            ends[partition] = to
    lengths = {partition: len(known) for partition, known in stamps.items()}
    if ends != lengths:
        lake.fail(f"records in no snapshot: the last one ends at {ends}, the partitions at {lengths}")
    if rows != sum(ends.values()):
        lake.fail(f"the snapshots have {sum(ends.values())} records, the files {rows} rows")


def percentile(waits, share):
    """The shortest wait that `share` of all records did not exceed."""
    rank, seen = math.ceil(waits.total() * share), 0
    for wait in sorted(waits):
        seen += waits[wait]
        if seen >= rank:
            return wait


def main(bootstrap, topic, warehouse, seconds):
    stamps = made(bootstrap, topic)
    found, rows = commits(warehouse)
    check(stamps, found, rows)
    since = min(stamp for part in stamps.values() for stamp in part[:1]) + int(seconds) * 1_000
    waits, unplanned, counted = collections.Counter(), 0.0, collections.Counter()
    for each in found:
        for partition, start, to in each.ranges:
            for stamp, count in collections.Counter(stamps[partition][start:to]).items():
                if stamp >= since:
                    waits[each.visible - stamp] += count
                    unplanned += (each.planned - stamp) * count
                    counted[stamp] += count
    if len(counted) < 2:
        lake.fail(f"{counted.total()} records came after the first {seconds} s: there must be some, of different times")
    if min(waits) < 0:
        lake.fail(f"a snapshot holds a record that was made {-min(waits)} ms later")
    last, total = max(counted), waits.total()
    print(
        json.dumps(
            {
                "records": rows,
                "counted": total,
                # Records come in small bundles of one time. The last bundle has no time after it.
                "rate": round((total - counted[last]) * 1_000 / (last - min(counted))),
                "commits": len(found),
                "averageMs": math.ceil(sum(wait * count for wait, count in waits.items()) / total),
                "p50Ms": percentile(waits, 0.5),
                "p99Ms": percentile(waits, 0.99),
                "maxMs": max(waits),
                "unplannedMs": round(unplanned / total),
            }
        )
    )


main(*sys.argv[1:])

"""transactions.py produce BOOTSTRAP TOPIC JOURNAL --seed N: five producers, one a codec, send transactions and abort
three of ten until standard input closes. JOURNAL gets a line for each transaction with its fate.
transactions.py compare BOOTSTRAP TOPIC JOURNAL WAREHOUSE: the ledger holds exactly what librdkafka reads as committed."""

import collections
import json
import random
import sys
import threading
import time

from confluent_kafka import IsolationLevel, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

import lake
import records

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
ABORTED = 0.3
RESTARTS = 3


class Sender(threading.Thread):
    """One transactional producer. Every record is of one transaction, whose number is in its id."""

    def __init__(self, codec, bootstrap, topic, seed, stop, journal):
        super().__init__(name=codec)
        self.codec, self.bootstrap, self.topic = codec, bootstrap, topic
        self.random, self.stop, self.journal = random.Random(f"{seed}-{codec}"), stop, journal
        self.error = None

    def run(self):
        try:
            producer, number = self.connect(), 0
            while not self.stop.is_set():
                fate = self.transaction(producer, number)
                if fate == "unknown":
                    producer = self.connect()
                self.journal(f"{self.codec}-{number}", fate)
                number += 1
            self.close(producer, number)
        except Exception as error:
            self.error = error

    def connect(self):
        """A new producer of the same id, which ends what the last one left open."""
        while True:
            producer = Producer(
                {
                    "bootstrap.servers": self.bootstrap,
                    "transactional.id": f"{self.topic}-{self.codec}",
                    "compression.type": self.codec,
                    "linger.ms": 5,
                    "transaction.timeout.ms": 20000,
                    "log_level": 2,
                }
            )
            try:
                producer.init_transactions(20)
                return producer
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                time.sleep(0.2)

    def close(self, producer, number):
        """Ends with a transaction in every partition: what the broker forgot to end takes its fate. Nothing else would
        end that, for the coordinator believes that it has (KIP-890)."""
        partitions = list(producer.list_topics(self.topic, 30).topics[self.topic].partitions)
        fate = "unknown"
        while fate == "unknown":
            fate = self.send(producer, number, partitions, committing=True)
            if fate == "unknown":
                producer = self.connect()
            self.journal(f"{self.codec}-{number}", fate)
            number += 1

    def transaction(self, producer, number):
        committing = self.random.random() >= ABORTED
        # Wherever the key belongs.
        partitions = [-1] * self.random.randrange(1, 60)
        return self.send(producer, number, partitions, committing)

    def send(self, producer, number, partitions, committing):
        """Sends one transaction, a record to each of `partitions`; committed, aborted, or unknown when the broker went
        away in the middle."""
        try:
            producer.begin_transaction()
            for index, partition in enumerate(partitions):
                name = f"{self.codec}-{number}-{index}"
                producer.produce(self.topic, key=name, value=self.record(name), partition=partition)
                producer.poll(0)
            if committing:
                retried(producer.commit_transaction)
                return "committed"
            # Without this, librdkafka would drop what it has not sent yet.
            producer.flush(20)
            retried(producer.abort_transaction)
            return "aborted"
        except (KafkaException, BufferError) as error:
            return self.give_up(producer, error)

    def give_up(self, producer, error):
        reason = error.args[0] if isinstance(error, KafkaException) else None
        if reason is not None and reason.txn_requires_abort():
            try:
                retried(producer.abort_transaction)
                return "aborted"
            except KafkaException:
                pass
        return "unknown"

    def record(self, name):
        cents = self.random.randrange(1000, 1000000)
        return json.dumps(
            {
                "transaction_id": name,
                "account_from": f"ACC{self.random.randrange(1000):06}",
                "account_to": f"ACC{self.random.randrange(1000):06}",
                "amount": f"{cents // 100}.{cents % 100:02}",
                "currency": "EUR",
                "transaction_type": "transfer",
                "timestamp": "2025-01-16T12:00:00.123456",
            }
        )


def retried(act):
    """Calls again what librdkafka says may be called again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return act(15)
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def produce(bootstrap, topic, journal, seed):
    stop, lock = threading.Event(), threading.Lock()
    with open(journal, "w") as file:

        def write(transaction, fate):
            with lock:
                file.write(json.dumps([transaction, fate]) + "\n")

        senders = [Sender(codec, bootstrap, topic, seed, stop, write) for codec in CODECS]
        for sender in senders:
            sender.start()
        while sys.stdin.read(4096):
            pass
        stop.set()
        for sender in senders:
            sender.join()
    for sender in senders:
        if sender.error is not None:
            lake.fail(f"the producer with {sender.codec} failed: {sender.error!r}")
    settle(bootstrap, topic)


def settle(bootstrap, topic):
    """Waits until every transaction has its markers: a broker answers a commit before it has written them."""
    admin, deadline = AdminClient({"bootstrap.servers": bootstrap}), time.monotonic() + 90
    partitions = admin.list_topics(topic, 30).topics[topic].partitions
    latest = {TopicPartition(topic, number): OffsetSpec.latest() for number in partitions}

    def ends(isolation):
        futures = admin.list_offsets(latest, isolation_level=isolation)
        return {partition: future.result().offset for partition, future in futures.items()}

    while ends(IsolationLevel.READ_COMMITTED) != ends(IsolationLevel.READ_UNCOMMITTED):
        if time.monotonic() > deadline:
            lake.fail(f"transactions of {topic} are still open 90 s after their producers ended")
        time.sleep(0.2)


def check_journal(path, found):
    """The reader of the truth agrees with what the producers were told, but for restarts: a transaction whose end
    the broker forgets takes the fate of the next one (KIP-890), at most one for each producer and restart."""
    fates = dict(json.loads(line) for line in open(path))
    counts = collections.Counter((name.split("-")[0], fate) for name, fate in fates.items())
    for codec in CODECS:
        if not counts[codec, "committed"] or not counts[codec, "aborted"]:
            lake.fail(f"{codec} has too few transactions: {dict(counts)}")
    read = {record.rsplit("-", 1)[0] for record in found.values()}
    lost = [name for name, fate in fates.items() if fate == "committed" and name not in read]
    shown = [name for name, fate in fates.items() if fate == "aborted" and name in read]
    if len(lost) + len(shown) > RESTARTS * len(CODECS):
        lake.fail(f"librdkafka misses committed {lost[:3]} or shows aborted {shown[:3]} transactions")
    return {**collections.Counter(fates.values()), "took the fate of the next": len(lost) + len(shown)}


def compare(bootstrap, topic, journal, warehouse):
    found = records.committed(bootstrap, topic)
    fates = check_journal(journal, found)
    held = records.held(warehouse)
    records.same(held, found)
    print(f"{len(held)} committed records, each once; transactions {fates}")


def main(verb, *arguments):
    if verb == "produce":
        bootstrap, topic, journal, _, seed = arguments
        produce(bootstrap, topic, journal, seed)
    elif verb == "compare":
        compare(*arguments)
    else:
        lake.fail(__doc__)


main(*sys.argv[1:])

"""peer_spark.py BROKERS TOPIC WAREHOUSE CHECKPOINT THREADS: the ledger of the records in a topic, by Spark's structured
streaming, as an Iceberg table, until it holds what is there. Tells, as JSON, what Spark's own process took: as a whole,
and from the middle of the rows on, when it is warm.

Spark takes its jars from SPARK_JARS, with commas between them. It commits a million rows at a time: that is less often
than every second, which is what it does best at."""

import json
import sys

from pyspark.sql import functions as sql

import spark_process

KEYS = ["transaction_id", "account_from", "account_to", "amount", "currency", "transaction_type", "timestamp"]
HASHED = ["transaction_id", "account_from", "account_to", "amount", "currency"]
TABLE = "lake.demo.transactions_ledger"
AT_ONCE = 1_000_000


def session(warehouse, threads):
    return spark_process.session(
        threads,
        {
            "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.lake.type": "hadoop",
            "spark.sql.catalog.lake.warehouse": warehouse,
        },
    )


def create(spark):
    spark.sql(
        f"""CREATE TABLE {TABLE} (transaction_id STRING, account_from STRING, account_to STRING, amount DECIMAL(18, 2),
            currency STRING, transaction_type STRING, transaction_hash STRING, event_timestamp TIMESTAMP,
            processing_time TIMESTAMP) USING iceberg TBLPROPERTIES
            ('write.parquet.compression-codec' = 'zstd', 'write.parquet.compression-level' = '1')"""
    )


def ledger(spark, brokers, topic):
    source = spark.readStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", topic)
    records = source.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", AT_ONCE).load()
    schema = ", ".join(f"`{key}` STRING" for key in KEYS)
    rows = records.select(sql.from_json(sql.col("value").cast("string"), schema).alias("row")).select("row.*")
    return rows.select(
        "transaction_id",
        "account_from",
        "account_to",
        sql.col("amount").cast("decimal(18,2)").alias("amount"),
        "currency",
        "transaction_type",
        sql.sha2(sql.concat_ws("|", *HASHED), 256).alias("transaction_hash"),
        sql.col("timestamp").cast("timestamp").alias("event_timestamp"),
        sql.current_timestamp().alias("processing_time"),
    )


def main(brokers, topic, warehouse, checkpoint, threads):
    spark = session(warehouse, threads)
    process = spark_process.Process(spark)
    create(spark)
    writer = ledger(spark, brokers, topic).writeStream.format("iceberg").outputMode("append")
    writer = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    print(json.dumps(process.follow(writer.toTable(TABLE))))


main(*sys.argv[1:])

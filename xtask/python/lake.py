"""Reads the tables of a warehouse the way a stranger would: with pyiceberg, and with DuckDB."""

import contextlib
import functools
import os
import pathlib
import re
import sqlite3
import sys

import duckdb
import duckdb_extension_avro
import duckdb_extension_iceberg
from pyiceberg.table import StaticTable

LEDGER = "demo/transactions_ledger"
REJECTED = "demo/transactions_ledger_rejected"


def fail(message):
    """Ends the script; the caller prints the message."""
    sys.exit(message)


def newest(warehouse, table):
    """The newest metadata file of a table and its version."""
    found = []
    for path in pathlib.Path(warehouse, table, "metadata").glob("v*.metadata.json"):
        match = re.fullmatch(r"v(\d+)\.metadata\.json", path.name)
        if match:
            found.append((int(match[1]), path))
    if not found:
        fail(f"{warehouse}/{table} has no metadata: no such table")
    version, path = max(found)
    return path, version


def iceberg(warehouse, table):
    """The table in pyiceberg."""
    path, _ = newest(warehouse, table)
    return StaticTable.from_metadata(str(path))


def duck(*packages):
    """DuckDB with the extensions of these Python packages, or those for Iceberg, which need no download."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for package in packages or (duckdb_extension_avro, duckdb_extension_iceberg):
        folder = pathlib.Path(package.__file__).parent
        extension = next(folder.rglob("*.duckdb_extension"))
        connection.execute(f"LOAD '{extension}'")
    return connection


def scan(warehouse, table):
    """The table in a DuckDB query, found through the SQL catalog beside the warehouse, or its version hint."""
    database = pathlib.Path(warehouse).parent / "catalog.db"
    if not database.exists():
        return f"iceberg_scan('{warehouse}/{table}')"
    namespace, name = table.split("/")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (location,) = connection.execute(
            "SELECT metadata_location FROM iceberg_tables WHERE table_namespace = ? AND table_name = ?",
            (namespace, name),
        ).fetchone()
    return f"iceberg_scan('{location.removeprefix('file://')}')"


def spark(catalog, options):
    """Spark with the jars that SPARK_JARS names, and one more Iceberg catalog."""
    started = engine()
    started.conf.set(f"spark.sql.catalog.{catalog}", "org.apache.iceberg.spark.SparkCatalog")
    for name, value in options.items():
        started.conf.set(f"spark.sql.catalog.{catalog}.{name}", value)
    return started


def engine(more=None):
    """The one Spark of this process, with `more` settings: it takes longer to start than to answer."""
    return started(tuple((more or {}).items()))


@functools.cache
def started(more):
    return session(2, dict(more))


def session(threads, more):
    """A Spark with so many threads and `more` settings. It takes its jars from SPARK_JARS, with commas between them."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.jars": os.environ["SPARK_JARS"],
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "ERROR",
        **more,
    }
    builder = SparkSession.builder.master(f"local[{threads}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()

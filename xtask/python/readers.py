"""Engines that read the tables of a warehouse, each in its own way: all give the rows of some columns as tuples.

Spark takes its jars from SPARK_JARS, their paths with commas between them."""

import functools
import itertools

import polars
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

import lake

TIME = "event_timestamp"
NUMBERS = itertools.count(1)


def by_pyiceberg(warehouse, table, columns, within=None):
    selected = {"selected_fields": tuple(columns)}
    if within:
        begin, end = (moment.isoformat() for moment in within)
        selected["row_filter"] = And(GreaterThanOrEqual(TIME, begin), LessThan(TIME, end))
    found = lake.iceberg(warehouse, table).scan(**selected).to_arrow()
    return list(zip(*(found.column(name).to_pylist() for name in columns)))


def by_duckdb(warehouse, table, columns, within=None):
    query = f"SELECT {', '.join(columns)} FROM {lake.scan(warehouse, table)}"
    if within:
        return duck().execute(f"{query} WHERE {TIME} >= ? AND {TIME} < ?", within).fetchall()
    return duck().execute(query).fetchall()


def by_polars(warehouse, table, columns, within=None):
    frame = polars.scan_iceberg(lake.iceberg(warehouse, table))
    if within:
        frame = frame.filter(polars.col(TIME) >= within[0], polars.col(TIME) < within[1])
    return frame.select(columns).collect().rows()


def by_spark(warehouse, table, columns, within=None):
    query = f"SELECT {', '.join(columns)} FROM {catalog(warehouse)}.{table.replace('/', '.')}"
    if within:
        begin, end = (f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S} UTC'" for moment in within)
        query += f" WHERE {TIME} >= {begin} AND {TIME} < {end}"
    found = lake.engine().sql(query).toArrow()
    return list(zip(*(found.column(name).to_pylist() for name in columns)))


@functools.cache
def duck():
    return lake.duck()


@functools.cache
def catalog(warehouse):
    """The warehouse as a catalog of Spark, found by version hint and file names."""
    name = f"lake_{next(NUMBERS)}"
    lake.spark(name, {"type": "hadoop", "warehouse": warehouse})
    return name


READERS = {"pyiceberg": by_pyiceberg, "duckdb": by_duckdb, "polars": by_polars, "spark": by_spark}

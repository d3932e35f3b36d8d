"""Spark as the benchmarks run it, and what its own process takes: not the Python that starts it."""

import itertools
import os
import pathlib
import sys
import time

import lake

TICKS = os.sysconf("SC_CLK_TCK")


def session(threads, more):
    """Spark with so many threads and `more` settings."""
    return lake.session(threads, {"spark.sql.ansi.enabled": "false", "spark.driver.memory": "2g", **more})


class Process:
    """The process of a Spark, and what it has taken so far."""

    def __init__(self, spark):
        number = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
        self.folder = pathlib.Path(f"/proc/{number}")

    def cpu(self):
        fields = (self.folder / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 // TICKS

    def peak(self):
        lines = (self.folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024

    def follow(self, query):
        """What it takes until a query ends: as a whole, and from the middle of the rows on, when it is warm."""
        # Rows and milliseconds on processors, for each batch that has ended.
        seen = {}
        while True:
            active = query.isActive
            for progress in query.recentProgress:
                if progress["batchId"] not in seen:
                    seen[progress["batchId"]] = (progress["numInputRows"], self.cpu())
            if not active:
                break
            time.sleep(0.1)
        if query.exception():
            sys.exit(str(query.exception()))
        batches = [seen[batch] for batch in sorted(seen)]
        rows, cpu = second_half(batches)
        told = {"cpuMillis": self.cpu(), "peakBytes": self.peak(), "batches": len(batches)}
        return {**told, "warmRows": rows, "warmCpuMillis": cpu}


def second_half(batches):
    """Rows and milliseconds after the batch that ends nearest to the middle; none if few rows are left then."""
    ends = list(itertools.accumulate(rows for rows, _ in batches))
    total = ends[-1]
    at = min(range(len(ends)), key=lambda batch: abs(2 * ends[batch] - total))
    rows = total - ends[at]
    return (rows, batches[-1][1] - batches[at][1]) if 4 * rows >= total else (0, 0)

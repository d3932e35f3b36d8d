"""expressions.py: asks Spark for the expressions of docs/semantics/select.md, and says which answers are not those of the page.

By hand, in the root of the repository, with Java 17 and pyspark 4.1.3:

    python xtask/python/expressions.py

ANSI is on, and the session is in UTC. Each row of the page is | `expression` | answer | Spark's |, the last one where it is another. An answer is
a type and a value, `null`, `refused: ..` where the expression is no one, or `rejected: ..` where a row has no answer.
Of the last two only the word counts, and `refused` and `rejected` are not told apart of Spark, which folds constants early."""

import datetime
import decimal
import sys

from pyspark.sql import SparkSession

PAGE = "docs/semantics/select.md"
ROW = """SELECT 7 AS i, -3L AS l, 0 AS z, CAST(NULL AS INT) AS n, CAST(12.50 AS DECIMAL(10,2)) AS d, 0.1D AS f, ' Ab ' AS s, 'abc' AS w,
    DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:34:56.789012' AS t, true AS b, named_struct('user_id', 5L, 'Country', 'de') AS p"""


def rows():
    """The expressions of the page, each with our answer and Spark's."""
    for line in open(PAGE, encoding="utf-8"):
        cells = [cell.strip() for cell in line.replace("\\|", "\0").strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0].startswith("`") and line.startswith("| `"):
            expression, ours, spark = (cell.replace("\0", "|").strip("`") for cell in cells)
            yield expression, ours, spark or ours


def shown(value):
    """A value as the page has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S.%f")
        return text.rstrip("0").rstrip(".")
    if isinstance(value, float):
        return repr(value).replace("e+", "e").replace("nan", "NaN")
    return str(value)


def answer(frame, expression):
    """What Spark says."""
    try:
        made = frame.selectExpr(f"{expression} AS x")
        value = made.collect()[0][0]
    except Exception as error:  # whatever it is, it is no answer
        condition = getattr(error, "getCondition", lambda: None)()
        return f"error: {condition or str(error).splitlines()[0][:80]}"
    if value is None:
        return "null"
    return f"{made.schema[0].dataType.simpleString()} {shown(value)}"


def main():
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = spark.config("spark.sql.ansi.enabled", "true").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    frame = spark.createDataFrame([(0,)], "zero int").crossJoin(spark.sql(ROW)).drop("zero")
    wrong = count = 0
    for expression, ours, noted in rows():
        said = answer(frame, expression)
        count += 1
        fails = noted.startswith(("refused", "rejected", "error"))
        if not (fails and said.startswith("error") or said == noted):
            wrong += 1
            print(f"{expression}\n  page:  {noted}\n  Spark: {said}")
    print(f"{count} expressions, {wrong} of them other than on the page", file=sys.stderr)
    sys.exit(wrong > 0 or count == 0)


if __name__ == "__main__":
    import os
    import time

    os.environ["TZ"] = "UTC"
    time.tzset()
    main()

"""spark.py CODEC LEDGER: writes what Spark answers to records, as fixtures of the codec's tests and of the ledger's.

By hand, in the root of the repository, with Java 17 and pyspark 4.1.3:

    python xtask/python/spark.py crates/highwater-codec/tests/data/spark.jsonl crates/examples/ledger/tests/data/spark.jsonl

Each record is the binary value of a row, as of a Kafka topic. It is cast to a string and read by a permissive from_json;
decimals and timestamps are read as strings and then cast. ANSI is off, and the session is in UTC.

A fixture has one JSON array a line. The first says who wrote it. [{columns}] begins records of other columns, and [value, row] is a record. A value is
a string, {"hex": bytes} when it is not UTF-8, or null. In a row decimals are strings, timestamps microseconds since 1970
in UTC, and doubles what Python's repr makes of them. The inputs are those of docs/semantics/casts.md, the lists below and
made-up ones of a fixed seed. Times without a date are left out: they are of the day on which they are read."""

import json
import random
import re
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

SEED = 41
LONGEST = 8_000  # bytes; longer inputs of the page are about limits
PAGE = "docs/semantics/casts.md"
STRUCT = {"n": "long"}
INNER = {"text": "text", "int": "int", "deep": {"n": "long", "amount": "decimal(18,2)"}}
WIDE = {"text": "text", "int": "int", "long": "long", "double": "double", "boolean": "boolean",
        "amount": "decimal(18,2)", "time": "timestamp", "inner": INNER}
LEDGER = ["transaction_id", "account_from", "account_to", "amount", "currency", "transaction_type", "timestamp"]

TEXTS = ["abc", "", " a ", "tab\\t\\n\\r\\b\\f\\/\\\\\\\"", "\\u00e9\\u20ac", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\ud83d\\ud83d\\ude00",
         "\\ude00\\ud83d", "\\u0000", "\\uFFFF", "\\uD83Dx", "é€😀", "\\'", "\\q", "\\u12", "\\u12g4", "'", "\\ud83d\\u0041", "a\u007fb", "\u2028"]
NUMBERS = """0 -0 1 -1 7 10 123 00 007 -007 -00 +1 +0 .5 -.5 5. 0.5 0.0 -0.0 1.0 1.10 1.50 1e0 1e3 1E3 1e+3 1e-3 1.e3 1e 1e+ 1ee 1.5e 0e400 0e37 0e38
    1e400 -1e400 1e-400 1e22 1e23 2e-3 1e7 1e6 12345678.9 9999999.5 10000000.5 0.001 0.0001 0.00012 100 1e21 123456789012345678901234567890
    2147483647 2147483648 -2147483648 -2147483649 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
    9007199254740993 0.1 0.2 0.3 12.5 12.34 12.345 1.005 2.675 0.005 -0.005 0.015 99999999999999.99 9999999999999999.99 9999999999999999.995 10000000000000000 1234567890.12
    123456789012.34 4.9e-324 2.2250738585072014e-308 1.7976931348623157e308 1.7976931348623159e308 5e-324 2e-44 8.41e21 2.0e-3 9.999999999999999e22
    NaN -NaN +NaN nan Infinity -Infinity +Infinity infinity INF -INF +INF -Inf NaNx Infinityx -I -In 1x 1_000 1,000 0x10 1d 1f 1L --1 -+1 -a - +""".split()
DECIMALS = """0 -0 1 12.5 12.34 12.345 12.344999 -12.345 0.005 -0.005 0.015 0.025 0.004999999999999999999999999999999999999999999 1e3 1E3 1e+3 1E-3 5e-3 1e-400 0e400 0e37 0e38 0.00e39 1e400 1e15 1e16
    1e-100000 1e100000 1e9999999999 1e10000000000 1e00000000000000000003 1e-00000000000000000003 1e-9999999999 1e-10000000000
    1e1000000000 1e2147483648 1e-2147483648 0e2147483647 0e-2147483647 0e2147483648 0e-2147483648 0.0e2147483648 0e-2147483649
    +5 +.5 .5 5. . + - e 1e 1e+ e3 .e3 00012.30 9999999999999999.99 9999999999999999.994 9999999999999999.995 -9999999999999999.995 99999999999999999 10000000000000000
    99999999999999999999999999999999999999 100000000000000000000000000000000000000 0.00000000000000000000000000000000000001 0.000000000000000000000000000000000000005
    0.99999999999999999999999999999999999999 0.999999999999999999999999999999999999995 123456789012345678901234567890.123456789 1.5 2.5 0.5 -0.5
    ５ １２.３４ ٣ ٣٫٥ 1２ ५e५ 5５.e２ 𝟓 NaN Infinity 1,000.00 0x10 1_000 5d 5f 5L 1.2.3 --5 +-5 1e1.5 1e--2 ½ ² 一 ೫ ༣ ᠕ ꩓ ０e０""".split()
PADDINGS = [" {}", "{} ", "\\t{}\\n", "\\u0000{}\\u0000", "\\u001f{}\\u007f", "\\u00a0{}", "{}\\u2003", "\\u000b{}\\u001c", "\\u0085{}", "{}\\u007f", "x{}", "{}x"]
DATES = """2025-01-16 2025-1-6 2025-01 2025-1 2025 20250 202501 2025011 +2025 -2025 -0001-01-01 0000-01-01 00000-01-01 10000-01-01 +10000-01-01 9999-12-31 1582-10-10 1500-02-29 1900-02-29
    2024-02-29 2025-02-29 2025-02-30 2025-13-01 2025-00-01 2025-01-00 2025-01-32 999999-01-01 294247-01-10 294248-01-01 -290308-12-21 -290309-01-01 025-01-01 25-01-01 2025-001-01 2025-01-001
    2025/01/16 2025-01/16 2025.01.16 20250116 2025-W03 2025-016 1736985600 now today epoch yesterday 16.01.2025 2025- 2025-01- -- - + 2025--01 ２025-01-16 1969-12-31 1970-01-01""".split()
TIMES = ["12:30:00", "12:30", "12", "1:2:3", "01:2:03", "00:00:00", "23:59:59", "24:00:00", "12:60:00", "12:30:60", "12:30:00.", "12:30:00.5", "12:30:00.123456", "12:30:00.1234567",
         "12:30:00.123456999", "12:30:00.0000001", "12:30:00,5", "123000", "12:30:0", "12::00", "12:30:", ":30", "12:30:00.5.5", "012:30:00", "12:30:000", "12:", "1:2", "12:30:00.a", "12:30:00:00"]
ZONES = ["", "Z", "z", " Z", "+02:00", "-05:30", "-0530", "+2", "-8", "+02", "+02:0", "+2:00", "+2:0", "+18:00", "+18:01", "-18:00", "+19", "+02:00:30", "+020030", "+02:60", "+02:0x", "UTC", " UTC", "GMT", "UT",
         " UTC+3", "GMT+3", "GMT+03:00", "GMT-0330", "UTC+03:30:15", "UT-1", "UTC+19", "UTC+", "utc", "gmt", "Zulu", " Zulu", "EST", "MST", "HST", "PST", "CET", " Europe/Paris", "Europe/Paris", "[Europe/Paris]",
         "+02:00[Europe/Paris]", " America/New_York", "Foo/Bar", " X", "GMT0", "Etc/GMT+5", "UTCX", "+", "-", "+-2", "++2", "+2:", "+1234567", " +02:00", "  +02:00", "+ 02:00", "-00:00", "+24:00", "é", "A", "AB", " "]
RECORDS = """{"v":1} | { "v" : 1 } | {} | {"V":1} | {"":1,"other":{"v":2}} | {"\\u0076":1} | {"v":1,"v":2} | {"v":1,"v":"x"} | {"v":1,"v":null} | {"v":null,"v":3} | {"v":1,"x":1,"x":2}
    {"v":1}{"v":2} | {"v":1} xyz | {"v":1}] | {"v":1}} | {"v":1}, | null | true | 42 | "text" | [] | [{"v":1}] | [1] | hello | {"v":1 | {"v":1,} | {,"v":1} | {v:1} | {'v':1} | {'v':1,"x":'y'} | {"v":1,"x":tru}
    {"v":1 // one\n} | {/* */"v":1} | {"v":1,"x":1e400} | {"v":1 "x":2} | {"v" 1} | {"v"::1} | {"v":} | {"v":1,,"x":2} | {"x":[1,2,],"v":1} | {"x":[1 2],"v":1} | {"x":[,],"v":1} | {"x":{"y":1,},"v":1}
    {"v":1,"x":[} | {"v":1,"x":]} | {"v":1,"x":"unclosed | {"v":1,"x":"\\q"} | {"v":"\\q","x":1} | {"v":"\\q,"x":1} | {"v":"a","x":007} | {"v":1,"x":007} | {"x":007,"v":1} | {"v":1,'x | {"v":1,"x":truex} | {"v":1,"x":nul}
    {"v":1,"x":NaN} | {"v":1,"x":+1} | {"v":1,"x":-Infinity} | {"v":1,"x":.5} | {"v":1,"x":5.} | {"v":1,"x":0x10} | #{"v":1} | {"v":1,#"x":2\n} | \ufeff{"v":1} | {"v":1}\u0000 | {"v":1,"x":"\u0001"} | {"v":1,"x\u0001":2}
    {"v":\u00a01} | \u000c{"v":1} | {"v":1\u001e} | {"v":[1]} | {"v":{"v":2}} | {"v":{"v":2},"v":3} | {"v":[{"v":2}],"x":1} | {"a":{"v":5}} | {"a":{"b":{"v":5}},"v":6} | {"v":1,"\\ud800":2} | {"v":1,"x":"\\ud800"} | {"v":1,"\\q":2}
    {"v":true} | {"v":false} | {"v":"1"} | {"v":""} | {"v":1.0} | {"v":1e0} | {"v":-0} | {"v":99999999999999999999} | {"v":tru,"x":1} | {"v":1:2} | {"v":1;"x":2} | "v":1 | } | { | [ | {"v | {"v" | {"v": | {"v":1,"x" | {"v":1, | {"v":-}
    \r\n\t{"v":1} | {"v"\r\n:\t1\r,\n"x":2} | ' | {''':1} | {'\\'':1,'v':2} | {"v":'1'} | {"x":'a\\'b"c',"v":4} | {"x":'a\nb',"v":4} | {"v":1,"x":{"v":2,"y":[{"v":3}]},"z":4}"""
INNERS = """{"inner":{"int":1,"text":"a"},"int":5} | {"int":1,"inner":{"int":007},"text":"x"} | {"int":1,"inner":{"int":"x","text":"b"},"text":"x"} | {"inner":{"deep":{"n":1.5,"amount":"2.5"},"text":"c"}} | {"inner":[],"int":3}
    {"inner":"x","int":3} | {"inner":5,"int":3} | {"inner":null,"int":3} | {"inner":{},"int":3} | {"inner":{"int":1},"inner":{"text":"t"}} | {"inner":{"int":1},"inner":5} | {"inner":{"deep":5,"int":2}} | {"inner":{"deep":{"n":tru},"int":2},"int":9}
    {"text":"a","inner":{"int":1,"text":"\\q","int":3},"int":4} | {"text":"a","inner":{"int":1,"text":"\\q,"int":3},"int":4} | {"text":"a","inner":{"int":1]},"int":4} | {"text":"a","inner":{"int":1,"x":[1,2},"int":4} | {"text":"a","inner":{"int":1 "text":"b"},"int":4}
    {"text":"a","inner":{'int':1,'text':'b'},'int':4} | {"text":"a","inner":{int:1},"int":4} | {"text":"a","inner":{"int":nul},"int":4} | {"text":"a","inner":{"int":+5},"int":4} | {"text":"a","inner":{"int":1.},"int":4} | {"text":"a","inner":{"int":1.5e},"int":4}
    {"text":"a","inner":{"int":-x},"int":4} | {"text":"a","inner":{"int":0.x},"int":4} | {"text":"a","inner":{"int":,"text":"b"},"int":4} | {"text":"a","inner":{"int" 1,"text":"b"},"int":4} | {"text":"a","inner":{,"text":"b"},"int":4} | {"text":{"a":1,"b":tru},"int":4}
    {"text":{"a":[1,{"b":null}],"c":true,"d":"\\u00e9😀\\ud83d\\u0007\\u001f/\\"","e":1.50,"f":-0,"g":1e400} ,"int":4} | {"text":[1.10, 2e5 ,"x",[ ],{ }],"int":4} | {"text":{"a\\n\\"":'b"'},"int":4} | {"text":{"a":01},"int":4} | {"text":[1,2,"int":4} | {"text":{"a":"\\q"},"int":4}
    {"text":[1,2},"int":4} | {"text":{"a" 1},"int":4} | {"text":{"int":7,"x":tru,"long":8},"int":4} | {"text":{"x":\\,"long":8},"int":4} | {"double":{"int":7,"x":tru,"long":8},"int":4} | {"double":[1,2,{"a":[]}],"int":4} | {"double":{"a":1,"int":4} | {"boolean":{"int":"\\q,"long":2},"int":4}
    {"int":1,"inner":{"int":2,"deep":{"n":3,"amount":007}},"text":"x"} | {"int":1,"inner":{"int":2,"deep":{"n":3,"n":truf},"int":5},"text":"x"} | {"int":1,"inner":{"text":"a\nb","int":2},"text":"x"} | {"int":1,"inner":{"text":'a\nb',"int":2},"text":"x"} | {"int":1,"inner":{"x\\q":1,"int":2},"text":"x"}"""
BYTES = ["ff", "c080", "eda080", "eda0", "ed", "edb080", "e28222", "e282", "f09f98", "f09f9880", "f4908080", "f5808080", "f8808080", "e08080", "e0a0", "f0808080", "f0908080", "f09080", "c3", "c3a9", "80", "bf80", "c1bf", "efbfbf", "f48fbfbf", "eda0bdedb880", "fe", "f0", "f4", "f49080", "e0"]


def page_cases():
    """(type, value) of every row of the page that is not about a limit."""
    in_table = False
    for line in open(PAGE, encoding="utf-8"):
        if not line.startswith("|"):
            in_table = False
            continue
        kind, text = (cell.strip().replace("\1", "|") for cell in line[1:].replace("\\|", "\1").split("|")[:2])
        if kind == "type":
            in_table = True
        elif in_table and not kind.startswith("--"):
            value = page_value(kind, text)
            if value is None or len(value) <= LONGEST:
                yield kind.removesuffix(" required"), value


def page_value(kind, text):
    if text in ("(tombstone)", "(empty)", "missing"):
        return {"(tombstone)": None, "(empty)": b"", "missing": b"{}"}[text]
    parts = re.split("«(.*?)»", text.strip("`"))
    value = b""
    for at, part in enumerate(parts):
        times = part.split(" × ", 1)
        if at % 2 == 0:
            value += part.encode()
        elif len(times) == 2:
            value += times[1].encode() * min(int(times[0]), 20_000)
        else:
            value += bytes.fromhex(part)
    return value if kind == "record" else b'{"v":' + value + b"}"


def member(text):
    return ('{"v":%s}' % text).encode()


def quoted(texts):
    return [member(f'"{text}"') for text in texts]


def listed(text):
    return [record.strip(" ").encode() for record in re.split(r" \| |\n    ", text)]


def numbers(chance, count):
    """JSON numbers of many shapes."""
    for _ in range(count):
        shape = chance.randrange(6)
        if shape == 0:
            yield f"{chance.uniform(-10_000, 10_000):.2f}"
        elif shape == 1:
            yield repr(chance.uniform(0, 1) * 10 ** chance.randrange(-20, 30))
        elif shape == 2:
            yield f"{chance.randrange(10 ** chance.randrange(1, 19))}.{chance.randrange(10 ** chance.randrange(1, 9))}"
        elif shape == 3:
            yield f"{chance.randrange(1, 1000)}e{chance.randrange(-330, 310)}"
        elif shape == 4:
            yield repr(2.0 ** chance.randrange(-200, 200))
        else:
            yield str(chance.randrange(-10**chance.randrange(1, 25), 10**12))


def times(chance, count):
    """Texts like timestamps, all with a date."""
    plain = [f"{day}{sep}{clock}{zone}" for day, sep, clock, zone in
             (("2025-01-16", chance.choice("T "), clock, zone) for clock in TIMES for zone in ("", "Z"))]
    zoned = [f"2025-01-16T12:30:00{fraction}{zone}" for zone in ZONES for fraction in ("", ".5")]
    dated = [f"{day}{rest}" for day in DATES for rest in ("", "T12:30:00", " 1:2:3.5+02:00", "T", " ")]
    texts = plain + zoned + dated + [f"2025-01-16{sep}12:30:00" for sep in ("t", "  ", "_", "-", "T ", " T", "\\t")]
    texts += [padding.format("2025-01-16T12:30:00") for padding in PADDINGS] + ["2025-03-30 02:30:00 Europe/Paris"]
    for _ in range(count):
        year, digits = chance.choice([chance.randrange(10_000), chance.randrange(1900, 2100)]), chance.randrange(10)
        fraction = "." + "".join(chance.choices("0123456789", k=digits)) if digits else ""
        zone = chance.choice(["", "", "Z", f"{chance.choice('+-')}{chance.randrange(20):02}:{chance.randrange(65):02}"])
        texts.append(f"{year:04}-{chance.randrange(14):02}-{chance.randrange(33):02}{chance.choice('T ')}"
                     f"{chance.randrange(26):02}:{chance.randrange(62):02}:{chance.randrange(62):02}{fraction}{zone}")
    return texts


def wide_record(chance):
    """An object of the wide columns with values of the right type, the wrong one, or none."""
    def text():
        return f'"{chance.choice(TEXTS[:9])}"'

    values = {
        "text": text, "int": lambda: str(chance.randrange(-10, 10**10)), "long": lambda: str(chance.randrange(10**20)),
        "double": lambda: chance.choice(list(numbers(chance, 1)) + ["NaN", '"NaN"', '"Infinity"', '"-INF"', '"1"']),
        "boolean": lambda: chance.choice(["true", "false", '"true"', "1"]),
        "amount": lambda: chance.choice([f'"{chance.choice(DECIMALS[:20])}"', next(numbers(chance, 1))]),
        "time": lambda: '"2025-01-16T%02d:30:00"' % chance.randrange(25),
        "inner": lambda: '{"text":%s,"int":%d,"deep":%s}' % (text(), chance.randrange(5), chance.choice(
            ["null", '{"n":5,"amount":"1.5"}', '{"n":"5","amount":2.5}', "{}", "[]", "7"])),
        "other": lambda: chance.choice(['{"int":1,"a":[{}]}', "[1,[2]]", "null", text(), "1.5"]),
    }
    odd = ["null", "{}", "[]", '""', "5", "1.5", "true", '"x"', '{"int":1}', "[1,{}]"]
    members = []
    for key in chance.choices(list(values), k=chance.randrange(9)):
        value = chance.choice(odd) if chance.random() < 0.2 else values[key]()
        members.append(f'"{key}"{chance.choice(["", " "])}:{chance.choice(["", " "])}{value}')
    return ("{" + chance.choice([",", ", ", " ,\n"]).join(members) + "}").encode()


def mutated(chance, record):
    """The record with a few bytes changed."""
    record = bytearray(record)
    for _ in range(chance.randrange(1, 4)):
        at, kind = chance.randrange(len(record) + 1), chance.randrange(4)
        if kind == 0:
            del record[at:at + chance.randrange(1, 4)]
        elif kind == 1:
            record[at:at] = chance.choice([b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"'", b"0", b"-", b"e", b".", b" ", b"n", b"t", b"\xff", b"\x01", b"/", b"+"])
        elif kind == 2:
            other = chance.randrange(len(record) + 1)
            record[at:at] = record[min(at, other):max(at, other)][:12]
        else:
            record = record[:at] if chance.random() < 0.3 else record
    return bytes(record)


def codec_cases(seed, count):
    """(columns, records) of the codec's fixture."""
    chance, groups = random.Random(seed), {}
    def add(kind, values):
        groups.setdefault(kind, {}).update(dict.fromkeys(values))

    for kind, value in page_cases():
        add(kind, [value])
    plain = [member(number) for number in NUMBERS] + quoted(NUMBERS) + [member(value) for value in (
        "null", "true", "false", '""', "{}", "[]", "'x'", "''", "tru", "True", '{"a": 1}', '["a"]', "NULL", ",", "}", "]")]
    more = [member(number) for number in numbers(chance, count)]
    for kind in ("text", "int", "long", "double", "boolean", "decimal(18,2)", "timestamp"):
        add(kind, plain)
    for kind in ("text", "double", "decimal(18,2)"):
        add(kind, more)
    add("text", quoted(TEXTS) + [member(f"'{text}'") for text in TEXTS[:9]] + [b'{"v":"%s|"}' % bytes.fromhex(code) for code in BYTES])
    add("text", [b'{"v":{"%s":1}}' % bytes.fromhex(code) for code in BYTES[:6]] + [member(f'["{text}"]') for text in TEXTS])
    add("text", [member("9" * digits) for digits in (1000, 1001)] + [member("0." + "1" * digits) for digits in (999, 1000)])
    decimals = quoted(DECIMALS) + quoted(padding.format("5") for padding in PADDINGS)
    for kind in ("decimal(18,2)", "decimal(38,0)", "decimal(38,38)", "decimal(10,5)"):
        add(kind, decimals)
    add("timestamp", quoted(times(chance, count)))
    add("record", listed(RECORDS) + [b"", b" ", b"\n", None])
    add("wide", listed(INNERS) + [wide_record(chance) for _ in range(count)])
    add("wide", [mutated(chance, wide_record(chance)) for _ in range(3 * count)])
    add("wide", [mutated(chance, chance.choice(listed(INNERS))) for _ in range(count)])
    for kind, values in groups.items():
        columns = WIDE if kind == "wide" else {"v": {"record": "long", "struct": STRUCT}.get(kind, kind)}
        yield columns, list(values)


def ledger_cases():
    """Transactions, good and bad, for the job of the seed."""
    def transaction(**changed):
        made = {"transaction_id": "TXN1", "account_from": "ACC1", "account_to": "ACC2", "amount": "12.5", "currency": "EUR",
                "transaction_type": "payment", "timestamp": "2025-01-16T12:30:00.5"} | changed
        return json.dumps({key: value for key, value in made.items() if value is not ...}).encode()

    yield from (transaction(), None, b"", b" ", b"oops", b"null", b"[]", b"42", transaction()[:-1], transaction()[:40], b"{}")
    for key in LEDGER:
        for value in (..., None, 5, 1.5, True, {"a": [1, 2.0]}, ["x"], "", "pipe|a"):
            yield transaction(**{key: value})
    yield from (transaction(amount=amount) for amount in (
        "0.005", "-0.005", "0.015", "0.025", "1e3", "+5", ".5", "5.", "00012.30", "５", " 5 ", "5\0", "1,000.00", "NaN", "9999999999999999.995", "1e400", "1e-400", 12.345, 1e22))
    yield from (transaction(timestamp=time) for time in (
        "2025-01-16", "2025-01-16 12:30", "2025-01-16T12:30:00.1234567", "2025-01-16T12:30:00+02:00", "2025-01-16T12:30:00 GMT+3", "2025-1-6", "2025", "2025-02-30", "2025-01-16T24:00:00", "now"))
    yield from (transaction(account_from=None, account_to="Q"), transaction(account_from="Q", account_to=None), transaction(account_from="a|b", account_to="c"), transaction(account_from="a", account_to="b|c"))
    yield from (transaction() + b" xyz", transaction() + transaction(), b"{'transaction_id':'T','amount':'1'}", b'{"transaction_id":"a","transaction_id":"b"}', b'\xef\xbb\xbf' + transaction(), b'{"transaction_id":"\xff\xed\xa0\x80","amount":"1"}',
                b'{"transaction_id":"\\ud83d","amount":"1"}', b'{"transaction_id":"\\q","amount":"1"}', b'{"transaction_id":"T","amount":007}', b'{"transaction_id":"T","amount":NaN}', transaction()[:-1] + b',"x":"\x01"}')


def ddl(columns):
    """The schema that from_json reads: what is cast afterwards is a string."""
    names = {"text": "STRING", "int": "INT", "long": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN"}
    fields = (f"`{name}`: {ddl(kind)}" if isinstance(kind, dict) else f"`{name}`: {names.get(kind, 'STRING')}" for name, kind in columns.items())
    return f"STRUCT<{', '.join(fields)}>"


def casts(parsed, columns):
    """The columns of `parsed`, cast, as texts that lose nothing."""
    for name, kind in columns.items():
        field = parsed.getField(name)
        if isinstance(kind, dict):
            yield sql.when(field.isNotNull(), sql.struct(*casts(field, kind))).alias(name)
        elif kind == "timestamp":
            yield sql.unix_micros(field.cast("timestamp")).alias(name)
        elif kind.startswith("decimal"):
            yield field.cast(kind).cast("string").alias(name)
        else:
            yield field.alias(name)


def shown(value, columns):
    """A row as the fixture has it."""
    return {name: shown(value[name], kind) if isinstance(kind, dict) and value[name] is not None
            else repr(value[name]) if kind == "double" and value[name] is not None else value[name]
            for name, kind in columns.items()}


def answers(spark, columns, values):
    frame = spark.createDataFrame([(at, value) for at, value in enumerate(values)], "at INT, value BINARY")
    parsed = sql.from_json(frame.value.cast("string"), ddl(columns).replace("STRUCT<", "", 1)[:-1].replace("`: ", "` "))
    rows = frame.select("at", parsed.alias("parsed")).select("at", *casts(sql.col("parsed"), columns)).collect()
    return [shown(row, columns) for row in sorted(rows, key=lambda row: row["at"])]


def seed_rows(spark, values):
    """The job of the seed, but for the time of processing."""
    frame = spark.createDataFrame([(at, value) for at, value in enumerate(values)], "at INT, value BINARY")
    data = sql.from_json(frame.value.cast("string"), ", ".join(f"{key} STRING" for key in LEDGER)).alias("data")
    hashed = sql.sha2(sql.concat_ws("|", "transaction_id", "account_from", "account_to", "amount", "currency"), 256)
    columns = ["transaction_id", "account_from", "account_to", sql.col("amount").cast("decimal(18,2)").cast("string").alias("amount"), "currency",
               "transaction_type", hashed.alias("transaction_hash"), sql.unix_micros(sql.col("timestamp").cast("timestamp")).alias("event_timestamp")]
    rows = frame.select("at", data).select("at", "data.*").select("at", *columns).orderBy("at").collect()
    return [{name: row[name] for name in row.asDict() if name != "at"} for row in rows]


def written(value):
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"hex": value.hex()}


def of_today(row):
    now = time.time() * 1e6
    return any(of_today(value) if isinstance(value, dict) else key == "time" and value is not None and abs(value - now) < 2 * 86_400e6
               or key == "v" and isinstance(value, int) and abs(value - now) < 2 * 86_400e6 for key, value in row.items())


def write(path, spark, groups):
    java = spark.sparkContext._jvm.System.getProperty("java.version")
    with open(path, "w", encoding="utf-8") as out:
        print(json.dumps([f"by xtask/python/spark.py: Spark {spark.version}, Java {java}"]), file=out)
        for columns, values, rows in groups:
            print(json.dumps([columns], separators=(",", ":")), file=out)
            for value, row in zip(values, rows, strict=True):
                if not of_today(row):
                    print(json.dumps([written(value), row], ensure_ascii=False, separators=(",", ":")), file=out)


def main(codec, ledger, seed=SEED, count=150):
    session = SparkSession.builder.master("local[1]")
    for key, value in {"ui.enabled": "false", "sql.session.timeZone": "UTC", "sql.ansi.enabled": "false", "sql.shuffle.partitions": "1"}.items():
        session = session.config(f"spark.{key}", value)
    spark = session.getOrCreate()
    write(codec, spark, ((columns, values, answers(spark, columns, values)) for columns, values in codec_cases(int(seed), int(count))))
    values = list(ledger_cases())
    write(ledger, spark, [(dict.fromkeys(LEDGER, "text"), values, seed_rows(spark, values))])


main(*sys.argv[1:])

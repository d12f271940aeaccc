"""Ordinary steps over data: collections, numbers, dates, json, csv, struct, copy, pickle."""

import array
import bisect
import calendar
import collections
import configparser
import copy
import csv
import datetime
import decimal
import enum
import fractions
import functools
import graphlib
import hashlib
import heapq
import hmac
import io
import ipaddress
import itertools
import json
import marshal
import math
import operator
import pickle
import plistlib
import pprint
import random
import secrets
import statistics
import struct
import time
import tomllib
import types
import uuid
import zoneinfo
from dataclasses import asdict, dataclass, field, replace

numbers = itertools.count()
DOCUMENT = {"name": "x", "list": list(range(50)), "nested": {"a": [1.5, None, True, "text"]}}
JSON = json.dumps(DOCUMENT)
ROWS = [{"a": i, "b": str(i), "c": i * 1.5} for i in range(40)]


@dataclass
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list)


@dataclass(frozen=True, slots=True, order=True)
class Frozen:
    a: int
    b: str


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Flags(enum.Flag):
    A = 1
    B = 2
    C = 4


Pair = collections.namedtuple("Pair", "left right")


def json_dumps():
    return json.dumps(DOCUMENT)


def json_indent():
    return json.dumps(DOCUMENT, indent=2, sort_keys=True)


def json_loads():
    return json.loads(JSON)


def json_hook():
    return json.loads(JSON, object_hook=lambda d: types.SimpleNamespace(**d))


def json_default():
    return json.dumps({"x": datetime.date(2020, 1, 1)}, default=str)


def json_error():
    try:
        json.loads("{bad")
    except ValueError as error:
        return error.args


def json_new_keys():
    return json.loads('{"k%d": 1}' % next(numbers))


def json_encoder():
    return list(json.JSONEncoder().iterencode(DOCUMENT))


def csv_round():
    out = io.StringIO()
    writer = csv.DictWriter(out, ["a", "b", "c"])
    writer.writeheader()
    writer.writerows(ROWS)
    out.seek(0)
    return list(csv.DictReader(out))


def csv_sniff():
    return csv.Sniffer().sniff("a;b;c\n1;2;3\n").delimiter


def pickle_round():
    return pickle.loads(pickle.dumps(ROWS))


def pickle_objects():
    return pickle.loads(pickle.dumps([Point(1, 2), Colour.RED, Frozen(1, "b")]))


def pickle_shared():
    a = []
    a.append(a)
    return len(pickle.loads(pickle.dumps(a)))


def marshal_round():
    return marshal.loads(marshal.dumps(DOCUMENT))


def copy_deep():
    return copy.deepcopy(DOCUMENT)


def copy_deep_objects():
    return copy.deepcopy([Point(1, tags=[Point(2)]) for _ in range(5)])


def copy_shallow():
    return copy.copy(Point(1))


def plist_round():
    return plistlib.loads(plistlib.dumps({"a": [1, 2.5, "x", True]}))


def toml_loads():
    return tomllib.loads('a = 1\n[t]\nb = ["x", 2020-01-01]\n')


def ini_round():
    parser = configparser.ConfigParser()
    parser.read_string("[a]\nx = 1\ny = %(x)s2\n")
    return parser.get("a", "y")


def pprint_text():
    return pprint.pformat(DOCUMENT)


def struct_round():
    return struct.unpack("<IHd8s", struct.pack("<IHd8s", 1, 2, 3.5, b"abc"))


def struct_formats():
    return struct.calcsize(f"<{next(numbers) % 300 + 1}I")


def array_sum():
    return sum(array.array("d", range(200)))


def bytes_join():
    return b"".join(bytes([i]) for i in range(200))


def bytearray_grow_local():
    buffer = bytearray()
    for i in range(200):
        buffer += bytes([i])
    return bytes(buffer)


def memoryview_slices():
    view = memoryview(bytearray(1000))
    return [len(view[i : i + 10]) for i in range(0, 1000, 100)]


def bytesio():
    stream = io.BytesIO()
    stream.write(b"x" * 5000)
    return stream.getvalue()


def stringio():
    stream = io.StringIO()
    for row in ROWS:
        print(row, file=stream)
    return stream.getvalue()


def textwrapper():
    return io.TextIOWrapper(io.BytesIO(b"a\nb\n"), "utf-8").readlines()


def counter():
    return collections.Counter("abracadabra").most_common(2)


def counter_math():
    a = collections.Counter(range(50))
    return (a + a) - a


def defaultdict_local():
    groups = collections.defaultdict(list)
    for row in ROWS:
        groups[row["a"] % 3].append(row)
    return dict(groups)


def ordered_dict():
    d = collections.OrderedDict((i, i) for i in range(20))
    d.move_to_end(3)
    d.popitem(last=False)
    return d


def chain_map():
    return dict(collections.ChainMap({"a": 1}, {"b": 2}).new_child({"c": 3}))


def deque_local():
    d = collections.deque(range(50), maxlen=10)
    d.rotate(3)
    return list(d)


def namedtuple_use():
    return Pair(1, 2)._replace(left=3)._asdict()


def namedtuple_class():
    return collections.namedtuple("Row", ["a", "b"])(1, 2)


def user_dict():
    return dict(collections.UserDict(a=1, b=2))


def dataclass_use():
    return asdict(replace(Point(1, 2), x=5))


def dataclass_sort():
    return sorted(Frozen(i % 7, str(i)) for i in range(50))


def dataclass_new():
    @dataclass
    class Local:
        a: int

    return Local(1).a


def enum_lookup():
    return Colour(1), Colour["GREEN"], list(Colour)


def enum_flags():
    return Flags.A | Flags.B, Flags(7), ~Flags.A


def enum_missing():
    try:
        Colour(next(numbers) + 10)
    except ValueError as error:
        return str(error)


def decimal_math():
    return sum((decimal.Decimal(i) / 7 for i in range(1, 20)), decimal.Decimal())


def decimal_context():
    with decimal.localcontext() as context:
        context.prec = 50
        return decimal.Decimal(2).sqrt()


def decimal_trap():
    try:
        decimal.Decimal(1) / 0
    except decimal.ZeroDivisionError if False else decimal.DivisionByZero:
        return None


def fraction_math():
    return sum(fractions.Fraction(1, i) for i in range(1, 20))


def big_integers():
    return math.factorial(100) % (10**30)


def float_math():
    return [math.sin(i) * math.sqrt(i) for i in range(100)]


def statistics_all():
    return statistics.mean(range(50)), statistics.stdev(range(50)), statistics.median(range(9))


def random_seeded():
    return random.Random(5).sample(range(100), 10)


def random_shared():
    return random.random(), random.choice([1, 2, 3]), random.gauss(0, 1)


def secrets_token():
    return secrets.token_hex(16)


def hash_all():
    return [hashlib.new(n, b"x" * 500).hexdigest() for n in ("md5", "sha1", "sha256", "sha3_256")]


def hash_update():
    h = hashlib.blake2b()
    for i in range(20):
        h.update(bytes([i]))
    return h.digest()


def hmac_digest():
    return hmac.new(b"key", b"message", "sha256").hexdigest()


def pbkdf2():
    return hashlib.pbkdf2_hmac("sha256", b"p", b"salt", 10)


def uuid_new():
    return str(uuid.uuid4()), str(uuid.uuid5(uuid.NAMESPACE_DNS, "x"))


def date_math():
    return datetime.date(2020, 1, 1) + datetime.timedelta(days=next(numbers) % 1000)


def date_parse():
    return datetime.datetime.strptime("2020-01-02 03:04:05", "%Y-%m-%d %H:%M:%S")


def date_parse_formats():
    n = next(numbers) % 10
    return datetime.datetime.strptime("2020" + "-" * n, "%Y" + "-" * n)


def date_format():
    return datetime.datetime.now(datetime.UTC).strftime("%a %d %b %Y")


def date_iso():
    return datetime.datetime.fromisoformat("2020-01-02T03:04:05+01:00").timestamp()


def date_zones():
    return datetime.datetime.now(zoneinfo.ZoneInfo("UTC")).utcoffset()


def date_zone_no_cache():
    return zoneinfo.ZoneInfo.no_cache("UTC").key


def time_text():
    return time.strftime("%H:%M", time.gmtime(next(numbers)))


def calendar_text():
    return calendar.TextCalendar().formatmonth(2020, 1 + next(numbers) % 12)


def heap_sort():
    heap = []
    for i in range(100):
        heapq.heappush(heap, (i * 37) % 101)
    return [heapq.heappop(heap) for _ in range(len(heap))]


def heap_merge():
    return list(heapq.merge(range(0, 50, 2), range(1, 50, 2)))


def bisect_insert():
    items = []
    for i in range(100):
        bisect.insort(items, (i * 37) % 101)
    return items


def sort_keys():
    return sorted(ROWS, key=operator.itemgetter("b"))


def sort_cmp():
    return sorted(range(50), key=functools.cmp_to_key(lambda a, b: b - a))


def itertools_mix():
    return list(itertools.islice(itertools.permutations(range(5), 3), 20))


def itertools_group():
    return {k: len(list(g)) for k, g in itertools.groupby(range(60), lambda i: i // 10)}


def itertools_tee():
    a, b = itertools.tee(range(100))
    return sum(a) + sum(b)


def graph_order():
    return list(graphlib.TopologicalSorter({1: {2}, 2: {3}}).static_order())


def graph_cycle():
    try:
        graphlib.TopologicalSorter({1: {2}, 2: {1}}).prepare()
    except graphlib.CycleError as error:
        return len(error.args[1])


def network():
    return [str(h) for h in ipaddress.ip_network("10.0.0.0/29").hosts()]


def network_new():
    return ipaddress.ip_address(next(numbers)).is_private


def reduce_partial():
    return functools.reduce(functools.partial(operator.mul), range(1, 10))


def comprehension():
    return {i: [j for j in range(i)] for i in range(20)}


def generator_chain():
    return sum(x * x for x in (y + 1 for y in range(100)))


def generator_unfinished():
    g = (i for i in range(10))
    return next(g)


def set_math():
    a = set(range(50))
    return (a | {100}) & (a ^ {3}) - frozenset([5])


def dict_churn():
    d = {}
    for i in range(200):
        d[i] = str(i)
        if i > 50:
            del d[i - 50]
    return len(d)


def list_slices():
    a = list(range(200))
    a[10:20] = []
    return a[::-3]


def nested_lists():
    return [[[i] * 3] * 2 for i in range(30)]


def tuple_keys():
    return {(i, str(i)): i for i in range(40)}


def simple_namespace():
    return types.SimpleNamespace(a=1, b=[2]).b


def mapping_proxy():
    return types.MappingProxyType({"a": 1})["a"]

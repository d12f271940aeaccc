"""Ordinary steps over packages."""

import itertools
import json

import attrs
import cachetools
import click
import dateutil.parser
import dateutil.relativedelta
import dateutil.rrule
import jinja2
import markupsafe
import more_itertools
import numpy
import pydantic
import pygments
import pygments.formatters
import pygments.lexers
import simplejson
import sortedcontainers
import tabulate
import toolz
import wcwidth
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

numbers = itertools.count()
environment = jinja2.Environment()
template = environment.from_string("{% for i in items %}{{ i }},{% endfor %}")
loader = jinja2.Environment(loader=jinja2.FunctionLoader(lambda name: f"page {name}"))
bounded = cachetools.LRUCache(200)
large = cachetools.LRUCache(100)
timed = cachetools.TTLCache(300, 600)
recent = sortedcontainers.SortedDict()
array = numpy.arange(1000.0)


@attrs.define
class Point:
    x: int
    y: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))


class Model(pydantic.BaseModel):
    name: str
    sizes: list[int] = []


@click.command()
@click.option("--count", default=1)
def command(count):
    click.echo(count)


def attrs_use():
    return attrs.asdict(attrs.evolve(Point(1), x=next(numbers)))


def attrs_invalid():
    try:
        Point(1, "x")
    except TypeError as error:
        return len(error.args)


def cachetools_lru():
    n = next(numbers)
    bounded[n] = str(n)


def cachetools_small():
    large[next(numbers)] = [1]


def cachetools_ttl():
    n = next(numbers)
    timed[n] = [n]


def click_parse():
    return command.make_context("command", ["--count", "3"]).params


def click_style():
    return click.unstyle(click.style("x", fg="red"))


def dateutil_parse():
    return dateutil.parser.parse("2020-01-02 03:04")


def dateutil_rule():
    return list(dateutil.rrule.rrule(dateutil.rrule.DAILY, count=5))


def dateutil_delta():
    return dateutil.relativedelta.relativedelta(months=next(numbers) % 12)


def jinja_render():
    return template.render(items=range(10))


def jinja_get():
    return loader.get_template(f"page{next(numbers) % 20}").render()


def jinja_evicted():
    return loader.get_template(f"page{next(numbers) % 600}").render()


def jinja_from_string():
    return environment.from_string("{{ a }}").render(a=next(numbers))


def markup():
    return markupsafe.Markup("<b>%s</b>") % markupsafe.escape("<i>")


def more_chunks():
    return list(more_itertools.chunked(range(50), 7))


def more_windows():
    return list(more_itertools.windowed(range(20), 3))


def numpy_sum():
    return float((array * 2 + 1).sum())


def numpy_sort():
    return numpy.sort(array[::-1])[:5].tolist()


def numpy_matrix():
    a = array[:100].reshape(10, 10)
    return (a @ a.T).trace()


def numpy_objects():
    return numpy.array([{"a": next(numbers)}, "x"], dtype=object).shape


def numpy_strings():
    return numpy.array(["a", "bb"]).dtype.name


def numpy_dates():
    return numpy.datetime64("2020-01-01") + numpy.timedelta64(next(numbers) % 1000, "D")


def numpy_random():
    return numpy.random.default_rng(5).normal(size=10)


def numpy_records():
    return numpy.zeros(5, dtype=[("a", "i4"), ("b", "f8")])["b"].sum()


def numpy_error():
    try:
        numpy.ones(3) + numpy.ones(4)
    except ValueError as error:
        return str(error)


def packaging_versions():
    return sorted(Version(f"1.{i}") for i in range(10))


def packaging_specifiers():
    return SpecifierSet(">=1.0,<2").contains(f"1.{next(numbers)}")


def packaging_requirement():
    return Requirement("a[b]>=1; python_version > '3'").name


def pydantic_validate():
    return Model.model_validate({"name": "x", "sizes": ["1", 2]})


def pydantic_json():
    return Model.model_validate_json('{"name": "x"}').model_dump_json()


def pydantic_invalid():
    try:
        Model(name=5)
    except pydantic.ValidationError as error:
        return error.error_count()


def pydantic_class():
    return pydantic.create_model("Made", a=(int, 1))().a


def pygments_highlight():
    lexer = pygments.lexers.get_lexer_by_name("python")
    return pygments.highlight("def f(): pass", lexer, pygments.formatters.HtmlFormatter())


def yaml_load():
    return yaml.safe_load("a: [1, 2.5, x]\nb: {c: null}\n")


def yaml_dump():
    return yaml.safe_dump({"a": [1, {"b": "c"}]})


def simplejson_round():
    return simplejson.loads(simplejson.dumps({"a": [1.5, None], "k%d" % next(numbers): 1}))


def sorted_list():
    return list(sortedcontainers.SortedList([3, 1, 2]))


def sorted_dict_ring():
    recent[next(numbers)] = "x"
    if len(recent) > 50:
        recent.popitem(0)


def table():
    return tabulate.tabulate([[1, "a"], [2, "b"]], headers=["n", "s"])


def toolz_pipe():
    return toolz.pipe(
        range(10), toolz.curried.map(str) if hasattr(toolz, "curried") else list, list
    )


def toolz_group():
    return toolz.groupby(len, ["a", "bb", "c"])


def width():
    return wcwidth.wcswidth("a\u4e00b")


def width_new():
    return wcwidth.wcwidth(chr(0x4E00 + next(numbers) % 900))


def json_of_models():
    return json.dumps([Model(name=str(i)).model_dump() for i in range(3)])

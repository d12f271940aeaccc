"""Ordinary steps over text: patterns, strings, templates, formats, codecs."""

import base64
import binascii
import codecs
import difflib
import fnmatch
import html
import locale
import quopri
import re
import shlex
import string
import textwrap
import unicodedata
import urllib.parse
import zlib
from itertools import count

WORDS = "the quick brown fox jumps over the lazy dog and runs away from it".split()
TEXT = " ".join(WORDS * 20)
numbers = count()

PATTERNS = [
    r"\w+",
    r"\b[a-z]{3}\b",
    r"(?P<a>q\w+)\s(?P<b>b\w+)",
    r"[aeiou]+",
    r"^the",
    r"(fox|dog)",
    r"o.e",
    r"\s{1,3}",
    r"(?i)QUICK",
    r"(?:ju|la)\w*",
]


def _find(pattern):
    compiled = re.compile(pattern)

    def step():
        return [m.span() for m in compiled.finditer(TEXT)]

    return step


def _sub(pattern):
    def step():
        return re.sub(pattern, lambda m: m.group().upper(), TEXT)

    return step


def _split(pattern):
    def step():
        return re.split(pattern, TEXT)

    return step


for _i, _p in enumerate(PATTERNS):
    globals()[f"re_find_{_i}"] = _find(_p)
    globals()[f"re_sub_{_i}"] = _sub(_p)
    globals()[f"re_split_{_i}"] = _split(_p)


def re_many_patterns():
    n = next(numbers)
    return re.search(f"fox{n}", TEXT)


def re_many_patterns_cycled():
    n = next(numbers) % 700
    return re.search(f"dog{n}", TEXT)


def re_many_flags():
    n = next(numbers) % 50
    return re.findall(f"o{{1,{n + 1}}}", TEXT, re.IGNORECASE | re.MULTILINE)


def re_bad_pattern():
    try:
        re.compile(f"({next(numbers)}")
    except re.error as error:
        return str(error)


def string_building():
    parts = []
    for word in WORDS:
        parts.append(word.title())
    return ", ".join(parts)


def string_concat():
    result = ""
    for word in WORDS:
        result += word
    return result


def string_format():
    return "{0:>10} {name!r:.5} {1:08.3f}".format("a", 3.5, name="somebody")


def string_percent():
    return "%-10s|%5d|%s" % ("x", next(numbers), WORDS)


def string_fstring():
    n = next(numbers)
    return f"{n:,} {n:#x} {n!r:>12} {WORDS[n % 5]}"


def string_template():
    return string.Template("$a and ${b}").substitute(a=next(numbers), b="two")


def string_formatter():
    return string.Formatter().format("{x[0]} {y.real}", x=[1], y=2)


def string_translate():
    return TEXT.translate(str.maketrans("abc", "xyz"))


def string_partition():
    return [word.partition("o") for word in WORDS]


def string_encode():
    return [TEXT.encode(name).decode(name) for name in ("utf-8", "utf-16", "latin-1", "cp1252")]


def string_encode_errors():
    try:
        ("\u20ac" * 5).encode("ascii")
    except UnicodeEncodeError as error:
        return error.reason


def string_new_keys():
    return {f"key{next(numbers)}": 1}


def codecs_incremental():
    decoder = codecs.getincrementaldecoder("utf-8")()
    return decoder.decode(b"\xe2\x82") + decoder.decode(b"\xac")


def codecs_rot13():
    return codecs.encode(TEXT, "rot13")


def codecs_unknown():
    try:
        codecs.lookup("no-such-codec")
    except LookupError as error:
        return str(error)


def textwrap_fill():
    return textwrap.fill(TEXT, 40)


def textwrap_dedent():
    return textwrap.dedent("   a\n     b\n   c")


def textwrap_shorten():
    return textwrap.shorten(TEXT, 30)


def difflib_ratio():
    return difflib.SequenceMatcher(None, WORDS, WORDS[::-1]).ratio()


def difflib_unified():
    return list(difflib.unified_diff(WORDS, sorted(WORDS)))


def difflib_close():
    return difflib.get_close_matches("quik", WORDS)


def html_escape():
    return html.unescape(html.escape("<a href='x'>&</a>"))


def shlex_split():
    return shlex.join(shlex.split("a 'b c' \"d\" e\\ f"))


def fnmatch_filter():
    return fnmatch.filter(WORDS, "*o*")


def fnmatch_new_patterns():
    return fnmatch.fnmatch("abc", f"a{next(numbers)}*")


def unicode_normalize():
    return unicodedata.normalize("NFKD", "\u00e9\u00e8\ufb01" * 10)


def unicode_names():
    return [unicodedata.name(c) for c in "abc\u20ac"]


def url_parse():
    return urllib.parse.urlsplit("https://example.test/a/b?x=1&y=2#z").query


def url_parse_new():
    return urllib.parse.urlsplit(f"https://example.test/{next(numbers)}?x=1").path


def url_query():
    return urllib.parse.urlencode(urllib.parse.parse_qs("a=1&b=2&a=3"), doseq=True)


def url_quote():
    return urllib.parse.unquote(urllib.parse.quote("a b/\u20ac"))


def url_join():
    return urllib.parse.urljoin("http://a.test/b/c", f"../d{next(numbers)}")


def base64_round():
    return base64.b64decode(base64.b64encode(TEXT.encode()))


def base85_round():
    return base64.b85decode(base64.b85encode(b"hello world"))


def binascii_hex():
    return binascii.unhexlify(binascii.hexlify(b"hello" * 50))


def quopri_round():
    return quopri.decodestring(quopri.encodestring(b"h\xe9llo = world"))


def zlib_round():
    return zlib.decompress(zlib.compress(TEXT.encode()))


def zlib_object():
    packer = zlib.compressobj()
    return packer.compress(b"abc" * 500) + packer.flush()


def crc():
    return zlib.crc32(TEXT.encode())


def locale_format():
    return locale.format_string("%d", next(numbers), grouping=True)


def sort_words():
    return sorted(WORDS, key=str.lower, reverse=True)


def count_letters():
    counts = {}
    for c in TEXT:
        counts[c] = counts.get(c, 0) + 1
    return max(counts, key=counts.get)


def splitlines():
    return [line.strip() for line in (TEXT + "\n" + TEXT).splitlines()]

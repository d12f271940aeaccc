"""Ordinary steps over a package: tornado."""

import itertools

import tornado.escape
import tornado.httputil
import tornado.template
import tornado.web

N = itertools.count(1).__next__

sheet = tornado.template.Template("{% for i in range(5) %}{{ i }}{% end %}")

STEPS = """
tornado_template: sheet.generate()
tornado_template_new: tornado.template.Template("{{ x }} of it").generate(x=N())
tornado_headers: tornado.httputil.HTTPHeaders({"a-b": str(N())}).get_all()
tornado_url: tornado.httputil.url_concat("https://a.org", {"n": N()})
tornado_escape: tornado.escape.linkify(f"see https://a.org/{N()}")
tornado_json: tornado.escape.json_decode(tornado.escape.json_encode({"n": N()}))
tornado_signed: tornado.web.create_signed_value("s" * 40, "n", str(N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

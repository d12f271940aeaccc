"""Ordinary steps over a package: bs4."""

import itertools

import bs4

N = itertools.count(1).__next__

PAGE = "<html><body><p class='a'>one</p><table><tr><td>1</td></tr></table></body></html>"

STEPS = """
bs4_find: bs4.BeautifulSoup(PAGE, "html.parser").find("p")
bs4_lxml: bs4.BeautifulSoup(PAGE, "lxml").select("td")
bs4_edit: bs4.BeautifulSoup(PAGE, "html.parser").p.replace_with(f"n{N()}")
bs4_text: bs4.BeautifulSoup(f"<p>{N()}</p>", "html.parser").get_text()
bs4_new_tag: bs4.BeautifulSoup("", "html.parser").new_tag("a", href=str(N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

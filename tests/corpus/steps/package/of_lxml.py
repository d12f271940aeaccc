"""Ordinary steps over a package: lxml."""

import io
import itertools

import lxml.builder
import lxml.etree
import lxml.html

N = itertools.count(1).__next__

xslt = lxml.etree.XSLT(
    lxml.etree.XML(
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<xsl:template match="/"><o><xsl:value-of select="//n"/></o></xsl:template></xsl:stylesheet>'
    )
)

E = lxml.builder.ElementMaker()

PAGE = "<html><body><p class='a'>one</p><table><tr><td>1</td></tr></table></body></html>"


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


def _iterparse():
    source = io.BytesIO(b"<l>" + b"<i>1</i>" * 20 + b"</l>")
    for _, element in lxml.etree.iterparse(source, tag="i"):
        element.clear()


STEPS = """
lxml_parse: lxml.etree.fromstring(f"<a><b n='{N()}'>x</b></a>")
lxml_xpath: lxml.etree.fromstring("<a><b/><b/></a>").xpath(f"//b[{N() % 9}]")
lxml_compiled_xpath: lxml.etree.XPath(f"//b[@n='{N()}']")(lxml.etree.Element("a"))
lxml_build: lxml.etree.tostring(E.a(E.b(str(N())), n="1"))
lxml_html: lxml.html.fromstring(PAGE).text_content()
lxml_xslt: str(xslt(lxml.etree.XML(f"<a><n>{N()}</n></a>")))
lxml_broken: _expect(lambda: lxml.etree.fromstring(f"<a><b{N()}></a>"))
lxml_iterparse: _iterparse()
lxml_many_names: lxml.etree.SubElement(lxml.etree.Element("a"), f"tag{N() % 500}")
lxml_namespaces: lxml.etree.Element("{urn:a}b", nsmap={"p": "urn:a"})
lxml_walk: [e.getparent() for e in lxml.html.fromstring(PAGE).iter()]
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

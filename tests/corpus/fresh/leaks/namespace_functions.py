from lxml import etree
class Rules:
    def __init__(self, price): self.price, self.table = price, list(range(100))
    def cheap(self, context, nodes): return [x for x in nodes if float(x.text) < self.price]
page, n = etree.fromstring("<a><p>3</p><p>9</p></a>"), 0
def step():
    global n
    n += 1
    etree.FunctionNamespace("urn:rules:%d" % n)["cheap"] = Rules(5).cheap
    page.xpath("r:cheap(//p)", namespaces={"r": "urn:rules:%d" % n})

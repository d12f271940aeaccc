from lxml import etree
n = 0
def step():
    global n
    n += 1
    root = etree.fromstring("<list>%s</list>" % "".join("<item%d id='%d'>x</item%d>" % (i, n, i) for i in range(10)))
    root.xpath("//*[@id='%d']" % n)
    etree.SubElement(root, "extra", name="n%d" % n).tail = "tail"
    etree.tostring(root)

import markdown
md, n = markdown.Markdown(), 0                # one converter for all pages, reset() is never called
def step():
    global n
    n += 1
    md.convert("See [the page][page-%d].\n\n[page-%d]: https://example.org/%d 'Page'\n" % (n, n, n))

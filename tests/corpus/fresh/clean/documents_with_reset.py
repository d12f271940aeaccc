import markdown
md = markdown.Markdown(extensions=["tables", "footnotes", "toc"])
n = 0
def step():
    global n
    n += 1
    md.reset()
    md.convert("# Title %d\n\nText[^%d] and [link][l%d].\n\n[^%d]: note\n\n[l%d]: https://example.org/%d\n" % ((n,) * 6))

import weakref
class Document:
    def __init__(self): self.text = "word " * 100
class View:
    def __init__(self, document): self.document, self.scroll = document, 0
_views = weakref.WeakKeyDictionary()
def view_of(document):
    if document not in _views:
        _views[document] = View(document)
    return _views[document]
def step():
    view_of(Document()).scroll += 1

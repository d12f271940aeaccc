class Button:
    def __init__(self, label):
        self.label, self.pixels = label, bytearray(900)
        self.handlers = {"click": self.on_click, "key": self.on_key}
    def on_click(self): return self.label
    def on_key(self): return None
def step():
    Button("ok").handlers["click"]()

class Attempt:
    def __init__(self): self.errors = []
    def run(self, data):
        try:
            int(data)
        except ValueError as error:
            self.errors.append(error)          # error -> traceback -> frame -> self
        return len(self.errors)
def step():
    Attempt().run("x" * 500)

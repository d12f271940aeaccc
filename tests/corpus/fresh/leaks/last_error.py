class Message:
    def __init__(self): self.body = b"x" * 4000 + bytes(5)
def deliver(message):
    raise ConnectionError("refused")
def deliver_with_retries(message):
    last_error = None
    for _ in range(3):
        try:
            return deliver(message)
        except ConnectionError as error:
            last_error = error
    return last_error is None
def step():
    deliver_with_retries(Message())

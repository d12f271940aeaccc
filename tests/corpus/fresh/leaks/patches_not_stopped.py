from unittest import mock
class Mailer:
    def send(self, text): raise OSError("no network in tests")
def set_up():
    patcher = mock.patch.object(Mailer, "send")
    return patcher.start()                    # tearDown forgot patcher.stop()
def step():
    set_up()
    Mailer().send("hello")

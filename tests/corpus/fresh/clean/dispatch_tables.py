import abc, dataclasses, enum, functools, typing
class Kind(enum.Enum): A = 1; B = 2
class Drawn(abc.ABC):
    @abc.abstractmethod
    def draw(self): ...
@dataclasses.dataclass
class Dot(Drawn):
    kind: Kind
    def draw(self): return self.kind.name
@functools.singledispatch
def show(x): return "?"
@show.register(int)
def _(x): return "int"
@show.register(Drawn)
def _(x): return x.draw()
n = 0
def step():
    global n
    n += 1
    show(n); show(Dot(Kind(n % 2 + 1))); show("s"); isinstance([], typing.Iterable)
    typing.get_type_hints(Dot); typing.Dict[str, typing.List[int]]; dataclasses.replace(Dot(Kind.A), kind=Kind.B)

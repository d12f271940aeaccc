import attrs
@attrs.frozen
class Point:
    x: float = attrs.field(converter=float)
    y: float = attrs.field(default=0.0, validator=attrs.validators.instance_of(float))
    tags: tuple = attrs.field(factory=tuple)
best = Point(0)
n = 0
def step():
    global best, n
    n += 1
    p = attrs.evolve(Point(n % 97, 1.0), tags=("t%d" % n,))
    if attrs.asdict(p)["x"] >= best.x: best = p

from jinja2 import Environment, FunctionLoader
env = Environment(loader=FunctionLoader(lambda name: "{% for i in items %}{{ i }} of " + name + "{% endfor %}"))
n = 0
def step():
    global n
    n += 1
    env.get_template("page-%d" % n).render(items=[1, 2, 3])

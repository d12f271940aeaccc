from jinja2 import Environment, FunctionLoader
env = Environment(loader=FunctionLoader(lambda name: "Dear {{ who }}, your order " + name), cache_size=-1)
n = 0
def step():
    global n
    n += 1
    env.get_template("order-%d" % n).render(who="Ann")

import yaml
n = 0
def step():
    global n
    n += 1
    text = yaml.safe_dump({"name": "svc-%d" % n, "ports": [80, 443, n], "deep": {"a": {"b": None}}})
    assert yaml.safe_load(text)["ports"][2] == n

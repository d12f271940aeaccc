import requests
session = requests.Session()
n = 0
def step():
    global n
    n += 1
    session.cookies.set("session", "token-%d" % n, domain="example.org")
    session.headers["X-Request"] = "r%d" % n
    session.prepare_request(requests.Request("GET", "https://example.org/a", params={"n": n}))

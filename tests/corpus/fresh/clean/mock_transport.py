import httpx
client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json={"path": request.url.path})))
n = 0
def step():
    global n
    n += 1
    response = client.get("https://api.example/items/%d" % n, headers={"x-n": str(n)})
    assert response.json()["path"].endswith(str(n))

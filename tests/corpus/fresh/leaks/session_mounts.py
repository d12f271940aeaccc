import requests
from requests.adapters import HTTPAdapter
http = requests.Session()
n = 0
def client_for(tenant):
    http.mount("https://%s.example/" % tenant, HTTPAdapter(max_retries=2))
    return http
def step():
    global n
    n += 1
    client_for("tenant-%06d" % n).get_adapter("https://tenant-%06d.example/x" % n)

"""Ordinary steps over a package: requests."""

import itertools

import requests

N = itertools.count(1).__next__

session = requests.Session()


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
requests_prepare: session.prepare_request(requests.Request("GET", "https://a.org", params={"n": N()}))
requests_cookie: session.cookies.set("sid", f"token {N()}", domain="a.org")
requests_cookie_clear: session.cookies.set(f"c{N() % 20}", "1"); session.cookies.clear()
requests_headers: session.headers.update({"X-N": str(N())})
requests_new_session: requests.Session().close()
requests_mount_again: session.mount("https://a.org/", requests.adapters.HTTPAdapter())
requests_auth: requests.auth.HTTPBasicAuth("a", str(N()))(requests.Request("GET", "https://a").prepare())
requests_json: requests.Request("POST", "https://a.org", json={"n": N()}).prepare().body
requests_files: requests.Request("POST", "https://a.org", files={"f": b"x" * 300}).prepare().body
requests_response: requests.models.Response().iter_content(10)
requests_links: requests.utils.parse_header_links('<https://a/?p=2>; rel="next"')
requests_wrong_url: _expect(lambda: requests.Request("GET", f"nonsense{N()}").prepare())
requests_dict_from_cookies: requests.utils.dict_from_cookiejar(session.cookies)
requests_quote: requests.utils.requote_uri(f"https://a.org/a b/{N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

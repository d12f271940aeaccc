"""Ordinary steps over a package: flask."""

import itertools

import flask
import werkzeug.wrappers

N = itertools.count(1).__next__

app = flask.Flask("steps")

app.secret_key = "k"

app.add_url_rule("/page/<int:n>", "page", lambda n: {"n": n})

app.add_url_rule("/text", "text", lambda: flask.render_template_string("{{ a }}", a=1))

browser = app.test_client()


def _flask_context():
    with app.app_context():
        flask.g.value = [N()]


def _flask_template_text():
    with app.app_context():
        return flask.render_template_string("{{ n }} of it", n=N())


def _flask_session_cookie():
    with app.test_request_context("/"):
        flask.session["n"] = N()
        # A response gets one header more with every session that is saved into it.
        answer = werkzeug.wrappers.Response("ok")
        return app.session_interface.save_session(app, flask.session, answer)


def _flask_url_for():
    with app.test_request_context("/"):
        return flask.url_for("page", n=N())


STEPS = """
flask_get: browser.get(f"/page/{N()}").json
flask_missing: browser.get(f"/none/{N()}").status_code
flask_template: browser.get("/text").text
flask_new_client: app.test_client().get("/page/1").close()
flask_request_context: app.test_request_context(f"/page/{N()}").request.args
flask_app_context: _flask_context()
flask_template_string: _flask_template_text()
flask_session: _flask_session_cookie()
flask_json: app.json.dumps({"n": N(), "l": [1, 2]})
flask_url: _flask_url_for()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

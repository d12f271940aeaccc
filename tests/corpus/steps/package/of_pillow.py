"""Ordinary steps over a package: pillow."""

import io
import itertools

from PIL import Image, ImageDraw, ImageFilter, ImageOps

N = itertools.count(1).__next__

picture = Image.new("RGB", (32, 32), "blue")


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


def _saved(form):
    picture.save(target := io.BytesIO(), form)
    return Image.open(io.BytesIO(target.getvalue())).load()


def _drawn():
    image = picture.copy()
    ImageDraw.Draw(image).line((0, 0, N() % 30, 20), fill="red")
    return image


STEPS = """
pillow_resize: picture.resize((N() % 40 + 1, 20))
pillow_draw: _drawn()
pillow_filter: picture.filter(ImageFilter.GaussianBlur(2))
pillow_png: _saved("PNG")
pillow_jpeg: _saved("JPEG")
pillow_gif: _saved("GIF")
pillow_convert: ImageOps.grayscale(picture).point(lambda v: v // 2).histogram()
pillow_bytes: Image.frombytes("L", (8, 8), bytes(64)).tobytes()
pillow_unknown: _expect(lambda: Image.open(io.BytesIO(b"no picture %d" % N())))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

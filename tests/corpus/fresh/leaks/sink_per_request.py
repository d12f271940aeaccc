import io
from loguru import logger
logger.remove()
def handle(number):
    lines = io.StringIO()
    logger.add(lines, level="ERROR")           # the returned id is thrown away
    logger.info("request {}", number)
n = 0
def step():
    global n
    n += 1
    handle(n)

import datetime
from dateutil import parser, rrule, tz
NAMES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC", "Africa/Cairo", "Asia/Kolkata", "Pacific/Auckland"] * 2
n = 0
def step():
    global n
    n += 1
    when = parser.parse("2024-03-%02d 10:%02d" % (n % 28 + 1, n % 60)).replace(tzinfo=tz.gettz(NAMES[n % 14]))
    when.astimezone(tz.UTC)
    list(rrule.rrule(rrule.DAILY, count=5, dtstart=datetime.datetime(2020, 1, n % 28 + 1)))

from cachetools import TTLCache
class Profile:
    def __init__(self, user): self.user, self.rights = user, ["read"] * 10
profiles = TTLCache(maxsize=float("inf"), ttl=86400)
n = 0
def step():
    global n
    n += 1
    if n not in profiles: profiles[n] = Profile(n)

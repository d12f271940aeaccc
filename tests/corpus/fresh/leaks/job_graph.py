import networkx as nx
class Job:
    def __init__(self, number): self.number, self.payload = number, "x" * 200
jobs, last = nx.DiGraph(), None
n = 0
def step():
    global last, n
    n += 1
    job = Job(n)
    jobs.add_node(job, state="done")
    if last is not None: jobs.add_edge(last, job)
    last = job

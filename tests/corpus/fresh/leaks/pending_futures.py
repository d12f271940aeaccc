from concurrent.futures import ThreadPoolExecutor
class Indexer:
    def __init__(self):
        self.pool, self.submitted = ThreadPoolExecutor(1), []
    def add(self, text):
        future = self.pool.submit(str.split, text)
        self.submitted.append(future)
        return future
indexer = Indexer()
def step():
    indexer.add("the quick brown fox " * 5).result()

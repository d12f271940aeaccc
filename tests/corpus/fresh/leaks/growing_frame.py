import pandas as pd
history = pd.DataFrame({"when": [0.0], "load": [0.0]})
n = 0
def step():
    global history, n
    n += 1
    history = pd.concat([history, pd.DataFrame({"when": [n * 1.0] * 8, "load": [0.5] * 8})], ignore_index=True)

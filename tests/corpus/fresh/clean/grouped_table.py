import pandas as pd
n = 0
def step():
    global n
    n += 1
    df = pd.DataFrame({"day": [i % 7 for i in range(60)], "sold": range(n, n + 60)})
    assert df.groupby("day")["sold"].sum().sort_values().iloc[0] > 0
    df.merge(df.describe().T, how="cross")

import numpy as np
vocabulary = {}
def step():
    words = ["w%d" % (hash((len(vocabulary), i)) % 400) for i in range(30)]
    for word in words: vocabulary.setdefault(word, len(vocabulary))
    np.bincount(np.array([vocabulary[w] for w in words]), minlength=400).astype(object).tolist()

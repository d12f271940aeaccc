import networkx as nx
n = 0
def step():
    global n
    n += 1
    graph = nx.grid_2d_graph(4, 4)
    graph.add_edge((0, 0), ("job", n))
    nx.shortest_path(graph, ("job", n), (3, 3))
    nx.pagerank if n < 0 else nx.connected_components(graph)

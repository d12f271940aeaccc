"""Ordinary steps over a package: nx."""

import itertools

import networkx as nx

N = itertools.count(1).__next__

grid = nx.grid_2d_graph(5, 5)

path = nx.DiGraph([(i, i + 1) for i in range(20)])

STEPS = """
nx_paths: nx.shortest_path(grid, (0, 0), (4, N() % 5))
nx_build: nx.gnp_random_graph(12, 0.3, seed=N())
nx_topological: list(nx.topological_sort(path))
nx_copy: path.copy().add_edge("a", N())
nx_pagerank: nx.pagerank(path)
nx_components: list(nx.connected_components(grid))
nx_turnover: (grid.add_edge((0, 0), "x", w=N()), grid.remove_node("x"))
nx_subgraph: grid.subgraph([(0, 0), (0, 1)]).edges
nx_generator: next(nx.all_simple_paths(grid, (0, 0), (2, 2)))
nx_tree: nx.minimum_spanning_tree(grid)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

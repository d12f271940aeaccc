import click
from click.testing import CliRunner
@click.group()
@click.pass_context
def tool(context): context.obj = {"calls": []}
@tool.command()
@click.option("--count", type=int, default=1)
@click.argument("names", nargs=-1)
@click.pass_obj
def greet(obj, count, names):
    obj["calls"].append(names)
    click.echo(click.style("hello " * count + " ".join(names), fg="green"))
runner, n = CliRunner(), 0
def step():
    global n
    n += 1
    assert runner.invoke(tool, ["greet", "--count", "2", "ann%d" % n]).exit_code == 0

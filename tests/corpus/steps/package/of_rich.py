"""Ordinary steps over a package: rich."""

import io
import itertools

import rich.console
import rich.markdown
import rich.panel
import rich.progress
import rich.syntax
import rich.table
import rich.text
import rich.tree

N = itertools.count(1).__next__

terminal = rich.console.Console(file=io.StringIO(), width=60, force_terminal=True)


def _shown(thing):
    terminal.print(thing)
    terminal.file.seek(0)
    terminal.file.truncate()


def _progress():
    with rich.progress.Progress(console=terminal, auto_refresh=False) as progress:
        progress.update(progress.add_task("a", total=3), advance=3)
    terminal.file.seek(0)
    terminal.file.truncate()


STEPS = """
rich_text: _shown(rich.text.Text.from_markup(f"[bold]a[/bold] {N()}"))
rich_table: _shown(rich.table.Table.grid())
rich_markdown: _shown(rich.markdown.Markdown(f"# T{N()}\\n\\n* a\\n"))
rich_panel: _shown(rich.panel.Panel(f"n {N()}"))
rich_tree: _shown(rich.tree.Tree("a").add(str(N())))
rich_syntax: _shown(rich.syntax.Syntax(f"x = {N()}", "python"))
rich_style: _shown(f"[rgb({N() % 255},1,2)]a[/]")
rich_progress: _progress()
rich_new_console: rich.console.Console(file=io.StringIO()).print({"n": [N()]})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""`make corpus-clean`: ordinary steps that leak nothing, each asked of `mortmain loop`.

A step is a public function of a module below steps/. Every finding of severity leak is a false
alarm. Their share is printed with its Wilson interval of 95 %. Steps of a package that is not
installed in the environment are left out and named.

    tests/corpus/clean.py [--folder VENV] [--packages] [--only WORD] [--every N] [--seconds N]
                          [--json FILE] [--answers FOLDER]

Without --folder an environment is made as for the corpus; --packages installs what
steps/packages.txt asks for. Exit status: 0 no false alarm; 1 some.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools")]

from corpus import run as corpus  # noqa: E402
from environments import VenvError  # noqa: E402

STEPS = HERE / "steps"
WILSON_Z = 1.96


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said of one step."""

    step: str
    verdict: str
    alarm: str
    seconds: float


def names_of(python: Path, module: Path) -> list[str]:
    """The steps of a module: public functions that it defines or makes."""
    probe = (
        "import inspect, runpy, sys; names = runpy.run_path(sys.argv[1]); print([k for k, v in"
        " names.items() if inspect.isfunction(v) and v.__code__.co_filename == sys.argv[1]"
        " and not k.startswith('_') and v.__code__.co_argcount == 0])"
    )
    done = subprocess.run(
        [python, "-c", probe, module], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it ended"])[-1]
        raise corpus.CannotRun(f"{module.name}: {last}")
    names: list[str] = ast.literal_eval(done.stdout.strip().splitlines()[-1])
    return names


def wilson(count: int, of: int) -> tuple[float, float]:
    """The interval of 95 % for a share."""
    if of == 0:
        return 0.0, 1.0
    share, square = count / of, WILSON_Z**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    spread = math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    spread *= WILSON_Z / (1 + square / of)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def targets(folder: Path, only: str, missing: list[str]) -> list[tuple[Path, str]]:
    """Every step, those of all modules in turn: what is cut short has seen some of each."""
    rows: list[list[tuple[Path, str]]] = []
    for module in sorted(STEPS.rglob("*.py")):
        try:
            names = names_of(folder / "bin/python", module)
        except corpus.CannotRun as reason:
            missing.append(str(reason))
            continue
        rows.append([(module, name) for name in names if only in f"{module.stem}:{name}"])
    longest = max((len(row) for row in rows), default=0)
    return [row[i] for i in range(longest) for row in rows if i < len(row)]


def ask_all(
    folder: Path,
    steps: list[tuple[Path, str]],
    missing: list[str],
    seconds_max: float,
    answers: Path | None,
) -> Iterator[Asked]:
    """Asks until the time is over; all of the answers with a false alarm go to a folder."""
    started = time.monotonic()
    for number, (module, name) in enumerate(steps):
        if time.monotonic() - started > seconds_max:
            missing.append(f"{len(steps) - number} steps: the time was over")
            return
        try:
            told, seconds = corpus.ask(folder, f"{module}:{name}")
        except (corpus.CannotRun, subprocess.TimeoutExpired) as reason:
            missing.append(f"{module.stem}:{name}: {reason}")
            continue
        alarms = [f["sentence"] for f in told["findings"] if f["severity"] == "leak"]
        if alarms and answers:
            answers.mkdir(parents=True, exist_ok=True)
            (answers / f"{module.stem}-{name}.json").write_text(json.dumps(told, indent=1))
        verdict = str(told["verdict"])
        yield Asked(f"{module.stem}:{name}", verdict, alarms[0] if alarms else "", seconds)


def show_totals(answers: list[Asked], missing: list[str]) -> None:
    """The share of false alarms, and what was not asked."""
    alarms = [answer for answer in answers if answer.alarm]
    low, high = wilson(len(alarms), len(answers))
    print()
    for verdict in sorted({answer.verdict for answer in answers}):
        print(f"{verdict:16} {sum(a.verdict == verdict for a in answers):5}")
    print(
        f"{len(alarms)} of {len(answers)} clean steps have a finding of severity leak: "
        f"{100 * len(alarms) / max(1, len(answers)):.2f} %, Wilson 95 % "
        f"{100 * low:.2f} to {100 * high:.2f} %"
    )
    for line in missing:
        print(f"not asked: {line}")


def main() -> int:
    """Asks of all steps, or of what the command line leaves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", metavar="VENV", help="an environment with mortmain in it")
    parser.add_argument("--packages", action="store_true", help="install steps/packages.txt")
    parser.add_argument("--only", metavar="WORD", default="", help="steps with this in their name")
    parser.add_argument("--every", metavar="N", type=int, default=1, help="each Nth step")
    parser.add_argument("--seconds", metavar="N", type=float, default=math.inf, help="then stop")
    parser.add_argument("--json", metavar="FILE", help="write the answers to FILE too")
    parser.add_argument("--answers", metavar="FOLDER", type=Path, help="keep false alarms whole")
    arguments = parser.parse_args()
    missing: list[str] = []
    try:
        if arguments.folder:
            folder = Path(arguments.folder)
        else:
            version, python = next(iter(corpus.pythons().items()))
            packages = (STEPS / "packages.txt").read_text().split() if arguments.packages else []
            name = f"clean-{version}"
            folder = corpus.Workshop().environment(name, version, python, packages)
    except (corpus.CannotRun, VenvError) as error:
        print(error, file=sys.stderr)
        return 2
    steps = targets(folder, arguments.only, missing)[:: arguments.every]
    answers: list[Asked] = []
    for answer in ask_all(folder, steps, missing, arguments.seconds, arguments.answers):
        answers.append(answer)
        print(f"{answer.step:44} {answer.verdict:16} {answer.seconds:6.1f} s", flush=True)
        if answer.alarm:
            print(f"       FALSE ALARM: {answer.alarm[:200]}", flush=True)
    if arguments.json:
        rows = [asdict(answer) for answer in answers]
        Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")
    show_totals(answers, missing)
    return 1 if any(answer.alarm for answer in answers) else 0


if __name__ == "__main__":
    sys.exit(main())

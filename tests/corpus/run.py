"""`make corpus`: leaks that real projects shipped, each asked of `mortmain loop`, and scored.

manifest.json says of each case which packages leak, who the true holder is, and by `expect` what a
right answer is: verdict, kind, regular expressions for type, holder and sentence, and the rank that
the finding must have; `no_path`: whoever names a holder is wrong; severity: nothing stronger may
be said. Every case runs in an environment of its own, with a wheel of this tree, and without any
option of its own. With --fixed the versions that no longer leak are controls: a finding of
severity leak is a false alarm. With --try-fix patches are tried, and it is counted how many held
cases of packages, whose source can be edited, one brings to zero.

    tests/corpus/run.py [--fixed] [--try-fix] [--stdlib] [--only ID[,ID]] [--fast] [--keep]
                        [--json FILE] [--folder FOLDER] [--answers FOLDER]

--folder asks of another manifest: fresh/ has leaks and clean steps that the rules were not made
with. --answers keeps each answer whole.

Exit status: 0 all right; 1 some wrong; 3 nothing could be installed (no network).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))

import check  # noqa: E402
import environments  # noqa: E402
from environments import ROOT, Venv, VenvError  # noqa: E402

BUILD = ROOT / "build" / "corpus"
PYTHON_FOR_PACKAGES = "3.11"
LOOP_SECONDS_MAX = 600
INSTALL_SECONDS_MAX = 900
STATUS_WRONG = 1
STATUS_NOTHING_RAN = 3
# Packages of one or a few small wheels, one or two of each class: what `make check-fast` runs.
FAST = "04 08 09 11 15 26 32 37 50 53 55 57 59 61 77".split()  # noqa: SIM905

Case = dict[str, Any]
Document = dict[str, Any]
Finding = dict[str, Any]


class CannotRun(Exception):
    """A case that could not be asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one case."""

    case: str
    cls: str
    packages: str
    python: str
    verdict: str
    rank: int | None
    type: str
    seconds: float
    right: bool
    why: str
    said: str
    proof: str


# ---- environments --------------------------------------------------------------------------------


def pythons() -> dict[str, Path]:
    """Version -> interpreter, this one among them."""
    found = {name.removeprefix("python-"): path for name, path in check.find_pythons().items()}
    own = ".".join(str(part) for part in sys.version_info[:3])
    return {own: Path(sys.executable), **found}


def choose_python(case: Case, found: dict[str, Path]) -> tuple[str, Path]:
    """The version that a case was measured with; any of the same series for packages."""
    for version in case["pythons"]:
        if version in found:
            return version, found[version]
    if is_stdlib(case):
        raise CannotRun(f"no Python {' or '.join(case['pythons'])} found")
    series = {version.rpartition(".")[0] for version in case["pythons"]}
    for version, path in found.items():
        if version.rpartition(".")[0] in series:
            return version, path
    raise CannotRun(f"no Python {' or '.join(sorted(series))} found")


def is_stdlib(case: Case) -> bool:
    """Needs it no package?"""
    packages: str = case["pip"]
    return packages == "none" or packages.startswith("CPython")


def packages_of(case: Case, fixed: bool) -> list[str]:
    """What pip is asked for."""
    if is_stdlib(case):
        return []
    asked: str = case["fixed_pip"] if fixed else case["pip"]
    return re.sub(r"\(.*?\)", "", asked).split()


class Workshop:
    """Makes environments: one to build the wheel in per Python, and one per case."""

    def __init__(self) -> None:
        """Nothing is made before it is asked for."""
        self._wheels: dict[str, Path] = {}

    def wheel(self, version: str, python: Path) -> Path:
        """The wheel of this tree for one Python, built once per state of the sources."""
        if version not in self._wheels:
            venv = Venv(BUILD / "pythons" / version, python)
            self._wheels[version] = venv.wheel(BUILD / "wheels" / version)
        return self._wheels[version]

    def environment(self, name: str, version: str, python: Path, packages: list[str]) -> Path:
        """An environment with the packages and the wheel; returns its folder."""
        wheel = self.wheel(version, python)
        folder = BUILD / "environments" / name
        stamp = folder / ".stamp"
        wanted = f"{version}\n{packages}\n"
        if not stamp.is_file() or stamp.read_text().split("\n\n")[0] + "\n" != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            run_quietly([python, "-m", "venv", "--without-pip", folder], "make an environment")
            if packages:
                # pip keeps the wheels, those that it builds too, in its cache.
                command = [*self._pip(folder), *packages]
                run_quietly(command, f"install {' '.join(packages)}")
            stamp.write_text(f"{wanted}\n")
        if stamp.read_text() != f"{wanted}\n{wheel}\n":
            command = [*self._pip(folder), "--no-deps", "--force-reinstall", wheel]
            run_quietly(command, "install mortmain")
            stamp.write_text(f"{wanted}\n{wheel}\n")
        return folder

    def _pip(self, folder: Path) -> list[str | Path]:
        pip = Path(sys.executable).parent / "pip"
        return [pip, "--python", folder / "bin/python", "install", "--quiet"]


def run_quietly(command: Sequence[str | Path], what: str) -> None:
    """Runs a command; its last lines are the reason if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        env=environments.environment(Path(sys.prefix)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or ["no output"]
        raise CannotRun(f"could not {what}: {lines[-1][:200]}")


# ---- one case ------------------------------------------------------------------------------------


def ask(folder: Path, target: str, *options: str) -> tuple[Document, float]:
    """The answer of `mortmain loop`, and the seconds that it took."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    # Alone: rounds follow the time of a step.
    with environments.locked("corpus"):
        started = time.monotonic()
        done = subprocess.run(
            [folder / "bin/mortmain", "loop", "--json", *options, target],
            cwd=scratch,
            env=environments.environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LOOP_SECONDS_MAX,
            check=False,
        )
        seconds = time.monotonic() - started
    try:
        told: Document = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise CannotRun(f"no answer: {lines[-1][:200]}") from None
    return told, seconds


def guilty_text(finding: Finding) -> str:
    """Path, ring and cut: what a right holder must be named in; others that hold do not count."""
    steps = (*finding["path"], *finding["ring"])
    words = [f"{step['object']}.{step['edge'] or ''}" for step in steps]
    return "\n".join([finding["sentence"], *words, *finding["cut"]["references"]])


def type_text(finding: Finding) -> str:
    """The types that a finding accuses: for a ring all of its members."""
    members = [step["object"] for step in finding["ring"]]
    if finding["kind"] in ("held by C", "gc-invisible"):  # types named, the first one leads
        members.append(finding["sentence"])
    return "\n".join([finding["type"] or "", *members])


def fits(finding: Finding, expect: dict[str, Any]) -> bool:
    """Is this finding the one that was to be made, whatever its rank?"""
    if finding["kind"] not in expect.get("kind", [finding["kind"]]):
        return False
    if finding["severity"] not in expect.get("severity", [finding["severity"]]):
        return False
    texts = {
        "type": type_text(finding),
        "holder": guilty_text(finding),
        "sentence": finding["sentence"],
    }
    return all(re.search(expect[name], text) for name, text in texts.items() if name in expect)


def judge(told: Document, expect: dict[str, Any]) -> tuple[int | None, str]:
    """The rank of the finding that was to be made, and what is wrong: empty if nothing is."""
    findings: list[Finding] = told["findings"]
    if told["verdict"] not in expect.get("verdict", [told["verdict"]]):
        return None, f"verdict {told['verdict']}"
    if "none" in expect.get("severity", ()):
        worst = {finding["severity"] for finding in findings} - set(expect["severity"])
        return None, "a finding of severity leak" if worst else ""
    if expect.get("no_path"):
        invented = [f for f in findings if f["severity"] == "leak" and f["path"]]
        if invented:
            return None, "names a holder"
    if not {"type", "holder"} & set(expect):
        return None, ""
    ranks = [finding["rank"] for finding in findings if fits(finding, expect)]
    if not ranks:
        return None, "no finding of that type and holder"
    late = ranks[0] > expect.get("rank_at_most", len(findings))
    return ranks[0], f"rank {ranks[0]}" if late else ""


def judge_fixed(told: Document) -> tuple[int | None, str]:
    """A control: no finding of severity leak."""
    leaks = [f"{f['kind']} {f['type']}" for f in told["findings"] if f["severity"] == "leak"]
    return None, f"false alarm: {leaks[0]}" if leaks else ""


def proof_of(case: Case, told: Document) -> str:
    """What became of the patches: nothing where no package's source holds what leaks."""
    if is_stdlib(case) or not case["cls"].startswith("held"):
        return ""
    fixes = [finding["fix"] for finding in told["findings"] if finding["fix"] is not None]
    proven = {fix["proven"] for fix in fixes if fix["proven"] is not None}
    return "proven" if True in proven else "withdrawn" if False in proven else "no patch"


def run_case(
    workshop: Workshop, case: Case, found: dict[str, Path], arguments: argparse.Namespace
) -> Answer:
    """Installs, asks, and scores."""
    fixed: bool = arguments.fixed
    version, python = choose_python(case, found)
    packages = packages_of(case, fixed)
    name = "-".join([f"{'fixed-' if fixed else ''}{case['id']}", version]) if packages else version
    folder = workshop.environment(name, version, python, packages)
    options = ["--try-fix"] if arguments.try_fix else []
    told, seconds = ask(folder, f"{arguments.folder / case['file']}:step", *options)
    if arguments.answers:
        arguments.answers.mkdir(parents=True, exist_ok=True)
        (arguments.answers / f"{case['id']}-{version}.json").write_text(json.dumps(told, indent=1))
    rank, why = judge_fixed(told) if fixed else judge(told, case["expect"])
    first: Finding = told["findings"][0] if told["findings"] else {}
    shown = next((f for f in told["findings"] if f["rank"] == rank), first)
    return Answer(
        case["id"],
        case["cls"].split(" ")[0],
        " ".join(packages) or "CPython",
        version,
        told["verdict"],
        rank,
        shown.get("type") or "",
        seconds,
        not why,
        why,
        "\n".join(finding["sentence"] for finding in told["findings"][:3]),
        proof_of(case, told) if arguments.try_fix else "",
    )


# ---- all of them ---------------------------------------------------------------------------------


def select(arguments: argparse.Namespace) -> Iterator[Case]:
    """The cases that the command line asks for."""
    only = set(arguments.only.split(",")) if arguments.only else set()
    for case in json.loads((arguments.folder / "manifest.json").read_text()):
        if only and not only & {case["id"], case["name"]}:
            continue
        if arguments.fixed and not case.get("fixed_pip"):
            continue
        if arguments.stdlib and not is_stdlib(case):
            continue
        if arguments.fast and not is_stdlib(case) and case["id"] not in FAST:
            continue
        yield case


def show(answer: Answer) -> None:
    """One line, and below a wrong one what was said."""
    print(
        f"{answer.case:4} {answer.cls:13} {answer.packages[:28]:28} {answer.python:7} "
        f"{answer.verdict:14} {answer.rank or '-':>4} {answer.type[-32:]:32} "
        f"{answer.seconds:6.1f} s {'right' if answer.right else 'WRONG: ' + answer.why}"
        f"{answer.proof and ', ' + answer.proof}",
        flush=True,
    )
    if not answer.right:
        for line in answer.said.splitlines():
            print(f"       {line[:160]}", flush=True)


def show_totals(answers: list[Answer], missing: list[str], fixed: bool) -> None:
    """Right and asked, per class and in all."""
    print()
    for cls in sorted({answer.cls for answer in answers}):
        of_class = [answer for answer in answers if answer.cls == cls]
        print(f"{cls:14} {sum(a.right for a in of_class):3} of {len(of_class):3} right")
    right = sum(answer.right for answer in answers)
    seconds = sum(answer.seconds for answer in answers)
    what = "fixed versions stay without an alarm" if fixed else "cases right"
    print(f"{right} of {len(answers)} {what}, {seconds:.0f} s in mortmain loop")
    tried = [answer.proof for answer in answers if answer.proof]
    if tried:
        print(
            f"{tried.count('proven')} of {len(tried)} held cases of packages have a patch that"
            f" brings them to zero, {tried.count('withdrawn')} had one that was withdrawn"
        )
    for line in missing:
        print(f"not run: {line}")
    # The form that tools/check.py counts.
    print(f"{right} passed, {len(answers) - right} failed in {seconds:.1f}s")


def main() -> int:
    """Runs what was asked for, one case at a time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fixed", action="store_true", help="the versions that no longer leak")
    parser.add_argument("--try-fix", action="store_true", help="try the patches of held cases")
    parser.add_argument("--stdlib", action="store_true", help="only cases without packages")
    parser.add_argument("--fast", action="store_true", help="stdlib, and a dozen small packages")
    parser.add_argument("--only", metavar="ID[,ID]", help="these cases")
    parser.add_argument("--keep", action="store_true", help="keep the cases' environments")
    parser.add_argument("--json", metavar="FILE", help="write the answers to FILE too")
    parser.add_argument("--folder", type=Path, default=HERE, help="cases and manifest.json of")
    parser.add_argument("--answers", metavar="FOLDER", type=Path, help="keep all of each answer")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    found = pythons()
    workshop = Workshop()
    answers: list[Answer] = []
    missing: list[str] = []
    for case in select(arguments):
        try:
            answers.append(run_case(workshop, case, found, arguments))
            show(answers[-1])
        except (CannotRun, subprocess.TimeoutExpired) as reason:
            missing.append(f"{case['id']} {case['name']}: {reason}")
            print(f"{case['id']:4} not run: {reason}", flush=True)
        except VenvError as error:
            print(error, file=sys.stderr)
            return 2
    if arguments.json:
        rows = [asdict(answer) for answer in answers]
        Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")
    if not arguments.keep:
        shutil.rmtree(BUILD / "environments", ignore_errors=True)
    show_totals(answers, missing, arguments.fixed)
    if not answers:
        return STATUS_NOTHING_RAN
    return 0 if all(answer.right for answer in answers) else STATUS_WRONG


if __name__ == "__main__":
    sys.exit(main())

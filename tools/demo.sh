#!/bin/sh
# `make demo`: a program that leaks, a snapshot of it, and the answer.
#
# sh tools/demo.sh [BIN [FOLDER]]   BIN: where python and mortmain are; FOLDER: for the snapshots
set -eu
bin=${1:-.venv/bin}
folder=${2:-build/demo}
mkdir -p "$folder"

show() {
    printf '\n$ %s\n' "$*"
}

cat <<'TEXT'
examples/descriptor/before.py grades 10,000 exams and keeps none of them - so it believes.
At its end it takes a snapshot of its own heap; then we ask why an Exam is still alive.
TEXT
show python examples/descriptor/before.py "$folder/exams.mort"
"$bin"/python examples/descriptor/before.py "$folder/exams.mort"
show mortmain why "$folder/exams.mort" Exam
"$bin"/mortmain why "$folder/exams.mort" Exam
cat <<'TEXT'

And the same program with its dict made weak (examples/descriptor/after.py):
TEXT
"$bin"/python examples/descriptor/after.py "$folder/exams-after.mort"
show mortmain why "$folder/exams-after.mort" Exam
"$bin"/mortmain why "$folder/exams-after.mort" Exam

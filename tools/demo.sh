#!/bin/sh
# `make demo`: three programs that leave something behind, what is said about each, and the same
# programs mended.
#
# sh tools/demo.sh [BIN [FOLDER]]   BIN: where mortmain is; FOLDER: for a snapshot
set -eu
bin=${1:-.venv/bin}
folder=${2:-build/demo}
mkdir -p "$folder"

show() {
    printf '\n$ %s\n' "$*"
}

# A report goes to standard error; here both are one text.
watch() {
    show mortmain run "$@"
    "$bin"/mortmain run "$@" 2>&1
}

cat <<'TEXT'
A descriptor checks 10,000 exams, and the program keeps none of them - so it believes:
TEXT
watch -f -o "$folder/exams.mort" examples/descriptor/before.py
cat <<'TEXT'

The same with a dict that is weak:
TEXT
watch examples/descriptor/after.py
cat <<'TEXT'

Parents and children who know each other, with the collector switched off; then children who know
their parent weakly:
TEXT
watch examples/family/before.py
watch examples/family/after.py
cat <<'TEXT'

A list that is global; then one that is a function's own:
TEXT
watch examples/people/before.py
watch examples/people/after.py
cat <<'TEXT'

The first snapshot was kept. Who holds an Exam?
TEXT
show mortmain why "$folder/exams.mort" Exam
"$bin"/mortmain why "$folder/exams.mort" Exam

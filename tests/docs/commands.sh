#!/usr/bin/env bash
# Prints the shell blocks of a document that are marked for one place, in order, as one script.
#
# Usage: commands.sh DOCUMENT PLACE
#
# On the line before a block stands where it is run:
#   <!-- run: machine -->            a machine without a cluster: tests/docs/run.sh
#   <!-- run: machine, stays -->     the same, and what it starts goes on until the rest has been run
#   <!-- run: cluster -->            a cluster with nodes that has the images: tests/e2e
#   <!-- not run: REASON -->
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: commands.sh DOCUMENT PLACE" >&2; exit 2; }
awk -v place="$2" '
    /^```/ && inside { inside = printing = 0; next }
    /^```/ { inside = 1; printing = /^```sh$/ && marked; marked = 0; next }
    printing { print }
    !inside && NF { marked = ($0 == "<!-- run: " place " -->") }
' "$1"

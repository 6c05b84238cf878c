#!/bin/sh
# Prints the C code of a document, so that a test can compile it as it stands there.
#   scripts/doc-code.sh FILE           the block that follows the line <!-- example -->
#   scripts/doc-code.sh --all FILE     every block
set -eu
all=0
if [ "$1" = --all ]; then all=1; shift; fi
awk -v all="$all" '
  BEGIN { wanted = all }
  /^<!-- example -->$/ { wanted = 1 }
  inside && /^```$/ { inside = 0; wanted = all; print ""; next }
  inside { print; lines++ }
  wanted && /^```c$/ { inside = 1 }
  END { exit lines < 10 }' "$1"

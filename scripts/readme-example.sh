#!/bin/sh
# Prints the C example of a README, the block that follows the line <!-- example -->, so that a test can compile it.
set -eu
awk '/^<!-- example -->$/ { wanted = 1 } wanted && /^```$/ { exit } inside { print; lines++ }
     wanted && /^```c$/ { inside = 1 } END { exit lines < 10 }' "$1"

#!/bin/sh
# Runs a program many times with the same argument: each run must end with status 0, and soon.
# Usage: run_many.sh TIMES PROGRAM WAY
set -u
times=$1 program=$2 way=$3
run=1
while [ "$run" -le "$times" ]; do
  timeout --signal=ABRT 30 "$program" "$way"
  status=$?
  if [ "$status" -ne 0 ]; then
    echo "run $run of '$program $way' ended with status $status (124, 134: it hung)" >&2
    exit 1
  fi
  run=$((run + 1))
done
echo "$times runs of '$way' ended with status 0"

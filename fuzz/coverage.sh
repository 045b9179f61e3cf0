#!/bin/sh
# Cargo's RUSTC_WRAPPER for fuzzing: instruments the crates that have debug information in Cargo.toml, and no others. With
# instrumentation, burn takes several times as long to compile, and its branches say nothing about a file.
#
# Usage: coverage.sh RUSTC ARGUMENTS

case " $* " in
  *" --crate-name build_script_"* | *" --crate-type proc-macro "*) exec "$@" ;;
  *" debuginfo=line-tables-only "*) ;;
  *) exec "$@" ;;
esac
exec "$@" \
  -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares

#!/bin/sh
# Fuzzes the readers of foreign bytes: builds the targets, writes their seeds, and runs each target for some seconds.
#
# Usage: fuzz/run.sh [SECONDS [TARGET...]]      60 seconds of every target, if nothing is stated
#
# Stable Rust and a C++ compiler are enough. Seeds are in fuzz/seeds, inputs that reached more code in fuzz/corpus, inputs
# that failed in fuzz/artifacts. Git ignores these folders.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:-60}
[ $# -eq 0 ] || shift
export RUSTC_WRAPPER="$here/coverage.sh"
target=${CARGO_TARGET_DIR:-$here/../target}
export CARGO_TARGET_DIR="$target"

targets=${*:-$(ls "$here/fuzz_targets" | sed -n 's/\.rs$//p')}
bins=
for name in $targets; do bins="$bins --bin $name"; done
# shellcheck disable=SC2086 # one word for each target
cargo build --release --manifest-path "$here/Cargo.toml" --example seeds $bins
[ "$seconds" -gt 0 ] || exit 0

"$target/release/examples/seeds" "$here/seeds"
failed=
for name in $targets; do
  echo "== $name: $seconds seconds"
  mkdir -p "$here/artifacts/$name" "$here/corpus/$name"
  dictionary="$here/dictionaries/$name.txt"
  set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -max_len=65536 -print_final_stats=0 -verbosity=0
  [ ! -e "$dictionary" ] || set -- "$@" -dict="$dictionary"
  "$target/release/$name" "$@" -artifact_prefix="$here/artifacts/$name/" "$here/corpus/$name" "$here/seeds/$name" || failed="$failed $name"
done
if [ -n "$failed" ]; then
  echo "failed:$failed; $target/release/TARGET fuzz/artifacts/TARGET/FILE runs an input again" >&2
  exit 1
fi

#!/bin/sh
# Runs a campaign as an array job, and merges its shards when all are finished.
#
#   submit.sh CONFIG.yaml RESULTS SHARDS [OPTION OF SBATCH]...
#
# CONFIG.yaml says model, data and faults (see campaign.yaml); RESULTS is a directory that all nodes see. The campaign is then in
# RESULTS/campaign, and so is RESULTS/shard-1 and so on. faultscope must be on the PATH of the nodes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 3 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
CONFIG=$(realpath "$1")
mkdir -p "$2"
RESULTS=$(realpath "$2")
shards=$3
shift 3
export CONFIG RESULTS

logs="$RESULTS/%x-%A_%a.log"
array=$(sbatch --parsable --array="1-$shards" --output="$logs" "$@" "$here/campaign.sbatch")
sbatch --parsable --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes --output="$RESULTS/%x-%j.log" \
    "$here/merge.sbatch"

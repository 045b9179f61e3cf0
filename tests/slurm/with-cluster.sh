#!/bin/sh
# Runs a command in a Slurm cluster of its own: a controller and a node on this machine, as whoever calls it.
#
#   with-cluster.sh FOLDER COMMAND [ARGUMENT]...
#
# FOLDER, which must be empty, takes keys, state and logs. Needs munged, slurmctld, slurmd and sbatch (Debian: slurm-wlm).
set -eu
PATH="$PATH:/usr/sbin:/sbin"
folder=$(realpath "$1")
shift
chmod 700 "$folder"
cd "$folder"
mkdir state spool

processes=
stop() {
    for process in $processes; do kill "$process" 2>/dev/null || :; done
    wait
}
trap stop EXIT
trap 'exit 1' INT TERM

head -c 1024 /dev/urandom >munge.key
chmod 400 munge.key
munged --foreground --force --key-file=munge.key --socket="$folder/munge.socket" --pid-file="$folder/munge.pid" \
    --seed-file="$folder/munge.seed" --log-file="$folder/munge.log" --num-threads=2 >munge.out 2>&1 &
processes="$!"

# Ports that hardly anybody uses, another pair for each process.
port=$((20000 + $$ % 20000))
user=$(id -un)
host=$(hostname -s)
cat >slurm.conf <<CONF
ClusterName=faultscope
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 20001))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
MailProg=/bin/true
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$folder/slurm.conf"

slurmctld -D -i >slurmctld.out 2>&1 &
processes="$processes $!"
slurmd -D >slurmd.out 2>&1 &
processes="$processes $!"

tries=0
until sinfo --noheader --format=%T 2>/dev/null | grep -q idle; do
    tries=$((tries + 1))
    if [ "$tries" -gt 1200 ]; then
        echo "the cluster does not start:" >&2
        cat ./*.out ./*.log >&2
        exit 1
    fi
    sleep 0.5
done
cd "$OLDPWD"
"$@"

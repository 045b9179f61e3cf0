//! `examples/slurm` on a real cluster, which `tests/slurm/with-cluster.sh` starts on this machine.

use super::resume::{assert_same, images_with_mistakes};
use super::*;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/slurm");
const WITH_CLUSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm/with-cluster.sh");

/// The search path, with the folders of daemons and of the program under test.
fn path() -> std::ffi::OsString {
    let program = Path::new(PROGRAM).parent().expect("in a folder").to_owned();
    let known = std::env::var_os("PATH").unwrap_or_default();
    let folders = [program, "/usr/sbin".into(), "/sbin".into()].into_iter().chain(std::env::split_paths(&known));
    std::env::join_paths(folders).expect("a search path")
}

fn is_installed(program: &str) -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join(program).is_file())
}

#[test]
fn an_array_job_makes_the_campaign_of_one_process() {
    for program in ["munged", "slurmctld", "slurmd", "sbatch", "srun"] {
        if !is_installed(program) {
            let what = format!("there is no {program} on this machine; Debian's slurm-wlm brings it");
            super::missing::may_be_missing(what, "set-up installs no cluster");
            return;
        }
    }
    let images = images_with_mistakes();
    let folder = TempDir::new().expect("a temporary folder");
    let config = folder.path().join("campaign.yaml");
    let results = folder.path().join("results");
    let yaml = format!("model: {MODEL}\ndata: {}\nprotocol: study\nseed: 6\n", text(images.path()));
    fs::write(&config, yaml).expect("a file");
    let whole = folder.path().join("whole");
    faultscope(&["campaign", "--config", text(&config), "--out", text(&whole)]).code(DONE);

    // Shard 2 died before, in the middle of a record.
    let second = results.join("shard-2");
    faultscope(&["campaign", "--config", text(&config), "--out", text(&second), "--shard", "2/3"]).code(DONE);
    fs::remove_file(second.join("summary.json")).expect("removed");
    let records = fs::read(second.join("faults.jsonl")).expect("records");
    fs::write(second.join("faults.jsonl"), &records[..records.len() / 2]).expect("a file");

    let cluster = folder.path().join("cluster");
    fs::create_dir(&cluster).expect("a folder");
    let run = Command::new(WITH_CLUSTER)
        .arg(&cluster)
        // Not by assert_cmd's own, which would leave the daemons running.
        .args([
            "timeout",
            "1800",
            &format!("{SCRIPTS}/submit.sh"),
            text(&config),
            text(&results),
            "3",
            "--cpus-per-task=1",
        ])
        .env("PATH", path())
        // sbatch returns when the job has ended, with its exit code.
        .env("SBATCH_WAIT", "1")
        .assert();
    let logs = || -> String {
        let logs = fs::read_dir(&results).into_iter().flatten().flatten().map(|entry| entry.path());
        logs.filter_map(|path| fs::read_to_string(path).ok()).collect()
    };
    assert!(run.get_output().status.success(), "{}\n{}", String::from_utf8_lossy(&run.get_output().stderr), logs());
    assert_same(&whole, &results.join("campaign"));
    assert!(logs().contains("done before: "), "{}", logs());
}

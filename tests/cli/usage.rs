//! Help and wrong arguments.

use super::*;

#[test]
fn help_documents_commands_and_exit_codes() {
    let commands = [
        "inspect",
        "predict",
        "inject",
        "campaign",
        "rank",
        "report",
        "sample",
        "prepare",
        "grouping",
        "fetch",
        "convert",
        "protect",
        "architectures",
    ];
    let help = String::from_utf8(faultscope(&["--help"]).code(DONE).get_output().stdout.clone()).expect("UTF-8");
    for word in commands.iter().chain(&["Exit codes:", "bad input", "incomplete"]) {
        assert!(help.contains(word), "{word} in {help}");
    }
    for command in commands {
        faultscope(&[command, "--help"]).code(DONE);
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    refused(&["inspect"], USAGE, "required");
    refused(&["inspect", MODEL, "--architecture", "resnet51"], USAGE, "there are resnet50, resnet101");
    refused(&["inspect", MODEL, "--device", "tpu"], USAGE, "unexpected argument");
    refused(&["predict", MODEL, "x.png", "--device", "tpu"], USAGE, "[possible values: cpu, gpu]");
    refused(&["inject", MODEL, "x.png", "--layer", "0", "--element", "0"], USAGE, "needs --bit");
    let zero = ["inject", MODEL, "x.png", "--layer", "0", "--element", "0", "--type", "zero", "--bit", "3"];
    refused(&zero, USAGE, "--bit goes with --type bitflip");
    let percent = ["campaign", "--model", MODEL, "--data", ".", "--out", "x", "--percent", "5"];
    refused(&percent, USAGE, "--percent goes with --type zero");
    for memory in ["0", "2GiBs", "-1", "lots"] {
        let memory = format!("--memory={memory}");
        let campaign = ["campaign", "--model", MODEL, "--data", ".", "--out", "x", &memory];
        refused(&campaign, USAGE, "2GiB for example");
    }
}

//! `campaign --protocol study` and `--config FILE`.

use super::resume::{assert_same, images_with_mistakes};
use super::*;

/// A folder with images, a network's name in `--model`, and a configuration file to be written.
struct Bench {
    images: TempDir,
    results: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { images: images_with_mistakes(), results: TempDir::new().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.results.path().join(name)
    }

    fn campaign(&self, name: &str, more: &[&str]) -> assert_cmd::assert::Assert {
        let path = self.path(name);
        let mut all = vec!["campaign", "--model", MODEL, "--data", text(self.images.path()), "--out", text(&path)];
        all.extend(more);
        faultscope(&all)
    }

    /// Writes the file.
    fn file(&self, yaml: &str) -> PathBuf {
        let path = self.path("campaign.yaml");
        fs::write(&path, yaml).expect("a file");
        path
    }

    /// That the file is refused with `sentence`.
    fn refused(&self, yaml: &str, more: &[&str], sentence: &str) {
        let file = self.file(yaml);
        let mut all = vec!["--config", text(&file)];
        all.extend(more);
        let refusal = self.campaign("refused", &all).code(INPUT);
        refusal.stderr(contains("campaign.yaml: ").and(contains(sentence)).and(contains("panicked").not()));
        assert!(!self.path("refused").exists());
    }

    fn config(&self, name: &str) -> Value {
        let bytes = fs::read(self.path(name).join("config.json")).expect("a file");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")["campaign"].clone()
    }
}

#[test]
fn the_study_injects_more_into_what_is_misclassified() {
    let bench = Bench::new();
    bench.campaign("study", &["--protocol", "study"]).code(DONE);
    let records = fs::read_to_string(bench.path("study").join("faults.jsonl")).expect("records");
    let mut counts = [0; 6];
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let image = record["image"].as_u64().expect("a number") as usize;
        counts[image] += 1;
        let wrong = record["label"] != record["golden"]["class"];
        assert_eq!(wrong, [2, 4].contains(&image), "{line}");
    }
    assert_eq!(counts, [5, 5, 30, 5, 30, 5]);
    assert_eq!(bench.config("study")["faults"], serde_json::json!({"correct": 5, "misclassified": 30}));
    let report = json(&["report", text(&bench.path("study")), "--json"]);
    assert_eq!((&report["planned"], &report["complete"]), (&80.into(), &true.into()));

    bench.campaign("other", &["--protocol", "study", "--correct", "2", "--misclassified", "3"]).code(DONE);
    assert_eq!(bench.config("other")["faults"], serde_json::json!({"correct": 2, "misclassified": 3}));
    bench
        .campaign("zero", &["--protocol", "study", "--correct", "0"])
        .code(INPUT)
        .stderr(contains("at least one fault"));
    for wrong in [&["--misclassified", "3"][..], &["--correct", "3"], &["--protocol", "study", "--faults", "3"]] {
        bench.campaign("wrong", wrong).code(USAGE);
    }
    assert!(!bench.path("wrong").exists() && !bench.path("zero").exists());
}

#[test]
fn the_study_needs_labels() {
    let bench = Bench { images: TempDir::new().expect("a temporary folder"), ..Bench::new() };
    write_image(&bench.images.path().join("unknown.png"), 0, 3);
    bench.campaign("out", &["--protocol", "study"]).code(INPUT).stderr(contains("unknown.png: the image has no label"));
    assert!(!bench.path("out").exists());
    bench.campaign("out", &[]).code(DONE);
}

#[test]
fn a_file_says_what_arguments_say() {
    let bench = Bench::new();
    let same = |name: &str, yaml: &str, arguments: &[&str]| {
        let file = bench.file(yaml);
        bench.campaign(&format!("{name} file"), &["--config", text(&file)]).code(DONE);
        bench.campaign(name, arguments).code(DONE);
        assert_same(&bench.path(&format!("{name} file")), &bench.path(name));
    };
    let tensorfi = "# TensorFI's own\nTarget: layer_states\nMode: single\nType: bitflips\nAmount: 2\nBit: 30\n";
    same("weights", tensorfi, &["--target", "weight", "--amount", "2", "--bit", "30"]);
    same(
        "study",
        "Target: layer_outputs\nBit: random\nseed: 4\nprotocol: study\n",
        &["--seed", "4", "--protocol", "study"],
    );
    let zeros = "Mode: multiple\nType: zeros\nAmount: 2.5\nBit: 4\nfaults: 2\n";
    same("zeros", zeros, &["--mode", "multiple", "--type", "zero", "--percent", "2.5", "--faults", "2"]);
    same(
        "random",
        "Type: random\nsampling: element\nimages: 3\njobs: 1\nresume: false\n",
        &["--type", "random", "--sampling", "element", "--images", "3"],
    );
    same("empty", "# nothing\n", &[]);
    // As the samples of TensorFI 1 and 2 have it.
    let first = "Seed: 1000\nScalarFaultType: None\nTensorFaultType: bitFlip-element\nOps:\n#  - LRN = 1.0\n\
                 Instances:\n  - CONV2D = 2   # two\n  - RELU = 3\nInjectMode: \"dynamicInstance\"\n";
    same("first", first, &["--seed", "1000"]);
    let all = "Ops:\n  - ALL = 1.0 # Chooses all operations\nSkipCount: 0\nConfigInst: true\nTensorFaultType: Zero\n\
               InjectMode: oneFaultPerRun\n";
    same("all operations", all, &["--type", "zero", "--percent", "100"]);
    same("no operations", "Ops: null\nTensorFaultType: Rand-element\n", &["--type", "random"]);
    same(
        "layer",
        "Mode: layer_states\nType: bitflips\nAmount: 3\nLayer: 0\nBit: N\n",
        &["--target", "weight", "--amount", "3", "--layers", "0"],
    );
    same("any layer", "Mode: layer_outputs\nType: bitflips\nLayer: N\n", &[]);
    // Everything in the file.
    let out = bench.path("all file");
    let yaml = format!("model: {MODEL}\ndata: {}\nout: {}\nfaults: 3\n", text(bench.images.path()), text(&out));
    let file = bench.file(&yaml);
    faultscope(&["campaign", "--config", text(&file)]).code(DONE);
    bench.campaign("all", &["--faults", "3"]).code(DONE);
    assert_same(&out, &bench.path("all"));
}

#[test]
fn the_command_line_wins() {
    let bench = Bench::new();
    let file =
        bench.file("seed: 4\nType: bitflips\nBit: 3\nAmount: 2\nprotocol: study\nmisclassified: 7\nMode: multiple\n");
    let config = |name: &str, more: &[&str]| {
        let mut all = vec!["--config", text(&file)];
        all.extend(more);
        bench.campaign(name, &all).code(DONE);
        bench.config(name)
    };
    let plain = config("plain", &[]);
    assert_eq!((&plain["seed"], &plain["bit"], &plain["faults"]["misclassified"]), (&4.into(), &3.into(), &7.into()));
    let other = config("other", &["--seed", "5", "--faults", "2", "--type", "zero", "--mode", "single"]);
    assert_eq!((&other["seed"], &other["faults"], &other["type"]), (&5.into(), &2.into(), &"zero".into()));
    assert_eq!(
        (&other["amount"], &other["mode"]),
        (&1.into(), &"single".into()),
        "two elements went with the bit flips"
    );
    assert_eq!(config("more", &["--misclassified", "8"])["faults"]["misclassified"], 8);
}

#[test]
fn what_a_file_gets_wrong_is_told_with_its_line() {
    let bench = Bench::new();
    bench.refused(
        "seed: 4\nsede: 5\n",
        &[],
        "line 2: unknown key \"sede\"; keys are Target, Mode, Type, Amount, Bit, ",
    );
    bench.refused("\n\nseed: four\n", &[], "line 3: invalid value 'four' for '--seed <S>'");
    bench.refused("seed: 1\nbit: NaN\n", &[], "line 2: a bit from 0 to 31, a range such as 23-30, sign");
    bench.refused("seed: 1\nbit: 40\n", &[], "line 2: bit 40 is out of range");
    bench.refused("bit: .nan\n", &[], "line 1: ");
    bench.refused("Type: bitflip\n", &[], "line 1: Type is bitflips or zeros or random, found bitflip");
    bench.refused("Target: layers\n", &[], "line 1: Target is layer_outputs or layer_states");
    bench.refused("Ops:\n  - CONV2D = 1.0\n", &[], "Ops is ALL = 1.0, found CONV2D = 1.0; --layers with kind:KIND");
    bench.refused(
        "InjectMode: errorRate\n",
        &[],
        "line 1: InjectMode is dynamicInstance or oneFaultPerRun, found errorRate",
    );
    bench.refused(
        "\nTensorFaultType: bitFlip-tensor\n",
        &[],
        "line 2: TensorFaultType is bitFlip-element or Rand-element or Zero",
    );
    bench.refused("SkipCount: 1\n", &[], "line 1: SkipCount is 0, found 1");
    bench.refused("Artifact: 0\nType: mutate\n", &[], "line 1: unknown key \"Artifact\"");
    bench.refused("mode: both\n", &[], "line 1: invalid value 'both' for '--mode <MODE>'");
    bench.refused("seed: 1\nTarget: layer_states\ntarget: weight\n", &[], "--target is given twice");
    bench.refused("seed: 1\nseed: 2\n", &[], "line 2");
    bench.refused("seed:\n  - 1\n", &[], "line 2");
    bench.refused("resume: maybe\n", &[], "line 1: resume is true or false, found maybe");
    bench.refused("config: other.yaml\n", &[], "unknown key \"config\"");
    bench.refused("faults: 3\nprotocol: study\n", &[], "cannot be used with");
    bench.refused("seed: 1\n}: {\n", &[], "line 2");
    bench.refused("[1, 2]\n", &[], "line 1");
    faultscope(&["campaign", "--config", text(&bench.file("seed: 1\n"))])
        .code(USAGE)
        .stderr(contains("--model is missing"));
    faultscope(&["campaign", "--config", "nowhere.yaml"]).code(INPUT).stderr(contains("nowhere.yaml"));
}

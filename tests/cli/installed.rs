//! The installed program, in an empty folder and for a user who has no data yet.

use super::*;

/// A user's home and an empty working folder in it.
struct Elsewhere {
    home: TempDir,
    folder: PathBuf,
}

impl Elsewhere {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let folder = home.path().join("empty");
        fs::create_dir(&folder).expect("a folder");
        Self { home, folder }
    }

    fn data(&self) -> PathBuf {
        let folder = if cfg!(target_os = "macos") { "Library/Application Support" } else { "data" };
        self.home.path().join(folder)
    }

    fn faultscope(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        let home = self.home.path();
        Command::new(PROGRAM)
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("FAULTSCOPE_MODELS")
            .env("HOME", home)
            .env("XDG_DATA_HOME", self.data())
            .env("XDG_CACHE_HOME", home.join("cache"))
            // No request of a test leaves this machine.
            .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
            .assert()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output =
            self.faultscope(arguments).code(DONE).stderr(predicate::str::is_empty()).get_output().stdout.clone();
        serde_json::from_slice(&output).expect("JSON on standard output")
    }

    fn refused(&self, arguments: &[&str], code: i32, sentence: &str) {
        let wrong = contains("os error").or(contains("panicked"));
        self.faultscope(arguments).code(code).stderr(contains("error: ").and(contains(sentence)).and(wrong.not()));
    }

    fn is_untouched(&self) -> bool {
        let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        empty(&self.folder) && !self.data().exists()
    }
}

const SIGN: &str = "gtsrb-resnet8/sign_00_14.png";

#[test]
fn the_built_in_network_runs_in_an_empty_folder() {
    let user = Elsewhere::new();
    let fault = ["--layer", "flatten", "--element", "9", "--bit", "30", "--json"];
    let result = user.json(&[&["inject", "gtsrb-resnet8", SIGN], &fault[..]].concat());
    assert_eq!(result["golden"]["class"], 14);
    let all = user.json(&["predict", "gtsrb-resnet8", "--json"]);
    let all = all["predictions"].as_array().expect("a list");
    assert_eq!(all.len(), 16, "without IMAGE, all sample images");
    assert_eq!(all[0]["image"], SIGN);
    for prediction in all {
        let name = prediction["image"].as_str().expect("a name");
        let label = name.rsplit('_').next().and_then(|end| end.strip_suffix(".png")).expect("NAME_NN_LABEL.png");
        assert_eq!(prediction["top"][0]["class"].to_string(), label, "{name}");
    }
    user.faultscope(&["inspect", "gtsrb-resnet8"]).code(DONE).stdout(contains("GTSRB ResNet-8"));
    assert!(user.is_untouched(), "nothing is written");
}

#[test]
fn the_other_built_in_network_has_the_same_signs() {
    let user = Elsewhere::new();
    let fault = ["--layer", "block1.attention.softmax", "--element", "0", "--bit", "30", "--trace", "--json"];
    let result = user.json(&[&["inject", "gtsrb-vit", "gtsrb-vit/sign_00_14.png"], &fault[..]].concat());
    assert_eq!(result["golden"]["class"], 14);
    user.faultscope(&["inspect", "gtsrb-vit"]).code(DONE).stdout(contains("GTSRB ViT"));
    let all = user.json(&["predict", "gtsrb-vit", "--json"]);
    assert_eq!(all["predictions"].as_array().map(Vec::len), Some(16));
    assert!(user.is_untouched(), "nothing is written");
    let campaign = ["campaign", "--model", "gtsrb-vit", "--data", "gtsrb-vit/samples", "--out", "a", "--faults", "3"];
    user.faultscope(&campaign).code(DONE).stdout(contains("GTSRB ViT: 16 images, 48 activation faults"));
}

#[test]
fn a_campaign_on_the_built_in_signs_is_that_of_the_checkout() {
    let user = Elsewhere::new();
    let campaign = |data: &str, out: &str| {
        let arguments = ["campaign", "--model", "gtsrb-resnet8", "--data", data, "--out", out, "--faults", "3"];
        user.faultscope(&arguments).code(DONE).stdout(contains("GTSRB ResNet-8: 16 images, 48 activation faults"));
        fs::read(user.folder.join(out).join("faults.jsonl")).expect("records")
    };
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/gtsrb-resnet8/samples");
    let built_in = campaign("gtsrb-resnet8/samples", "a");
    assert_eq!(built_in, campaign(text(&checkout), "b"));
    let resumed = ["--out", "a", "--faults", "3", "--resume"];
    let resumed = [&["campaign", "--model", "gtsrb-resnet8", "--data", text(&checkout)], &resumed[..]].concat();
    user.faultscope(&resumed).code(DONE).stderr(contains("done before: 48 faults"));
}

#[test]
fn fetch_writes_to_the_users_data_folder_or_where_it_is_told() {
    let user = Elsewhere::new();
    let models = user.data().join("faultscope/models");
    let file = models.join("gtsrb-resnet8/gtsrb-resnet8.bpk");
    for _ in 0..2 {
        user.faultscope(&["fetch", "gtsrb-resnet8"]).code(DONE).stdout(format!("{}\n", text(&file)));
    }
    assert!(file.is_file() && models.join("gtsrb-resnet8/samples/sign_15_40.png").is_file());
    user.faultscope(&["predict", text(&file), SIGN]).code(DONE);
    user.faultscope(&["predict", "gtsrb-resnet8", SIGN]).code(DONE);
    user.faultscope(&["fetch", "gtsrb-resnet8", "--into", "here"]).code(DONE).stderr(contains("here/gtsrb-resnet8"));
    assert!(user.folder.join("here/gtsrb-resnet8/gtsrb-resnet8.bpk").is_file());

    // A model that was fetched is found by its id, also from another folder.
    fs::create_dir(models.join("own")).expect("a folder");
    fs::copy(MODEL, models.join("own/net.onnx")).expect("a file");
    assert_eq!(user.json(&["inspect", "own", "--json"])["layers"][0]["name"], "conv1");
    // The folder `models` of a checkout is filled, and looked into first.
    let manifest = user.folder.join("models/gtsrb-resnet8/manifest.toml");
    fs::create_dir_all(manifest.parent().expect("a folder")).expect("a folder");
    fs::write(&manifest, "").expect("a file");
    let here = Path::new("models/gtsrb-resnet8/gtsrb-resnet8.bpk");
    user.faultscope(&["fetch", "gtsrb-resnet8"]).code(DONE).stdout(format!("{}\n", text(here)));
    fs::write(user.folder.join(here), "damaged").expect("a file");
    user.refused(&["inspect", "gtsrb-resnet8"], INPUT, text(here));
    user.refused(&["fetch", "gtsrb-resnet8"], INPUT, "remove it and fetch it again");
}

#[test]
fn what_is_missing_is_named_with_the_remedy() {
    let user = Elsewhere::new();
    user.refused(
        &["fetch", "resnet"],
        INPUT,
        "gtsrb-resnet8, gtsrb-vit, efficientnet-lite0, efficientnet-lite1, efficientnet-lite2",
    );
    user.refused(&["inspect", "efficientnet-lite0"], INPUT, "`faultscope fetch efficientnet-lite0` gets it");
    user.refused(&["inspect", "resnet"], INPUT, "known models are gtsrb-resnet8");
    let inject =
        |image: &'static str| ["inject", "gtsrb-resnet8", image, "--layer", "flatten", "--element", "0", "--bit", "30"];
    user.refused(&inject("sign.png"), INPUT, "sign.png: there is no such file");
    user.refused(&inject("gtsrb-resnet8/sign.png"), INPUT, "sample images of gtsrb-resnet8 are sign_00_14.png");
    user.refused(&inject("efficientnet-lite0/imagenet_00_243.jpg"), INPUT, "`faultscope fetch efficientnet-lite0`");
    let campaign = ["campaign", "--model", "gtsrb-resnet8", "--out", "x", "--data"];
    user.refused(&[&campaign[..], &["signs"]].concat(), INPUT, "signs: there is no such file or folder");
    user.refused(&["predict", MODEL], USAGE, "IMAGE is missing");
    fs::write(user.folder.join("file"), "").expect("a file");
    user.refused(&["fetch", "gtsrb-resnet8", "--into", "file"], INPUT, "the folder cannot be created");
}

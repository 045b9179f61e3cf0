//! `--device gpu`, where there is one and where there is none.

use super::*;

#[test]
fn the_gpu_gives_the_answer_of_the_cpu_or_says_that_there_is_none() {
    let (_folder, image) = one_image();
    let arguments = ["inject", MODEL, text(&image), "--layer", "relu1", "--element", "70", "--bit", "22", "--json"];
    let gpu = Command::new(PROGRAM).args([&arguments[..], &["--device", "gpu"]].concat()).output().expect("it runs");
    if gpu.status.code() == Some(INPUT) {
        let message = String::from_utf8(gpu.stderr).expect("UTF-8");
        assert!(message.contains("error: gpu: ") && message.contains("--device cpu"), "{message}");
        super::no_gpu::no_gpu(message);
        return;
    }
    assert_eq!(gpu.status.code(), Some(DONE));
    let gpu: Value = serde_json::from_slice(&gpu.stdout).expect("JSON");
    let cpu = json(&arguments);
    assert_eq!((&gpu["outcome"], &gpu["fault"]["element"]), (&cpu["outcome"], &cpu["fault"]["element"]));
    for run in ["golden", "faulty"] {
        let scores = |device: &Value| -> Vec<f64> {
            let list = device[run]["logits"].as_array().expect("a list");
            list.iter().map(|score| score.as_f64().expect("a number")).collect()
        };
        let (gpu, cpu) = (scores(&gpu), scores(&cpu));
        let largest = cpu.iter().fold(0f64, |largest, score| largest.max(score.abs()));
        for (gpu, cpu) in gpu.iter().zip(&cpu) {
            assert!((gpu - cpu).abs() <= 1e-4 * largest, "{run}: {gpu} on the GPU, {cpu} on the CPU");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_a_gpu_gets_a_sentence() {
    let (_folder, image) = one_image();
    Command::new(PROGRAM)
        .args(["predict", MODEL, text(&image), "--device", "gpu"])
        .env("VK_DRIVER_FILES", "/nowhere")
        .env("VK_ICD_FILENAMES", "/nowhere")
        .env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nowhere")
        .assert()
        .code(INPUT)
        .stderr(contains("error: gpu: ").and(contains("--device cpu computes on the processor")));
}

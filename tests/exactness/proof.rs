//! The comparison.

use std::ops::Range;

use faultscope::campaign::{Lab, Settings, Subject, Trial, Trials};
use faultscope::exec::{Clip, Injector, MultiplyAdds, faulty_parameters};
use faultscope::fault::{FaultModel, InjectedFault, Site, SiteSpace, Target, sampler};
use faultscope::graph::{Graph, HostTensor};
use faultscope::ops::Array;
use faultscope::outcome::{Verdict, top1};

use super::networks::{IMAGES, Network};

/// Lanes of a wave.
const LANES: usize = 64;
const SEED: u64 = 2026;

/// What is known of a network.
pub struct Expected {
    /// Multiply-adds of an inference, to two per cent, where they are published.
    pub multiply_adds: Option<f64>,
    /// By how many times a fault takes less than an inference, at least, layers being equally likely.
    pub saved: f64,
}

/// Faults in one kind of place.
struct Draw {
    what: &'static str,
    space: SiteSpace,
    count: usize,
}

/// Injects `faults` faults into activations of the layers that campaigns draw from, and some into all layers and into
/// weights, in waves and one by one in whole runs, and compares all that is known of them.
pub fn prove(network: &Network, faults: usize, expected: &Expected) {
    let asked = std::env::var("FAULTSCOPE_FAULTS").ok();
    let faults = asked.map_or(faults, |count| count.parse().expect("FAULTSCOPE_FAULTS is a number"));
    let graph = network.lab.executor().graph().clone();
    let golden = |image| pollster::block_on(network.lab.golden(image)).expect("a golden run").logits;
    let goldens: Vec<Vec<f32>> = network.images.iter().map(golden).collect();
    let dense = check_count(network, &graph, expected);
    let draws = [
        Draw { what: "activations", space: SiteSpace::sampled(&graph, Target::Activation), count: faults },
        Draw {
            what: "activations of any layer",
            space: SiteSpace::of(&graph, Target::Activation),
            count: faults.div_ceil(10),
        },
        Draw { what: "weights", space: SiteSpace::of(&graph, Target::Weight), count: faults.div_ceil(5) },
    ];
    let found = draws.map(|draw| prove_draw(network, &goldens, &draw, dense));
    let metadata = SiteSpace::of(&graph, Target::Metadata);
    if !metadata.layers().is_empty() && network.faults == FaultModel::default() {
        let draw = Draw { what: "scales and zero points", space: metadata, count: faults.div_ceil(10) };
        let scales = prove_draw(network, &goldens, &draw, dense);
        assert!(scales.differing > 0, "{}: a struck scale changes an answer", network.name);
    }
    let all = found.iter().fold((0, 0), |(faults, differing), one| (faults + one.faults, differing + one.differing));
    assert!(all.1 * 20 > all.0, "{}: where nothing happens nothing is proven", network.name);
    let (saved, weights) = (1.0 / found[0].cost, found[2].cost);
    assert!(saved >= expected.saved, "{}: a fault takes 1/{saved:.2} of an inference", network.name);
    assert!(weights < 1.0, "{}: a fault in a weight takes {weights:.2} of an inference", network.name);
}

/// The multiply-adds of an inference, as executed.
fn check_count(network: &Network, graph: &Graph, expected: &Expected) -> f64 {
    let subject = Subject::new(&network.images[0], Vec::new());
    let wave = trials(&network.lab, &[subject], false);
    assert_eq!(wave.work.lanes, 0);
    // An inference does not compute what does not depend on its image.
    let depends = graph.depends_on_input();
    let counted: u64 = (0..graph.nodes.len()).filter(|&node| depends[node]).map(|node| graph.multiply_adds(node)).sum();
    assert_eq!(wave.work.golden, counted, "{}: multiply-adds executed, and by the layers' shapes", network.name);
    let is_published = |published: f64| (counted as f64 / published - 1.0).abs() < 0.02;
    assert!(expected.multiply_adds.is_none_or(is_published), "{}: {counted} multiply-adds", network.name);
    counted as f64
}

/// What they did.
struct Found {
    faults: usize,
    /// Those whose scores are not the golden ones.
    differing: usize,
    /// Share of an inference's multiply-adds that one takes.
    cost: f64,
}

/// Proves faults of one kind.
fn prove_draw(network: &Network, goldens: &[Vec<f32>], draw: &Draw, dense: f64) -> Found {
    let (lab, graph) = (&network.lab, &**network.lab.executor().graph());
    let model = FaultModel { target: draw.space.target(), ..network.faults.clone() };
    // Fault by fault, each in the next image.
    let sites = |fault: usize| {
        let [image, fault] = [fault % IMAGES, fault / IMAGES].map(|index| index as u64);
        sampler::draw(graph, &draw.space, &model, SEED, image, fault).expect("a fault")
    };
    let subjects = |faults: Range<usize>| -> Vec<Subject<'_>> {
        let own = |image| faults.clone().filter(move |fault| fault % IMAGES == image).map(sites).collect();
        network.images.iter().enumerate().map(|(image, input)| Subject::new(input, own(image))).collect()
    };
    let (mut work, mut differing, mut misclassified) = (MultiplyAdds::default(), 0, 0);
    for start in (0..draw.count).step_by(LANES) {
        let subjects = subjects(start..draw.count.min(start + LANES));
        let wave = trials(lab, &subjects, false);
        for (((subject, input), tried), golden) in subjects.iter().zip(&network.images).zip(wave.images).zip(goldens) {
            let tried = tried.expect("a golden run");
            assert_eq!((tried.class, tried.trials.len()), (top1(golden), subject.faults.len()));
            for (sites, trial) in subject.faults.iter().zip(&tried.trials) {
                compare(network, graph, input, golden, sites, trial);
                differing += usize::from(!same(&trial.logits, golden));
                misclassified += usize::from(trial.class != tried.class);
            }
        }
        work.golden += wave.work.golden;
        work.lanes += wave.work.lanes;
    }
    let cost = work.lanes as f64 / draw.count as f64 / dense;
    println!(
        "{}: {} faults in {}: scores bit-identical to whole runs; {differing} differ from the golden ones, \
         {misclassified} are another class; a fault takes 1/{:.2} of an inference",
        network.name,
        draw.count,
        draw.what,
        1.0 / cost
    );

    // What a wave executes is decided by what is drawn, not by chance; and whole layers take no less.
    let some = subjects(0..draw.count.min(8));
    let [first, second, whole] = [false, false, true].map(|whole| trials(lab, &some, whole).work);
    assert_eq!(first, second, "{}: the same faults take the same", network.name);
    assert!(whole.lanes >= first.lanes, "{}: {whole:?} and {first:?}", network.name);
    Found { faults: draw.count, differing, cost }
}

fn trials(lab: &Lab, subjects: &[Subject<'_>], whole: bool) -> Trials {
    pollster::block_on(lab.trials(subjects, Settings { whole, ..Settings::default() })).expect("trials")
}

/// One fault, in a whole run.
fn compare(network: &Network, graph: &Graph, image: &HostTensor, golden: &[f32], sites: &[Site], trial: &Trial) {
    let executor = network.bare.executor();
    let (parameters, mut faults) = faulty_parameters(graph, sites);
    let mut hook = Clip::new(&network.ranges, Injector::new(graph, sites));
    let inputs = [Array::upload(image, executor.device())];
    let run = pollster::block_on(executor.run_changed(&inputs, &parameters, &mut hook)).expect("a run");
    let (injector, _) = hook.into_parts();
    let output = run.get(graph.outputs[0]).expect("the output");
    let logits = pollster::block_on(output.read()).expect("the CPU can be read");
    faults.extend(injector.into_injected());

    // Bit errors may happen to be none.
    let place = faults.first().map_or_else(String::new, |fault| {
        format!("bit {:?} of element {} of \"{}\"", fault.bit, fault.element, fault.tensor)
    });
    let place = format!("{}: {place}", network.name);
    let same_fault = |a: &InjectedFault, b: &InjectedFault| {
        (&a.layer, &a.tensor, a.element, a.bit) == (&b.layer, &b.tensor, b.element, b.bit)
            && same(&[a.before, a.after], &[b.before, b.after])
    };
    assert!(faults.len() == sites.len() && trial.faults.len() == sites.len(), "{place}");
    assert!(faults.iter().zip(&trial.faults).all(|(a, b)| same_fault(a, b)), "{place}");
    assert!(same(&logits, &trial.logits), "{place}: scores {:?}, a whole run has {logits:?}", trial.logits);
    assert_eq!(trial.class, top1(&logits), "{place}");
    assert_eq!(trial.verdict, Verdict::new(golden, &logits, network.lab.grouping()), "{place}");
}

/// Whether these are the same bits; which NaN a NaN is, arithmetic leaves open.
fn same(a: &[f32], b: &[f32]) -> bool {
    let equal = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    a.len() == b.len() && a.iter().zip(b).all(equal)
}

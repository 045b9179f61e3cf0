use burn::tensor::Device;
use facts::campaign::design::Score;
use facts::fault::{Corruption, Site, SiteSpace, Target};
use facts::graph::HostTensor;
use facts::model::{Card, Model};
use proptest::prelude::*;

use super::{Lab, Scorer, Settings, Subject};
use crate::exec::tests::networks::recipes;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// On random networks of every kind of layer: no fault that is proved masked changes a score, bit for bit.
    #[test]
    fn no_fault_that_is_proved_masked_changes_an_output(recipe in recipes(), seed: u32) {
        let model = Model::new(recipe.graph(), Card::default());
        prop_assume!(model.is_ok());
        let Ok(model) = model else { unreachable!() };
        let lab = Lab::on(model, &Device::flex()).unwrap();
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let shape = lab.model().input_shape().to_vec();
        let data: Vec<f32> =
            (0..shape.iter().product::<usize>()).map(|_| next() as f32 / (1 << 23) as f32 - 1.0).collect();
        let golden = pollster::block_on(lab.golden(&HostTensor::new(shape, data).unwrap()));
        prop_assume!(golden.is_ok());
        let Ok(golden) = golden else { unreachable!() };
        let graph = lab.executor().graph().clone();
        let scorer = Scorer::new(&lab, &golden, false).unwrap();
        let space = SiteSpace::of(&graph, Target::Activation);
        let mut proved = Vec::new();
        for _ in 0..600 {
            let sites = &space.layers()[next() as usize % space.layers().len()];
            let (tensor, element) = sites.locate(&graph, next() as usize % sites.elements).unwrap();
            let width = u32::from(graph.values[tensor].format.width());
            let corruption = Corruption::flip((next() % width) as u8).unwrap();
            let site = Site { target: Target::Activation, layer: sites.layer, tensor, element, corruption };
            if scorer.score(&[site]) == Score::Proved {
                proved.push(vec![site]);
            }
        }
        let subject = Subject::new(&golden, proved.clone());
        let whole = Settings { whole: true, ..Settings::default() };
        let tried = pollster::block_on(lab.trials(&[subject], whole)).unwrap().only().unwrap();
        for (sites, trial) in proved.iter().zip(tried.trials) {
            let bits = |scores: &[f32]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&trial.logits), bits(&golden.logits), "{:?}", sites);
        }
    }
}

//! The derivative of scaled dot-product attention.

use facts::graph::Attention;

use super::flat::{Flat, broadcast};
use super::product::{Matrix, add_product};

/// Where the rows of a head lie.
struct Heads {
    count: usize,
    tokens: usize,
    length: usize,
    /// Distance between tokens, and between heads.
    strides: [usize; 2],
    batch: usize,
}

impl Heads {
    fn of(x: &Flat<'_>, heads: Option<usize>) -> Option<Self> {
        match (heads, &*x.shape) {
            (Some(count), &[batch, tokens, all]) => {
                Some(Self { count, tokens, length: all / count, strides: [all, all / count], batch })
            }
            (None, &[batch, count, tokens, length]) => {
                Some(Self { count, tokens, length, strides: [length, tokens * length], batch })
            }
            _ => None,
        }
    }

    fn starts(&self, batch: usize, head: usize) -> impl Iterator<Item = usize> {
        let start = batch * self.count * self.tokens * self.length + head * self.strides[1];
        let step = self.strides[0];
        (0..self.tokens).map(move |token| start + token * step)
    }

    fn read(&self, from: &[f32], batch: usize, head: usize) -> Vec<f32> {
        self.starts(batch, head).flat_map(|start| &from[start..start + self.length]).copied().collect()
    }

    fn add(&self, to: &mut [f32], batch: usize, head: usize, values: &[f32]) {
        for (start, values) in self.starts(batch, head).zip(values.chunks_exact(self.length)) {
            to[start..start + self.length].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
}

/// Returns the gradients of queries, keys, values and mask.
pub(super) fn attention(
    settings: &Attention,
    x: &[Flat<'_>],
    g: &Flat<'_>,
    wanted: &[bool],
) -> Option<Vec<Option<Flat<'static>>>> {
    let [queries, others] = settings.heads.map_or([None; 2], |heads| heads.map(Some));
    let (q, k, v) = (Heads::of(&x[0], queries)?, Heads::of(&x[1], others)?, Heads::of(&x[2], others)?);
    let y = Heads::of(g, queries)?;
    let all: Vec<_> = x.iter().map(Flat::elements).collect();
    let gradient = g.elements();
    let mut found: Vec<Vec<f32>> = all.iter().map(|elements| vec![0.0; elements.len()]).collect();
    let (rows, keys, scale) = (q.tokens, k.tokens, settings.scale);
    let mask = settings.mask.then(|| broadcast(&x[3].shape, &[q.batch, q.count, rows, keys]));
    fn matrix(data: &[f32], turned: bool) -> Matrix<'_> {
        Matrix { data, turned }
    }
    for (batch, head) in (0..q.batch).flat_map(|batch| (0..q.count).map(move |head| (batch, head))) {
        let other = head / (q.count / k.count);
        let (own_q, own_k) = (q.read(&all[0], batch, head), k.read(&all[1], batch, other));
        let (own_v, own_g) = (v.read(&all[2], batch, other), y.read(&gradient, batch, head));
        let mut scores = vec![0.0; rows * keys];
        add_product(scale, matrix(&own_q, false), matrix(&own_k, true), [rows, q.length, keys], &mut scores);
        let places = mask.as_ref().map(|mask| &mask[(batch * q.count + head) * rows * keys..][..rows * keys]);
        for (index, score) in scores.iter_mut().enumerate() {
            if settings.causal && index % keys > index / keys {
                *score = f32::NEG_INFINITY;
            }
            if let Some(places) = places {
                let mask = all[3][places[index]];
                match settings.selects {
                    true if mask == 0.0 => *score = f32::NEG_INFINITY,
                    true => {}
                    false => *score += mask,
                }
            }
            if settings.softcap != 0.0 {
                *score = settings.softcap * (*score / settings.softcap).tanh();
            }
        }
        let mut shares = scores.clone();
        for line in shares.chunks_exact_mut(keys) {
            let most = line.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            line.iter_mut().for_each(|score| *score = (*score - most).exp());
            let sum: f32 = line.iter().sum();
            line.iter_mut().for_each(|share| *share /= sum);
        }
        let mut of_v = vec![0.0; own_v.len()];
        add_product(1.0, matrix(&shares, true), matrix(&own_g, false), [keys, rows, v.length], &mut of_v);
        v.add(&mut found[2], batch, other, &of_v);
        let mut of_scores = vec![0.0; rows * keys];
        add_product(1.0, matrix(&own_g, false), matrix(&own_v, true), [rows, v.length, keys], &mut of_scores);
        for (line, shares) in of_scores.chunks_exact_mut(keys).zip(shares.chunks_exact(keys)) {
            let sum: f32 = line.iter().zip(shares).map(|(g, share)| g * share).sum();
            line.iter_mut().zip(shares).for_each(|(g, share)| *g = share * (*g - sum));
        }
        if settings.softcap != 0.0 {
            for (g, score) in of_scores.iter_mut().zip(&scores) {
                *g *= 1.0 - (score / settings.softcap).powi(2);
            }
        }
        if let (Some(places), false, true) = (places, settings.selects, wanted.get(3) == Some(&true)) {
            places.iter().zip(&of_scores).for_each(|(&at, g)| found[3][at] += g);
        }
        let mut of_q = vec![0.0; own_q.len()];
        add_product(scale, matrix(&of_scores, false), matrix(&own_k, false), [rows, keys, q.length], &mut of_q);
        q.add(&mut found[0], batch, head, &of_q);
        let mut of_k = vec![0.0; own_k.len()];
        add_product(scale, matrix(&of_scores, true), matrix(&own_q, false), [keys, rows, q.length], &mut of_k);
        k.add(&mut found[1], batch, other, &of_k);
    }
    Some(
        found
            .into_iter()
            .zip(x)
            .zip(wanted)
            .map(|((data, x), &wanted)| wanted.then(|| Flat::new(&x.shape, data)))
            .collect(),
    )
}

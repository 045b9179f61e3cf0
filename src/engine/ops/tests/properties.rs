//! Properties that hold for all settings.

use facts::graph::{
    Binary, Conv, CoordinateMode, Interpolation, Op, PadMode, Padding2d, Pool, Reduction, Resize, SliceRange, infer,
};
use proptest::prelude::*;

use super::{Array, array, counting, read, run, values};

fn shapes(rank: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..5, rank)
}

fn windows() -> impl Strategy<Value = Pool> {
    (1usize..4, 1usize..4, 1usize..4, 1usize..4, 1usize..3, 0usize..3, 0usize..3, any::<bool>()).prop_map(
        |(height, width, down, across, dilation, before, after, ceil_mode)| Pool {
            kernel: [height, width],
            strides: [down, across],
            dilations: [dilation, 3 - dilation],
            padding: Padding2d { top: before, left: after, bottom: after, right: before },
            ceil_mode,
        },
    )
}

/// Makes a tensor of `shape` with various numbers between -1 and 1, none of them 0.
fn wavy(shape: &[usize]) -> Array {
    let data: Vec<f32> = (0..shape.iter().product::<usize>()).map(|index| (index as f32 + 0.5).sin()).collect();
    array(shape, &data)
}

/// Counts the windows of `pool` along one axis one by one, following the text of the ONNX specification.
fn starts(pool: &Pool, axis: usize, length: usize) -> usize {
    let [before, after] = match axis {
        0 => [pool.padding.top, pool.padding.bottom],
        _ => [pool.padding.left, pool.padding.right],
    };
    let reach = (pool.kernel[axis] - 1) * pool.dilations[axis] + 1;
    (0..)
        .map(|window| window * pool.strides[axis])
        .take_while(|start| match pool.ceil_mode {
            false => start + reach <= before + length + after,
            true => {
                *start == 0 || start + reach < before + length + after + pool.strides[axis] && *start < before + length
            }
        })
        .count()
}

/// Computes a pool element by element.
fn slow_pool(op: &Op, pool: &Pool, image: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let (rows, columns) = (starts(pool, 0, height), starts(pool, 1, width));
    let mut output = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let (mut sum, mut greatest, mut inside, mut counted) = (0.0, f32::NEG_INFINITY, 0, 0);
            for tap in 0..pool.kernel[0] * pool.kernel[1] {
                let y = row * pool.strides[0] + tap / pool.kernel[1] * pool.dilations[0];
                let x = column * pool.strides[1] + tap % pool.kernel[1] * pool.dilations[1];
                let padding = pool.padding;
                counted +=
                    usize::from(y < height + padding.top + padding.bottom && x < width + padding.left + padding.right);
                if (padding.top..padding.top + height).contains(&y) && (padding.left..padding.left + width).contains(&x)
                {
                    let element = image[(y - padding.top) * width + x - padding.left];
                    sum += element;
                    greatest = f32::max(greatest, element);
                    inside += 1;
                }
            }
            output.push(match op {
                Op::MaxPool(_) => greatest,
                Op::AveragePool { count_include_pad: true, .. } => sum / counted as f32,
                _ => sum / inside as f32,
            });
        }
    }
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pools_agree_with_a_count_by_hand(
        pool in windows(),
        size in [3usize..9, 3usize..9],
        kind in 0..3,
        seed in prop::collection::vec(-4.0f32..4.0, 64),
    ) {
        let op = match kind {
            0 => Op::MaxPool(pool.clone()),
            1 => Op::AveragePool { pool: pool.clone(), count_include_pad: false },
            _ => Op::AveragePool { pool: pool.clone(), count_include_pad: true },
        };
        let image = &seed[..size[0] * size[1]];
        let x = array(&[1, 1, size[0], size[1]], image);
        prop_assume!(infer(&op, &[x.shape()]).is_ok());
        let expected = slow_pool(&op, &pool, image, size);
        let found = values(&op, &[&x]);
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            // A dilated window may contain only padding: its mean is 0 / 0.
            prop_assert!(
                (found - expected).abs() < 1e-5 || found == expected || found.is_nan() && expected.is_nan(),
                "{} is not {}", found, expected
            );
        }
    }

    #[test]
    fn convolutions_are_as_large_as_inferred(
        window in windows(),
        groups in 1usize..4,
        channels in 1usize..3,
        features in 1usize..3,
        size in [3usize..9, 3usize..9],
    ) {
        let conv = Op::Conv(Conv {
            strides: window.strides,
            dilations: window.dilations,
            padding: window.padding,
            groups,
        });
        let x = counting(&[1, channels * groups, size[0], size[1]]);
        let weight = counting(&[features * groups, channels, window.kernel[0], window.kernel[1]]);
        if infer(&conv, &[x.shape(), weight.shape()]).is_ok() {
            run(&conv, &[&x, &weight]);
        }
    }

    #[test]
    fn broadcasting_is_symmetric(shape in shapes(1..=8), thin in prop::collection::vec(any::<bool>(), 8), cut in 0usize..8) {
        let narrow: Vec<usize> =
            shape.iter().zip(&thin).map(|(&length, &thin)| if thin { 1 } else { length }).skip(cut).collect();
        let (a, b) = (counting(&shape), counting(&narrow));
        let sum = values(&Op::Binary(Binary::Add), &[&a, &b]);
        prop_assert_eq!(&sum, &values(&Op::Binary(Binary::Add), &[&b, &a]));
        let greatest = values(&Op::Binary(Binary::Max), &[&a, &b]);
        let least = values(&Op::Binary(Binary::Min), &[&b, &a]);
        for ((sum, greatest), least) in sum.iter().zip(greatest).zip(least) {
            prop_assert_eq!(*sum, greatest + least);
        }
    }

    #[test]
    fn slices_find_their_elements(
        shape in shapes(1..=5),
        picks in prop::collection::vec((any::<prop::sample::Index>(), -3isize..4, 1usize..4), 5),
    ) {
        let ranges: Vec<SliceRange> = shape
            .iter()
            .zip(picks)
            .map(|(&length, (start, step, count))| {
                let (start, step) = (start.index(length), if step == 0 { 1 } else { step });
                let room = if step > 0 { length - 1 - start } else { start } / step.unsigned_abs() + 1;
                SliceRange { start, step, length: count.min(room) }
            })
            .collect();
        let x = counting(&shape);
        let found = values(&Op::Slice { ranges: ranges.clone() }, &[&x]);
        for (place, found) in found.iter().enumerate() {
            let (mut rest, mut stride, mut index) = (place, 1, 0isize);
            for (range, length) in ranges.iter().zip(&shape).rev() {
                index += stride * (range.start as isize + (rest % range.length) as isize * range.step);
                rest /= range.length;
                stride *= *length as isize;
            }
            prop_assert_eq!(*found, index as f32);
        }
    }

    #[test]
    fn concat_undoes_split(shape in shapes(1..=4), axis in any::<prop::sample::Index>(), cuts in prop::collection::vec(0usize..5, 0..4)) {
        let axis = axis.index(shape.len());
        let x = counting(&shape);
        let mut sizes = Vec::new();
        let mut left = shape[axis];
        for cut in cuts {
            sizes.push(cut.min(left));
            left -= cut.min(left);
        }
        sizes.push(left);
        let pieces = run(&Op::Split { axis, sizes }, &[&x]);
        let joined = values(&Op::Concat { axis }, &pieces.iter().collect::<Vec<_>>());
        prop_assert_eq!(joined, read(&x));
    }

    #[test]
    fn cropping_undoes_padding(
        shape in shapes(1..=5),
        pads in prop::collection::vec((0isize..4, 0isize..4), 5),
        mode in 0usize..4,
    ) {
        let mode = [PadMode::Constant(-1.0), PadMode::Edge, PadMode::Reflect, PadMode::Wrap][mode];
        let pads = pads[..shape.len()].to_vec();
        let crops: Vec<(isize, isize)> = pads.iter().map(|(before, after)| (-before, -after)).collect();
        let x = counting(&shape);
        let padded = run(&Op::Pad { mode, pads }, &[&x]);
        prop_assert_eq!(values(&Op::Pad { mode, pads: crops }, &[&padded[0]]), read(&x));
    }

    #[test]
    fn a_permutation_and_its_inverse_are_nothing(shape in shapes(1..=8), seed in any::<u64>()) {
        let mut perm: Vec<usize> = (0..shape.len()).collect();
        let mut seed = seed;
        for index in (1..perm.len()).rev() {
            perm.swap(index, (seed % (index as u64 + 1)) as usize);
            seed /= index as u64 + 1;
        }
        let mut inverse = vec![0; perm.len()];
        for (to, &from) in perm.iter().enumerate() {
            inverse[from] = to;
        }
        let x = counting(&shape);
        let turned = run(&Op::Transpose { perm: perm.clone() }, &[&x]);
        prop_assert_eq!(turned[0].shape(), perm.iter().map(|&axis| shape[axis]).collect::<Vec<_>>());
        prop_assert_eq!(values(&Op::Transpose { perm: inverse }, &[&turned[0]]), read(&x));
    }

    #[test]
    fn reductions_add_up(shape in shapes(1..=6), chosen in prop::collection::vec(any::<bool>(), 6), keep_dims in any::<bool>()) {
        let axes: Vec<usize> = (0..shape.len()).filter(|&axis| chosen[axis]).collect();
        let x = counting(&shape);
        let reduce = |reduction| values(&Op::Reduce { reduction, axes: axes.clone(), keep_dims }, &[&x]);
        let (sum, mean) = (reduce(Reduction::Sum), reduce(Reduction::Mean));
        let count = (x.elements() / sum.len()) as f32;
        prop_assert_eq!(sum.iter().sum::<f32>(), read(&x).iter().sum::<f32>());
        for (sum, mean) in sum.iter().zip(mean) {
            prop_assert_eq!(sum / count, mean);
        }
        let (least, greatest) = (reduce(Reduction::Min), reduce(Reduction::Max));
        prop_assert_eq!(least[0], 0.0);
        prop_assert_eq!(greatest[greatest.len() - 1], x.elements() as f32 - 1.0);
    }

    #[test]
    fn resizing_stays_between_the_least_and_the_greatest_pixel(
        shape in [1usize..2, 1usize..3, 1usize..6, 1usize..6],
        size in [1usize..12, 1usize..12],
        coordinates in 0usize..5,
    ) {
        let coordinates = [
            CoordinateMode::HalfPixel,
            CoordinateMode::HalfPixelSymmetric,
            CoordinateMode::PytorchHalfPixel,
            CoordinateMode::AlignCorners,
            CoordinateMode::Asymmetric,
        ][coordinates];
        let x = counting(&shape);
        let scales = [size[0] as f32 / shape[2] as f32, size[1] as f32 / shape[3] as f32];
        let resize = Resize { size, scales, interpolation: Interpolation::Linear, coordinates };
        let most = x.elements() as f32 - 1.0;
        for pixel in values(&Op::Resize(resize), &[&x]) {
            prop_assert!((-1e-4..=most + 1e-4).contains(&pixel), "{}", pixel);
        }
    }

    /// With any kernel of burn, a fault changes the windows that contain it and no bit elsewhere.
    #[test]
    fn a_fault_changes_exactly_the_windows_that_hold_it(
        window in windows(),
        groups in prop::sample::select(vec![1usize, 1, 2, 4, 16]),
        channels in prop::sample::select(vec![1usize, 3, 16]),
        features in prop::sample::select(vec![1usize, 2, 16]),
        size in [3usize..20, 3usize..20],
        place in any::<prop::sample::Index>(),
    ) {
        let conv = Conv { strides: window.strides, dilations: window.dilations, padding: window.padding, groups };
        let shape = [1, channels * groups, size[0], size[1]];
        let weight = wavy(&[features * groups, channels, window.kernel[0], window.kernel[1]]);
        let golden = wavy(&shape);
        prop_assume!(infer(&Op::Conv(conv.clone()), &[&shape, weight.shape()]).is_ok());
        let place = place.index(golden.elements());
        let mut data = read(&golden);
        data[place] = f32::NAN;
        let faulty = array(&shape, &data);
        let (channel, row, column) = (place / (size[0] * size[1]), place / size[1] % size[0], place % size[1]);
        let outputs = [&golden, &faulty].map(|x| run(&Op::Conv(conv.clone()), &[x, &weight]).remove(0));
        let [_, _, height, width] = outputs[0].shape() else { unreachable!("an image") };
        let [before, after] = [&outputs[0], &outputs[1]].map(read);
        let reads = |output: usize, input: usize, axis: usize, padding: usize| {
            (0..window.kernel[axis]).any(|tap| {
                output * window.strides[axis] + tap * window.dilations[axis] == input + padding
            })
        };
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            let (feature, y, x) = (index / (height * width), index / width % height, index % width);
            let touched = feature / features == channel / channels
                && reads(y, row, 0, window.padding.top)
                && reads(x, column, 1, window.padding.left);
            prop_assert_eq!(after.is_nan(), touched, "output {}", index);
            prop_assert!(touched || before.to_bits() == after.to_bits(), "output {}", index);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_bits(data in prop::collection::vec(-3.0f32..3.0, 8 * 72), groups in 0usize..4) {
        let groups = [1, 2, 4, 8][groups];
        let x = array(&[1, 8, 6, 6], &data[..288]);
        let weight = array(&[8, 8 / groups, 3, 3], &data[..64 / groups * 9]);
        let conv = Op::Conv(Conv {
            strides: [1, 1],
            dilations: [1, 1],
            padding: Padding2d { top: 1, left: 1, bottom: 1, right: 1 },
            groups,
        });
        let bits = |inputs: &[&Array]| values(&conv, inputs).iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&[&x, &weight]), bits(&[&x, &weight]));
    }
}

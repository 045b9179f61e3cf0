use facts::fault::{Corruption, Site, Target};
use facts::graph::{GraphBuilder, HostTensor, Layout, Op};

use crate::exec::{Executor, Injector, faulty_parameters};
use crate::ops::Array;

/// A site counts elements in the source's layout; the change is in the stored layout.
#[test]
fn a_fault_strikes_the_element_of_the_sources_layout() {
    let mut builder = GraphBuilder::new("test");
    let image = builder.input("image", [1, 2, 1, 3]).unwrap();
    let slope = HostTensor::new([2, 1, 1], vec![0.25, 0.5]).unwrap();
    let slope = builder.parameter("slope", slope).unwrap();
    builder.lay_out(slope, Layout::new(&[1, 2, 0])).unwrap();
    let made = builder.layer("prelu", "PReLU", Op::PRelu, &[image, slope]).unwrap();
    builder.lay_out(made, Layout::new(&[0, 2, 3, 1])).unwrap();
    let graph = std::sync::Arc::new(builder.finish(&[made]).unwrap());
    let device = burn::tensor::Device::flex();
    let executor = Executor::new(graph.clone(), &device).unwrap();
    let image = Array::from_slice(&[1, 2, 1, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &device);

    // Row 0, column 1, channel 1 is element 3 of 1 x 1 x 3 x 2, and stored element 4.
    let site = |target, tensor, element| Site { target, layer: 0, tensor, element, corruption: Corruption::Set(9.0) };
    let mut injector = Injector::new(&graph, &[site(Target::Activation, made, 3)]);
    let run = pollster::block_on(executor.run(&[image], &mut injector)).unwrap();
    let faulty = pollster::block_on(run.get(made).unwrap().read()).unwrap();
    assert_eq!(faulty, [1.0, 2.0, 3.0, 4.0, 9.0, 6.0]);
    let injected = injector.into_injected();
    assert_eq!((injected[0].element, injected[0].before, injected[0].after), (3, 5.0, 9.0));

    let (changed, injected) = faulty_parameters(&graph, &[site(Target::Weight, slope, 1)]);
    assert_eq!(changed[&slope].data[..], [0.25, 9.0]);
    assert_eq!((injected[0].element, injected[0].before), (1, 0.5));
}

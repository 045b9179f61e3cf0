//! A device tensor whose rank is known only at run time.

use burn::tensor::{Device, Tensor, TensorData};

use crate::graph::HostTensor;
use crate::{Error, Result};

/// A float32 tensor of any rank on a device.
///
/// burn's `Tensor<D>` fixes the rank at compile time; a model does not. The elements are kept as one row-major
/// axis, and [`Array::tensor`] gives a view of the rank an operator works in, which costs nothing.
#[derive(Clone, Debug)]
pub struct Array {
    shape: Vec<usize>,
    data: Tensor<1>,
}

impl Array {
    /// Copies `tensor` to `device`.
    pub fn upload(tensor: &HostTensor, device: &Device) -> Self {
        Self::from_slice(&tensor.shape, &tensor.data, device)
    }

    /// Copies the row-major elements of a tensor of `shape` to `device`.
    ///
    /// # Panics
    /// Where the number of elements is not the product of `shape`: a fault of ours, not of the input's.
    pub fn from_slice(shape: &[usize], data: &[f32], device: &Device) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "elements of a tensor of shape {shape:?}");
        let data = Tensor::from_data(TensorData::new(data.to_vec(), [data.len()]), device);
        Self { shape: shape.to_vec(), data }
    }

    /// Takes over a burn tensor of any rank; its shape becomes `shape` (same number of elements).
    pub fn new<const D: usize>(shape: &[usize], tensor: Tensor<D>) -> Self {
        let elements = shape.iter().product::<usize>();
        Self { shape: shape.to_vec(), data: tensor.reshape([elements]) }
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The device that holds it.
    pub fn device(&self) -> Device {
        self.data.device()
    }

    /// As a burn tensor of rank `D` and of `shape`, which has as many elements.
    pub fn tensor<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        self.data.clone().reshape(shape)
    }

    /// The same elements under another shape.
    pub fn reshaped(&self, shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), data: self.data.clone() }
    }

    /// Copies the elements to main memory, row-major.
    ///
    /// # Errors
    /// Where the device fails.
    pub async fn read(&self) -> Result<Vec<f32>> {
        let data = self.data.to_data_async().await.map_err(|error| Error::device("device", error))?;
        data.try_into_vec::<f32>().map_err(|error| Error::device("device", error))
    }
}

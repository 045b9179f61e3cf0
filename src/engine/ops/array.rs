//! A tensor with a rank that is known only at run time.

use std::borrow::Cow;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use facts::graph::HostTensor;
use facts::{Error, Result};
use futures_util::FutureExt;

use super::Extent;

/// A float32 tensor of any rank on a device.
///
/// burn's `Tensor<D>` fixes the rank at compile time; the rank of a model's tensor is known at run time. The elements
/// are stored as one axis, and [`Array::tensor`] returns a view with the rank that an operator needs. On the CPU the
/// elements lie in main memory, images channels-last, as [`kernels`](crate::kernels) read them.
#[derive(Clone, Debug)]
pub struct Array {
    shape: Vec<usize>,
    data: Data,
}

#[derive(Clone, Debug)]
enum Data {
    /// Rows of an [`Extent`], in main memory.
    Rows(Extent, Arc<Vec<f32>>),
    /// Row-major elements, in burn's storage.
    Tensor(Box<Tensor<1>>),
}

impl Array {
    /// Copies `tensor` to `device`.
    pub fn upload(tensor: &HostTensor, device: &Device) -> Self {
        Self::from_slice(&tensor.shape, &tensor.data, device)
    }

    /// Copies the row-major elements of a tensor of `shape` to `device`.
    ///
    /// # Panics
    /// If the number of elements is not the product of `shape`. The caller, not the input, causes this error.
    pub fn from_slice(shape: &[usize], data: &[f32], device: &Device) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "elements of a tensor of shape {shape:?}");
        let data = if *device == Device::flex() {
            Data::Rows(Extent::of(shape), Extent::of(shape).rows(data).into())
        } else {
            Data::Tensor(Box::new(Tensor::from_data(TensorData::new(data.to_vec(), [data.len()]), device)))
        };
        Self { shape: shape.to_vec(), data }
    }

    /// Makes an array on the CPU from the rows of a tensor of `shape`, which has `extent`.
    ///
    /// # Panics
    /// If the number of elements is not the product of `shape`. The caller, not the input, causes this error.
    pub fn from_rows(shape: &[usize], extent: Extent, rows: impl Into<Arc<Vec<f32>>>) -> Self {
        let rows = rows.into();
        assert_eq!(shape.iter().product::<usize>(), rows.len(), "elements of a tensor of shape {shape:?}");
        Self { shape: shape.to_vec(), data: Data::Rows(extent, rows) }
    }

    /// Takes over a burn tensor of any rank. Its shape becomes `shape`, which has the same number of elements.
    pub fn new<const D: usize>(shape: &[usize], tensor: Tensor<D>) -> Self {
        let elements = shape.iter().product::<usize>();
        Self { shape: shape.to_vec(), data: Data::Tensor(Box::new(tensor.reshape([elements]))) }
    }

    /// Returns the length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns the device that holds the tensor.
    pub fn device(&self) -> Device {
        match &self.data {
            Data::Rows(..) => Device::flex(),
            Data::Tensor(tensor) => tensor.device(),
        }
    }

    /// Returns a burn tensor of rank `D` and of `shape`, which has the same number of elements.
    pub fn tensor<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        self.flat().reshape(shape)
    }

    fn flat(&self) -> Tensor<1> {
        match &self.data {
            Data::Rows(extent, rows) => {
                let elements = extent.row_major(rows);
                Tensor::from_data(TensorData::new(elements, [rows.len()]), &Device::flex())
            }
            Data::Tensor(tensor) => Tensor::clone(tensor),
        }
    }

    /// Returns the same row-major elements with another shape.
    pub fn reshaped(&self, shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), data: Data::Tensor(Box::new(self.flat())) }
    }

    /// Copies the elements to main memory, row-major.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn read(&self) -> Result<Vec<f32>> {
        match &self.data {
            Data::Rows(extent, rows) => Ok(extent.row_major(rows)),
            Data::Tensor(tensor) => {
                let data = tensor.to_data_async().await.map_err(|error| Error::device("device", error))?;
                data.try_into_vec::<f32>().map_err(|error| Error::device("device", error))
            }
        }
    }

    /// Returns the layout of a tensor on the CPU with its rows, without a copy if the tensor is one of our own kernels'.
    ///
    /// # Errors
    /// If the tensor is on another device, or burn cannot read its elements.
    pub fn laid_out(&self) -> Result<(Extent, Cow<'_, [f32]>)> {
        match &self.data {
            Data::Rows(extent, rows) => Ok((*extent, Cow::Borrowed(rows))),
            Data::Tensor(_) => {
                let extent = Extent::last(&self.shape);
                Ok((extent, Cow::Owned(self.rows(extent)?.to_vec())))
            }
        }
    }

    /// Returns the rows of a tensor on the CPU, as `extent` lays them out.
    ///
    /// # Errors
    /// If the tensor is on another device, or burn cannot read its elements.
    pub fn rows(&self, extent: Extent) -> Result<Arc<Vec<f32>>> {
        match &self.data {
            Data::Rows(own, rows) if *own == extent => Ok(rows.clone()),
            Data::Rows(own, rows) => Ok(Arc::new(extent.rows(&own.row_major(rows)))),
            Data::Tensor(tensor) if tensor.device() == Device::flex() => {
                let elements =
                    self.read().now_or_never().ok_or_else(|| Error::device("cpu", "a tensor is not ready"))?;
                Ok(Arc::new(extent.rows(&elements?)))
            }
            Data::Tensor(_) => Err(Error::device("gpu", "a tensor's rows are asked for; they are on the CPU only")),
        }
    }
}

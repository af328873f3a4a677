//! About the value below which a share of the values lies: DataFusion's t-digest, fed in blocks.
//!
//! Up to [`BLOCK`] values of a group are kept as they are and give the exact answer. More go into the digest a block at
//! a time, so that it depends on the order of the rows and not on how they were cut into batches. Its rank is then off by
//! less than 1 % (measured in this crate's tests); over other partitions the answer differs within that.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use datafusion_functions_aggregate_common::tdigest::{Centroid, TDigest};

use super::{
    Function, Input,
    kind::{Float, Kind},
};
use crate::{WindowError, bytes::Reader};

/// Values that are kept as they are.
const BLOCK: usize = 256;
/// Centroids of a digest: the error is a fraction of their inverse.
const CENTROIDS: usize = 100;

/// About the value below which a share of the values lies. What is not finite is passed over.
#[derive(Debug)]
pub(super) struct Quantile {
    pub(super) share: f64,
}

/// What is known of a group's values.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    digest: Option<TDigest>,
    /// Values that are not in the digest yet.
    block: Vec<f64>,
}

impl Sketch {
    fn push(&mut self, value: f64) {
        self.block.push(value);
        if self.block.len() > BLOCK {
            let digest = self.digest.take().unwrap_or_else(|| TDigest::new(CENTROIDS));
            self.block.sort_unstable_by(f64::total_cmp);
            self.digest = Some(digest.merge_sorted_f64(&self.block));
            self.block.clear();
        }
    }

    fn estimate(&self, share: f64) -> Option<f64> {
        let mut block = self.block.clone();
        block.sort_unstable_by(f64::total_cmp);
        match &self.digest {
            Some(digest) => Some(digest.merge_sorted_f64(&block).estimate_quantile(share)),
            None => {
                let rank = share * block.len().checked_sub(1)? as f64;
                let (below, above) = (block[rank.floor() as usize], block[rank.ceil() as usize]);
                Some(below + (above - below) * rank.fract())
            }
        }
    }
}

impl Function for Quantile {
    type State = Sketch;
    type Values = Float64Array;

    fn values(&self, values: Option<&ArrayRef>) -> Result<Float64Array, WindowError> {
        values.map_or_else(|| Ok(Float64Array::from(Vec::<f64>::new())), Float::array)
    }

    fn add(&self, state: &mut Sketch, values: &Float64Array, row: usize, _input: &Input<'_>) {
        let value = values.value(row);
        if value.is_finite() {
            state.push(value);
        }
    }

    fn encode(&self, state: &Sketch, out: &mut Vec<u8>) {
        let put = |out: &mut Vec<u8>, value: f64| out.extend_from_slice(&value.to_le_bytes());
        out.extend_from_slice(&(state.block.len() as u32).to_le_bytes());
        state.block.iter().for_each(|value| put(out, *value));
        let centroids = state.digest.as_ref().map_or(&[][..], TDigest::centroids);
        out.extend_from_slice(&(centroids.len() as u32).to_le_bytes());
        if let Some(digest) = &state.digest {
            [digest.sum(), digest.count(), digest.max(), digest.min()].into_iter().for_each(|value| put(out, value));
            for centroid in centroids {
                put(out, centroid.mean());
                put(out, centroid.weight());
            }
        }
    }

    fn merge(&self, state: &mut Sketch, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        let block = (0..reader.u32()?).map(|_| reader.f64()).collect::<Result<Vec<f64>, _>>()?;
        let length = reader.u32()?;
        if length > 0 {
            let [sum, count, max, min] = [reader.f64()?, reader.f64()?, reader.f64()?, reader.f64()?];
            let centroid = |_| Ok(Centroid::new(reader.f64()?, reader.f64()?));
            let centroids = (0..length).map(centroid).collect::<Result<Vec<_>, WindowError>>()?;
            let digest = TDigest::try_from_parts(CENTROIDS, sum, count, max, min, centroids)?;
            state.digest = Some(match state.digest.take() {
                Some(known) => TDigest::merge_digests([&known, &digest]),
                None => digest,
            });
        }
        block.into_iter().for_each(|value| state.push(value));
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Sketch>) -> Result<ArrayRef, WindowError> {
        Ok(Arc::new(states.map(|state| state.estimate(self.share)).collect::<Float64Array>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_off_by_less_than_a_hundredth() {
        let mut sketch = Sketch::default();
        let values = 100_000_u64;
        for number in 0..values {
            sketch.push((number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % values) as f64);
        }
        for share in [0.01, 0.1, 0.5, 0.9, 0.99] {
            let rank = sketch.estimate(share).unwrap() / values as f64;
            assert!((rank - share).abs() < 0.01, "{share}: {rank}");
        }
    }

    #[test]
    fn a_block_of_values_is_kept_as_it_is() {
        let mut sketch = Sketch::default();
        (0..BLOCK).for_each(|value| sketch.push(value as f64));
        assert!(sketch.digest.is_none() && sketch.block.len() == BLOCK);
        assert_eq!(sketch.estimate(0.5), Some((BLOCK - 1) as f64 / 2.0));
        sketch.push(0.0);
        assert!(sketch.digest.is_some() && sketch.block.is_empty());
    }

    #[test]
    fn few_values_give_the_exact_answer() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.estimate(0.5), None);
        [4.0, 1.0, 3.0, 2.0].into_iter().for_each(|value| sketch.push(value));
        assert_eq!(sketch.estimate(0.5), Some(2.5));
        assert_eq!(sketch.estimate(1.0), Some(4.0));
    }
}

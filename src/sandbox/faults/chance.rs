//! Draws that are the same in every run.

use sha2::{Digest, Sha256};

/// Draws the number of a request: from 0 up to, but never, 1.
pub(super) fn draw(seed: u64, request: u32) -> f64 {
    let mut digest = Sha256::new();
    digest.update(seed.to_be_bytes());
    digest.update(request.to_be_bytes());
    let bytes = digest.finalize();
    f64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) / 4_294_967_296.0
}

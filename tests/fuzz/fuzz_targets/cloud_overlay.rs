//! See `src/cloud_overlay.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flowbind_fuzz::cloud_overlay::holds(bytes));

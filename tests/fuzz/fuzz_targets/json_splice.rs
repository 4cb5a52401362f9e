//! See `src/json_splice.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flowbind_fuzz::json_splice::holds(bytes));

//! See `src/error_body.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flowbind_fuzz::error_body::holds(bytes));

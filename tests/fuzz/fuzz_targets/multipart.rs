//! See `src/multipart.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flowbind_fuzz::multipart::holds(bytes));

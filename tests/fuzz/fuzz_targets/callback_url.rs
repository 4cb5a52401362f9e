//! See `src/callback_url.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flowbind_fuzz::callback_url::holds(bytes));

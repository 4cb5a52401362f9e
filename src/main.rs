//! The `flowbind` program.
fn main() {}

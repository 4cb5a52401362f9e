//! Where messages send their reader for more.

/// Names a page of the documentation, such as `docs_page!("sign-in")`: by its web address, or by its
/// title if the program was built without one (`src/build.rs`).
macro_rules! docs_page {
    ($name:literal) => {
        concat!(env!("FLOWBIND_PAGE_BEFORE"), $name, env!("FLOWBIND_PAGE_AFTER"))
    };
}

pub(crate) use docs_page;

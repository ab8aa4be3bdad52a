//! Any bytes as a pickle that is written anew, and whose arrays are taken out: no panic, and what is
//! written is a pickle that asks for the same things by their new names.
#![no_main]

use std::io::Cursor;

use artifacts::{DataOptions, PickleFacts, RepairOptions, Rewrite, Source as _, inspect_data};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let rewrite = |module: &str, name: &str| {
        let rest = module.strip_prefix("numpy._core")?;
        let (module, name) = (format!("numpy.core{rest}"), name.to_owned());
        Some(Rewrite::Name { module, name })
    };
    let options = RepairOptions { rewrite: &rewrite, protocol: 4, start: 0, instructions: 1 << 16 };
    if let Ok(repaired) = artifacts::repair(&bytes, &options) {
        let mut written = Vec::new();
        repaired.write_to(&mut written).expect("both are memory");
        assert_eq!(written.len() as u64, repaired.length());
        if repaired.changes.is_empty() {
            assert_eq!(written, bytes);
        }
        let look = DataOptions { instructions: 1 << 18, ..DataOptions::thorough("pkl", false) };
        // The program rewrites only what it has found whole; what follows a pickle stays as it is.
        let is_whole = |pickle: &PickleFacts| {
            pickle.damage.is_none() && pickle.untold.is_empty() && pickle.bytes_after == 0
        };
        let before = inspect_data(&bytes, &look);
        if before.pickles().all(|(_, pickle)| is_whole(pickle)) {
            let facts = inspect_data(&written.as_slice(), &look);
            for (_, pickle) in facts.pickles() {
                assert!(is_whole(pickle), "{pickle:?}");
                assert!(pickle.protocol <= 4);
                assert!(!pickle.names.iter().any(|name| name.module.starts_with("numpy._core")));
            }
        }
        let again = artifacts::repair(&written, &options).expect("it was written by this");
        assert!(again.changes.is_empty(), "{:?}", again.changes);
    }
    if let Ok(conversion) = artifacts::conversion(&bytes, 1 << 16) {
        let _ = conversion.write_to(Cursor::new(Vec::new()));
    }
});

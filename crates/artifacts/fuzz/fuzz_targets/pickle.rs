//! Any bytes as a pickle: no panic, and every name that it asks for is in it or said to be computed.
#![no_main]

use artifacts::{DataOptions, NameKind, classify, inspect_data};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Protocols 2 and newer are known by their mark, older ones by the name of the file.
    let options = DataOptions { instructions: 1 << 16, ..DataOptions::thorough("pkl", false) };
    let facts = inspect_data(&bytes, &options);
    for (_, pickle) in facts.pickles() {
        for name in &pickle.names {
            let kind = classify(name);
            assert_eq!(kind == NameKind::Dangerous, pickle.dangerous().any(|other| other == name));
        }
        assert!(pickle.bytes_after <= bytes.len() as u64);
    }
    // Bytes after a pickle never hide a name of it.
    let longer = [bytes, b"garbage".as_slice()].concat();
    let more = inspect_data(&longer.as_slice(), &options);
    if let (Some(before), Some(after)) = (&facts.pickle, &more.pickle)
        && before.damage.is_none()
        && before.untold.is_empty()
    {
        assert!(before.names.iter().all(|name| after.names.contains(name)));
    }
});

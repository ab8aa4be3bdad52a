//! Files with one byte changed: refused or read, and never worse.

use std::fs;
use std::path::Path;

use spz::{Frame, Options};

#[test]
fn a_changed_byte_is_never_worse_than_an_error() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in
        ["v3_d1_n9_unknown_ext.spz", "v4_d1_n9_unknown_ext.spz", "v4_d1_n9_zstd_checksum.spz"]
    {
        let bytes = fs::read(data.join(name)).unwrap();
        let mut refused = 0;
        for at in 0..bytes.len() {
            for change in [1, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] ^= change;
                let options = Options { frame: Some(Frame::RDF), ..Options::default() };
                match spz::read_bytes(&damaged, &options) {
                    Ok(cloud) => assert!(cloud.info.num_points <= 9, "{name} at {at}"),
                    Err(error) => {
                        refused += 1;
                        assert!(!error.to_string().is_empty());
                    }
                }
            }
        }
        // A checksum finds nearly everything.
        assert!(refused > bytes.len(), "{name}: {refused} of {}", 3 * bytes.len());
    }
}

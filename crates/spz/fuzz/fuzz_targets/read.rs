//! Any bytes as an SPZ file: no panic, no more memory than the bytes justify, and the same from every
//! way of reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spz::{Field, Fields, Frame, Options};

fuzz_target!(|bytes: &[u8]| {
    let info = spz::info_bytes(bytes);
    let Ok(cloud) = spz::read_bytes(bytes, &Options::default()) else { return };
    let info = info.expect("what can be read can be told of");
    assert_eq!(info.num_points, cloud.info.num_points);
    for field in Field::ALL {
        let numbers = cloud.array(field).expect("all are wanted");
        assert_eq!(numbers.len(), info.shape(field).iter().product::<usize>());
    }
    let fields = Fields::NONE.with(Field::Positions).with(Field::Sh);
    let options = Options { frame: Some(Frame::RFU), fields, sh_from_degree_0: true };
    let changed = spz::read_bytes(bytes, &options).expect("it was read before");
    assert_eq!(changed.frame, Frame::RFU);
});

//! Any bytes as an npy file: no panic, no more memory than the bytes justify, and what is read by
//! one way is read by the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use npz::{Limits, Npy, NumpyVersion, Obstacle};

fuzz_target!(|bytes: &[u8]| {
    let streamed = npz::read_npy_from(&mut &*bytes);
    let Ok(npy) = Npy::from_source(bytes, Limits::default()) else {
        assert!(streamed.is_err());
        return;
    };
    let header = npy.header();
    let _ = header.obstacles();
    let _ = header.dtype().to_string();
    let Ok(view) = npy.view() else {
        assert!(header.dtype().has_objects());
        return;
    };
    assert_eq!(streamed.unwrap().bytes(), view.bytes());
    let _ = view.to_vec::<f32>();
    let _ = view.as_slice::<bool>();
    if let Ok(texts) = view.strings() {
        texts.take(100).for_each(drop);
    }
    let fields = header.dtype().as_record().into_iter().flat_map(|record| &record.fields);
    for field in fields {
        let _ = view.field(&field.name).unwrap().to_array();
    }
    let _ = view.to_c_order();
    let native = view.to_owned().unwrap().into_native().unwrap();
    assert!(!native.dtype().is_swapped());
    // What can be written comes back as it was.
    let mut written = Vec::new();
    if npz::write_npy_to(&mut written, &view).is_ok() {
        let again = npz::read_npy_from(&mut written.as_slice()).unwrap();
        assert_eq!(again.dtype(), view.dtype());
        assert_eq!((again.shape(), again.order()), (view.shape(), view.order()));
        assert_eq!(again.bytes(), view.bytes());
        let oldest = NumpyVersion(1, 17, 0);
        let refuses = |found: &Obstacle| found.refused && found.readers.include(oldest);
        assert!(!again.header().obstacles().iter().any(refuses));
    }
});

//! Files as they are met: of other kinds, with odd names, on a full disk, and very large.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(unsafe_code, reason = "files in directories of the test's own are mapped")]

use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::path::Path;

use npz::{ArrayView, Compression, Error, Header, Limits, Npy, NpyReader, Npz, NpzWriter, Source};

/// What every way to open a file says of it.
fn errors(path: &Path) -> Vec<Error> {
    // SAFETY: nobody else knows the directory.
    let mapped = unsafe { (Npy::map(path).map(drop), Npz::map(path).map(drop)) };
    let opened = [Npy::open(path).map(drop), Npz::open(path).map(drop), mapped.0, mapped.1];
    let read = npz::read_npy(path).map(drop);
    opened.into_iter().chain([read]).map(Result::unwrap_err).collect()
}

#[test]
fn what_is_no_array_file_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let view = ArrayView::from_slice(&[1.0f32; 100], &[100]).unwrap();
    let mut npy = Vec::new();
    npz::write_npy_to(&mut npy, &view).unwrap();
    let mut noise = vec![0x5a; 5000];
    noise[..4].copy_from_slice(b"PK\x03\x04");
    let files = [
        put("empty.npz", b""),
        put("text.npy", b"a,b\n1,2\n"),
        put("noise.npz", &noise),
        put("short.npy", &npy[..npy.len() - 1]),
        put("header-only.npy", &npy[..128]),
        put("half.npy", &npy[..40]),
        directory.path().to_owned(),
        directory.path().join("missing.npy"),
    ];
    for path in files {
        for error in errors(&path) {
            assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
        }
    }
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_do_not_block_the_reader() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe.npy");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for path in [&pipe, Path::new("/dev/zero"), Path::new("/dev/null")] {
        for error in errors(path) {
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
        assert!(npz::is_npy(path).is_err());
    }
    let mut zeros = io::repeat(0);
    assert!(npz::read_npy_from(&mut zeros).is_err());
    let mut nothing_else = io::Cursor::new(b"\x93NUMPY\x02\x00").chain(io::repeat(0xff));
    assert!(npz::read_npy_from(&mut nothing_else).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_names() {
    use std::os::unix::ffi::OsStrExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(std::ffi::OsStr::from_bytes(b"a\xff.npz"));
    let view = ArrayView::from_slice(&[1u8, 2], &[2]).unwrap();
    npz::write_npz(&path, [("x", view)], Compression::Stored).unwrap();
    assert_eq!(Npz::open(&path).unwrap().read("x").unwrap().bytes(), [1, 2]);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// A directory on a disk of one megabyte, when this is the process that was started on one.
const SMALL_DISK: &str = "NPZ_TEST_SMALL_DISK";

/// Runs this test again with a disk of one megabyte mounted for it alone.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_the_old_file_and_nothing_else() {
    if let Some(directory) = std::env::var_os(SMALL_DISK) {
        return fill_the_disk(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=1m npz-test \"$0\" || exit 77; exec \"$1\" --exact \"$2\"";
    let name = "a_full_disk_keeps_the_old_file_and_nothing_else";
    for user in [["--mount"].as_slice(), &["--mount", "--user", "--map-root-user"]] {
        let mut command = std::process::Command::new("unshare");
        command.args(user).args(["sh", "-c", script]).arg(directory.path());
        command.arg(std::env::current_exe().unwrap()).arg(name).env(SMALL_DISK, directory.path());
        let Ok(output) = command.output() else { break };
        let said = String::from_utf8_lossy(&output.stdout);
        if said.contains("1 passed") {
            return;
        }
        let ran = said.contains("running 1 test");
        assert!(!ran, "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    let _ = writeln!(io::stderr(), "skipped: {name}: no file system can be mounted here");
}

#[cfg(target_os = "linux")]
fn fill_the_disk(directory: &Path) {
    let (npy, npz) = (directory.join("a.npy"), directory.join("a.npz"));
    let small = ArrayView::from_slice(&[7u8; 1000], &[1000]).unwrap();
    npz::write_npy(&npy, &small).unwrap();
    npz::write_npz(&npz, [("a", small)], Compression::Stored).unwrap();
    let before = (std::fs::read(&npy).unwrap(), std::fs::read(&npz).unwrap());
    let noise: Vec<u32> = (0..1 << 20).map(|i: u32| i.wrapping_mul(2_654_435_761)).collect();
    let large = ArrayView::from_slice(&noise, &[1 << 20]).unwrap();
    let full = |error: Error| {
        let npz::ErrorKind::Io(error) = error.kind() else { panic!("{error}") };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    };
    full(npz::write_npy(&npy, &large).unwrap_err());
    for how in [Compression::Stored, Compression::Deflate(1), Compression::Auto] {
        full(npz::write_npz(&npz, [("a", large.clone())], how).unwrap_err());
    }
    assert!(before == (std::fs::read(&npy).unwrap(), std::fs::read(&npz).unwrap()));
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), 2);
}

/// Blocks of zeros are not kept, so a file can be larger than the memory.
#[derive(Default)]
struct Sparse {
    blocks: BTreeMap<u64, Vec<u8>>,
    position: u64,
    length: u64,
}

const BLOCK: usize = 64 << 10;
static ZEROS: [u8; BLOCK] = [0; BLOCK];

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (block, within) =
            (self.position / BLOCK as u64, (self.position % BLOCK as u64) as usize);
        let length = bytes.len().min(BLOCK - within);
        let bytes = &bytes[..length];
        if *bytes != ZEROS[..length] || self.blocks.contains_key(&block) {
            let kept = self.blocks.entry(block).or_insert_with(|| ZEROS.to_vec());
            kept[within..within + length].copy_from_slice(bytes);
        }
        self.position += length as u64;
        self.length = self.length.max(self.position);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(position) = to else { return Ok(self.position) };
        self.position = position;
        Ok(position)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position)
    }
}

impl Source for Sparse {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let within = (offset % BLOCK as u64) as usize;
            let (part, rest) = buffer.split_at_mut(buffer.len().min(BLOCK - within));
            let block = self.blocks.get(&(offset / BLOCK as u64)).map_or(&ZEROS[..], Vec::as_slice);
            part.copy_from_slice(&block[within..within + part.len()]);
            offset += part.len() as u64;
            buffer = rest;
        }
        Ok(())
    }
}

#[test]
fn members_of_more_than_four_gibibytes_are_written_and_read() {
    const COUNT: usize = (4 << 30) + 12_345;
    let zeros = vec![0u8; 8 << 20];
    for how in [Compression::Stored, Compression::Deflate(1)] {
        let mut writer = NpzWriter::new(Sparse::default()).unwrap();
        let header = Header::for_type::<u8>(&[COUNT]).unwrap();
        let mut member = writer.stream("large", &header, how).unwrap();
        let mut left = COUNT - 1;
        while left > 0 {
            let length = left.min(zeros.len());
            member.write_elements(&zeros[..length]).unwrap();
            left -= length;
        }
        member.write_elements(&[9u8]).unwrap();
        member.finish().unwrap();
        let after = ArrayView::from_slice(&[1u16, 2, 3], &[3]).unwrap();
        writer.add("after", &after, Compression::Stored).unwrap();
        let file = writer.finish().unwrap();
        assert_eq!(file.length() > 4 << 30, how == Compression::Stored);

        let npz = Npz::from_source(file, Limits::trusted()).unwrap();
        assert_eq!(npz.members().next().unwrap().size, (COUNT + 128) as u64);
        assert_eq!(npz.header("large").unwrap().shape(), [COUNT]);
        assert_eq!(npz.read("after").unwrap().as_slice::<u16>().unwrap(), [1, 2, 3]);
        let mut stream: NpyReader<_> = npz.stream("large").unwrap();
        let mut piece = vec![0u8; 8 << 20];
        let (mut total, mut last) = (0, 0);
        loop {
            let got = stream.read_elements(&mut piece).unwrap();
            if got == 0 {
                break;
            }
            (total, last) = (total + got, piece[got - 1]);
        }
        assert_eq!((total, last), (COUNT, 9));
    }
}

//! One fat binary container: headers in, PTX out. All numbers are little-endian.
//!
//! Container header, 16 bytes: magic u32, version u16 (1), header size u16, size of all entries u64.
//!
//! Entry header, 64 bytes and more; offsets in it count from its own start:
//!
//! | at | type | meaning |
//! |---|---|---|
//! | 0x00 | u16 | kind: 1 PTX, 2 machine code (ELF), 256 several images in one stream, others are passed over |
//! | 0x02 | u16 | version (0x0101) |
//! | 0x04 | u32 | size of this header: where the payload begins |
//! | 0x08 | u64 | size of the payload with its padding: where the next entry begins |
//! | 0x10 | u32 | size of the payload when compressed, else 0 |
//! | 0x14 | u32 | where an extension lies in the header, or 0 |
//! | 0x18 | u16, u16 | minor and major version of the code |
//! | 0x1c | u32 | architecture |
//! | 0x20 | u32, u32 | where a name lies in the header, and its length |
//! | 0x28 | u64 | flags: 0x2000 (and the older 0x1000) LZ4, 0x8000 zstd |
//! | 0x38 | u64 | size unpacked when compressed, else 0 |
//!
//! The extension of an entry: u32 where its content lies, u32 how long it is; for PTX that is the assembler's options.
//! The extension of an entry of kind 256 (`nvcc --concat`): u32 number of images, u32 size of the extension, then for each image a header as above, except that
//! 0x04 is where its bytes begin in the unpacked stream and that its size is to be worked out from what it carries: name
//! and extension are each closed by a zero byte and padded to 8.

use crate::compress::{Method, Refusal, unpack};
use crate::{Error, PtxImage};

/// First four bytes of a container.
pub(crate) const MAGIC: u32 = 0xba55_ed50;
/// First four bytes of the wrapper that a program registers.
const WRAPPER_MAGIC: u32 = 0x4662_43b1;

/// Size of the container header in bytes.
const CONTAINER_HEADER: usize = 16;
/// Size of an entry header without name and extension, in bytes.
const ENTRY_HEADER: usize = 64;

const KIND_PTX: u16 = 1;
const KIND_ELF: u16 = 2;
const KIND_SEVERAL: u16 = 256;

const FLAG_LZ4: u64 = 0x2000 | 0x1000;
const FLAG_ZSTD: u64 = 0x8000;

/// What an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PTX text.
    Ptx,
    /// Machine code, an ELF file.
    MachineCode,
    /// Something else (code for link-time optimisation, say), by its number in the header.
    Other(u16),
}

/// One image of a container, as its header describes it.
#[derive(Debug, Clone)]
pub struct Image {
    /// What it is.
    pub kind: Kind,
    /// Architecture, as nvcc numbers them: 75 for `sm_75` and `compute_75`.
    pub arch: u32,
    /// Identifier, if it has one: usually the name of the source file.
    pub name: Option<String>,
    /// Options for the PTX assembler, if it has any.
    pub options: Option<String>,
    /// Index in `Container::streams` and range within the unpacked stream; `None` for what is never unpacked.
    place: Option<(usize, std::ops::Range<usize>)>,
    /// Where its header lies in the file, in bytes.
    offset: u64,
}

/// Stored bytes that hold one or several images.
#[derive(Debug, Clone)]
struct Stream {
    method: Method,
    bytes: Vec<u8>,
    /// Size unpacked, in bytes.
    size: u64,
    /// Where the bytes lie in the file.
    offset: u64,
}

/// A parsed container. PTX stays compressed until asked for; machine code is not kept.
#[derive(Debug, Clone)]
pub struct Container {
    pub(crate) file: String,
    pub(crate) offset: u64,
    pub(crate) module: usize,
    /// Size with header, in bytes: where the next container may begin.
    pub(crate) size: usize,
    images: Vec<Image>,
    streams: Vec<Stream>,
}

/// Parses the container that starts at `bytes[0]`; bytes after its end are ignored.
///
/// # Errors
/// [`Error::Malformed`] when the bytes contradict the format, [`Error::Unsupported`] for an unknown compression.
pub fn container(bytes: &[u8]) -> Result<Container, Error> {
    Reader {
        file: "fat binary in memory",
        base: 0,
        bytes,
    }
    .container()
}

/// Parses the container at `pointer`, of which only the start is known; its header says how long it is.
///
/// # Errors
/// As [`container`]; [`Error::Malformed`] too for a null pointer.
///
/// # Safety
/// `pointer` is null or points to at least 16 readable bytes, and, when these are a container's header, to as many
/// readable bytes as the header says.
pub unsafe fn container_at(pointer: *const u8) -> Result<Container, Error> {
    let file = "fat binary in memory";
    if pointer.is_null() {
        return Err(Error::Malformed {
            file: file.into(),
            offset: 0,
            what: "the pointer to it is null".into(),
        });
    }
    // SAFETY: the caller promises 16 readable bytes.
    let header = unsafe { std::slice::from_raw_parts(pointer, CONTAINER_HEADER) };
    let size = Reader {
        file,
        base: 0,
        bytes: header,
    }
    .container_size()?;
    if isize::try_from(size).is_err() {
        return Err(Error::Malformed {
            file: file.into(),
            offset: 8,
            what: format!("impossible size {size:#x}"),
        });
    }
    // SAFETY: the caller promises as many bytes as the header says; the size fits isize.
    container(unsafe { std::slice::from_raw_parts(pointer, size) })
}

/// The containers behind the wrapper that `__cudaRegisterFatBinary` gets: one, or with relocatable device code
/// (`nvcc -rdc=true`) the linked one followed by those of the modules that were linked. Empty containers are left out.
///
/// # Errors
/// [`Error::Malformed`] when `wrapper` is not such a wrapper, else as [`container_at`].
///
/// # Safety
/// `wrapper` is null or points to a wrapper of 24 bytes (magic u32, version u32, two pointers) whose pointers are valid
/// as [`container_at`] wants them; in version 2 the second points to a list of such pointers that ends with null.
pub unsafe fn registered_at(wrapper: *const u8) -> Result<Vec<Container>, Error> {
    let bad = |what: String| Error::Malformed {
        file: "registered fat binary".into(),
        offset: 0,
        what,
    };
    if wrapper.is_null() {
        return Err(bad("the pointer to it is null".into()));
    }
    // SAFETY: the caller promises 24 readable bytes; nothing is assumed of their alignment.
    let (magic, version, data, list) = unsafe {
        (
            wrapper.cast::<u32>().read_unaligned(),
            wrapper.add(4).cast::<u32>().read_unaligned(),
            wrapper.add(8).cast::<*const u8>().read_unaligned(),
            wrapper.add(16).cast::<*const *const u8>().read_unaligned(),
        )
    };
    if magic != WRAPPER_MAGIC {
        return Err(bad(format!(
            "it begins with {magic:#010x} instead of {WRAPPER_MAGIC:#010x}"
        )));
    }
    let mut pointers = vec![data];
    match version {
        1 => {}
        2 if list.is_null() => {}
        2 => {
            let mut next = list;
            // SAFETY: the caller promises a list of pointers that ends with null.
            unsafe {
                while !next.read_unaligned().is_null() {
                    pointers.push(next.read_unaligned());
                    next = next.add(1);
                }
            }
        }
        other => return Err(bad(format!("wrapper version {other} is not known"))),
    }
    let mut containers = Vec::new();
    for pointer in pointers {
        // SAFETY: the caller promises that each is valid for `container_at`.
        let mut container = unsafe { container_at(pointer)? };
        container.module = containers.len();
        if !container.images.is_empty() {
            containers.push(container);
        }
    }
    Ok(containers)
}

impl Container {
    /// All images, in the order of the file.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// Which container of its file this is, counted from 0.
    pub fn module(&self) -> usize {
        self.module
    }

    /// The architectures of its machine code, ascending, each once.
    pub fn machine_code_archs(&self) -> Vec<u32> {
        let code = self.images.iter().filter(|image| image.kind == Kind::MachineCode);
        let mut archs: Vec<u32> = code.map(|image| image.arch).collect();
        archs.sort_unstable();
        archs.dedup();
        archs
    }

    /// Every PTX text, in the order of the file; empty when there is none.
    ///
    /// # Errors
    /// [`Error::Malformed`] when one does not unpack or is not PTX.
    pub fn ptx(&self) -> Result<Vec<PtxImage>, Error> {
        self.images
            .iter()
            .filter(|image| image.kind == Kind::Ptx)
            .map(|image| self.text_of(image))
            .collect()
    }

    /// The PTX for the highest architecture (the first of several for the same one).
    ///
    /// # Errors
    /// [`Error::MachineCodeOnly`] when there is no PTX, [`Error::Malformed`] when it does not unpack or is not PTX.
    pub fn best_ptx(&self) -> Result<PtxImage, Error> {
        let texts = self.images.iter().rev().filter(|image| image.kind == Kind::Ptx);
        match texts.max_by_key(|image| image.arch) {
            Some(image) => self.text_of(image),
            None => Err(Error::MachineCodeOnly {
                file: self.file.clone(),
                offset: self.offset,
                found: self.what_else(),
            }),
        }
    }

    /// What a container without PTX holds, in words that continue "holds no PTX".
    fn what_else(&self) -> String {
        let archs: Vec<String> = self
            .machine_code_archs()
            .iter()
            .map(|arch| format!("sm_{arch}"))
            .collect();
        match (archs.is_empty(), self.images.is_empty()) {
            (false, _) => format!(", only machine code for {}", archs.join(", ")),
            (true, false) => ", only code for link-time optimisation or of another kind".into(),
            (true, true) => " (it is empty)".into(),
        }
    }

    fn malformed(&self, offset: u64, what: String) -> Error {
        Error::Malformed {
            file: self.file.clone(),
            offset,
            what,
        }
    }

    fn text_of(&self, image: &Image) -> Result<PtxImage, Error> {
        let bad = |what: &str| self.malformed(image.offset, what.to_owned());
        let (stream, range) = image
            .place
            .clone()
            .ok_or_else(|| bad("an image has no payload"))?;
        let stream = self
            .streams
            .get(stream)
            .ok_or_else(|| bad("an image has no payload"))?;
        let unpacked =
            unpack(stream.method, &stream.bytes, stream.size).map_err(|refusal| match refusal {
                Refusal::Damaged(what) => self.malformed(stream.offset, what),
                Refusal::TooLarge(what) => Error::TooLarge {
                    file: self.file.clone(),
                    offset: stream.offset,
                    what,
                },
            })?;
        let bytes = unpacked
            .get(range)
            .ok_or_else(|| bad("an image lies beyond the end of the stream that should hold it"))?;
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        // PTX is ASCII; other characters occur in comments and file names, where any replacement will do.
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let version = directive(&text, ".version").and_then(|value| {
            let (major, minor) = value.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        let version = version.ok_or_else(|| bad("an image that should be PTX has no `.version`"))?;
        let target = directive(&text, ".target").unwrap_or_default();
        Ok(PtxImage {
            name: image.name.clone(),
            arch: image.arch,
            version,
            target: target.split(',').next().unwrap_or_default().trim().to_owned(),
            options: image.options.clone(),
            text,
            module: self.module,
        })
    }
}

/// What follows `keyword` on the first line that begins with it, without comment.
fn directive<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let value = line.trim_start().strip_prefix(keyword)?;
        let value = value.split("//").next().unwrap_or(value);
        value.starts_with([' ', '\t']).then(|| value.trim())
    })
}

/// A text within a header, without its closing zero; `None` when it is blank.
fn text(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\0').trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Bytes with the name and place that messages give for them.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub file: &'a str,
    /// Where `bytes[0]` lies in the file.
    pub base: u64,
    pub bytes: &'a [u8],
}

/// The fixed part of an entry header, and of an image header within an entry of kind 256.
struct Header {
    kind: u16,
    /// Offset 0x04: size of the header, or start in the unpacked stream.
    begin: usize,
    /// Size of the payload with padding, in bytes.
    padded: usize,
    /// Size of the payload if compressed, in bytes.
    compressed: usize,
    extension: usize,
    arch: u32,
    name: (usize, usize),
    flags: u64,
    /// Size unpacked if compressed, in bytes.
    unpacked: u64,
}

impl<'a> Reader<'a> {
    fn malformed(&self, at: usize, what: impl Into<String>) -> Error {
        Error::Malformed {
            file: self.file.into(),
            offset: self.base + at as u64,
            what: what.into(),
        }
    }

    fn range(&self, start: usize, size: usize, what: &str) -> Result<&'a [u8], Error> {
        let end = start.checked_add(size);
        end.and_then(|end| self.bytes.get(start..end)).ok_or_else(|| {
            self.malformed(
                start,
                format!(
                    "{what} of {size} bytes goes beyond the end ({:#x} bytes in all)",
                    self.bytes.len()
                ),
            )
        })
    }

    fn number<const N: usize>(&self, at: usize) -> Result<[u8; N], Error> {
        let bytes = self.range(at, N, "a field")?;
        bytes
            .try_into()
            .map_err(|_| self.malformed(at, "a field is cut off"))
    }

    fn u16(&self, at: usize) -> Result<u16, Error> {
        self.number(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Result<u32, Error> {
        self.number(at).map(u32::from_le_bytes)
    }

    fn size32(&self, at: usize) -> Result<usize, Error> {
        Ok(self.u32(at)? as usize)
    }

    fn u64(&self, at: usize) -> Result<u64, Error> {
        self.number(at).map(u64::from_le_bytes)
    }

    fn size64(&self, at: usize) -> Result<usize, Error> {
        let size = self.u64(at)?;
        usize::try_from(size).map_err(|_| self.malformed(at, format!("impossible size {size:#x}")))
    }

    fn from(&self, start: usize, size: usize, what: &str) -> Result<Reader<'a>, Error> {
        let bytes = self.range(start, size, what)?;
        Ok(Reader {
            base: self.base + start as u64,
            bytes,
            ..*self
        })
    }

    /// Size of the container that starts here, header included, in bytes.
    fn container_size(&self) -> Result<usize, Error> {
        let magic = self.u32(0)?;
        if magic != MAGIC {
            return Err(self.malformed(
                0,
                format!("it begins with {magic:#010x} instead of {MAGIC:#010x}"),
            ));
        }
        let (version, header) = (self.u16(4)?, usize::from(self.u16(6)?));
        if version != 1 || header < CONTAINER_HEADER {
            return Err(Error::Unsupported {
                file: self.file.into(),
                offset: self.base,
                what: format!("container version {version} with a header of {header} bytes is not known"),
            });
        }
        let size = self.size64(8)?;
        size.checked_add(header)
            .ok_or_else(|| self.malformed(8, format!("impossible size {size:#x}")))
    }

    /// Parses the container that starts here.
    pub(crate) fn container(&self) -> Result<Container, Error> {
        let size = self.container_size()?;
        let within = self.from(0, size, "the container")?;
        let mut container = Container {
            file: self.file.into(),
            offset: self.base,
            module: 0,
            size,
            images: Vec::new(),
            streams: Vec::new(),
        };
        let mut at = usize::from(self.u16(6)?);
        while at < size {
            at += within.entry(at, &mut container)?;
        }
        Ok(container)
    }

    fn header(&self, at: usize) -> Result<Header, Error> {
        self.range(at, ENTRY_HEADER, "an entry header")?;
        Ok(Header {
            kind: self.u16(at)?,
            begin: self.size32(at + 0x04)?,
            padded: self.size64(at + 0x08)?,
            compressed: self.size32(at + 0x10)?,
            extension: self.size32(at + 0x14)?,
            arch: self.u32(at + 0x1c)?,
            name: (self.size32(at + 0x20)?, self.size32(at + 0x24)?),
            flags: self.u64(at + 0x28)?,
            unpacked: self.u64(at + 0x38)?,
        })
    }

    /// The image that a header at `bytes[0]` describes, and how many bytes fixed part, name and options take.
    fn image(&self, header: &Header) -> Result<(Image, usize), Error> {
        let padded = |end: usize| (end + 1).next_multiple_of(8);
        let mut end = ENTRY_HEADER;
        let (name_at, name_size) = header.name;
        let name = if name_size == 0 {
            None
        } else {
            let name = self.range(name_at, name_size, "the name of an image")?;
            end = end.max(padded(name_at + name_size));
            text(name)
        };
        let kind = match header.kind {
            KIND_PTX => Kind::Ptx,
            KIND_ELF => Kind::MachineCode,
            other => Kind::Other(other),
        };
        let mut options = None;
        if header.extension != 0 {
            let at = self.size32(header.extension)?;
            let size = self.size32(header.extension + 4)?;
            let bytes = self.range(at, size, "the extension of an image")?;
            end = end.max(padded(at + size));
            if kind == Kind::Ptx {
                options = text(bytes);
            }
        }
        let image = Image {
            kind,
            arch: header.arch,
            name,
            options,
            place: None,
            offset: self.base,
        };
        Ok((image, end))
    }

    /// Reads the entry at `at` into `container`; returns its size in bytes, never 0.
    fn entry(&self, at: usize, container: &mut Container) -> Result<usize, Error> {
        let header = self.header(at)?;
        if header.begin < ENTRY_HEADER {
            return Err(self.malformed(
                at + 4,
                format!("an entry header of {} bytes is too short", header.begin),
            ));
        }
        let entry = self.from(at, header.begin, "an entry header")?;
        let payload_at = at + header.begin;
        let payload = self.range(payload_at, header.padded, "the payload of an entry")?;
        let size = header.begin + header.padded;

        let method = match header.flags {
            flags if flags & FLAG_ZSTD != 0 => Method::Zstd,
            flags if flags & FLAG_LZ4 != 0 => Method::Lz4,
            _ => Method::None,
        };
        let unpacked = if method == Method::None {
            payload.len() as u64
        } else {
            header.unpacked
        };
        let images = match header.kind {
            KIND_SEVERAL => entry.several(&header, container.streams.len())?,
            KIND_PTX | KIND_ELF => {
                let (mut image, _) = entry.image(&header)?;
                image.place = usize::try_from(unpacked)
                    .ok()
                    .map(|size| (container.streams.len(), 0..size));
                vec![image]
            }
            // Nothing is assumed of the rest of an unknown entry's header.
            other => vec![Image {
                kind: Kind::Other(other),
                arch: header.arch,
                name: None,
                options: None,
                place: None,
                offset: entry.base,
            }],
        };
        // Machine code, which may be large, is not kept.
        if images.iter().any(|image| image.kind == Kind::Ptx) {
            let stored = match method {
                Method::None => payload,
                _ => payload.get(..header.compressed).ok_or_else(|| {
                    self.malformed(
                        at + 0x10,
                        format!(
                            "{} compressed bytes in a payload of {}",
                            header.compressed,
                            payload.len()
                        ),
                    )
                })?,
            };
            let size = unpacked;
            let offset = self.base + payload_at as u64;
            container.streams.push(Stream {
                method,
                bytes: stored.to_vec(),
                size,
                offset,
            });
        }
        container.images.extend(images);
        Ok(size)
    }

    /// The images of an entry of kind 256, whose header starts at `bytes[0]`.
    fn several(&self, header: &Header, stream: usize) -> Result<Vec<Image>, Error> {
        let table = header.extension;
        if table < ENTRY_HEADER {
            return Err(self.malformed(0x14, "an entry of several images has no list of them"));
        }
        let (count, size) = (self.u32(table)?, self.size32(table + 4)?);
        let table_end = self
            .from(0, table.saturating_add(size), "a list of images")?
            .bytes
            .len();
        let mut at = table + 8;
        let mut images = Vec::new();
        for _ in 0..count {
            let record = self.from(at, table_end.saturating_sub(at), "an image in a list")?;
            let header = record.header(0)?;
            let (mut image, record_size) = record.image(&header)?;
            let end = header.begin.checked_add(header.padded);
            let end = end.ok_or_else(|| record.malformed(8, "an image has an impossible size"))?;
            image.place = Some((stream, header.begin..end));
            images.push(image);
            at += record_size;
        }
        if at != table_end {
            return Err(self.malformed(
                table,
                format!("a list of {count} images ends at {at:#x} and not {table_end:#x}"),
            ));
        }
        Ok(images)
    }
}

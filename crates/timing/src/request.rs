//! What travels between multiprocessors and memory: one sector at a time.

use crate::address::Place;
use crate::slab::Slab;

/// A request, by its number in [`Requests`].
pub type Id = u32;

/// All requests under way.
pub type Requests = Slab<Request>;

/// What a request does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Reads a sector.
    #[default]
    Read,
    /// Writes bytes of a sector; answered by an acknowledgement.
    Write,
    /// Changes it in L2; answered as a read.
    Atomic,
    /// Modified sectors of a line that L2 has dropped. Nobody waits for it.
    WriteBack,
    /// Same, of L1.
    L1WriteBack,
    /// Reads the rest of a sector of which L2 got a part. Nobody above waits for it.
    WriteAllocate,
}

impl Kind {
    /// It carries data towards memory.
    pub fn writes(self) -> bool {
        matches!(self, Kind::Write | Kind::WriteBack | Kind::L1WriteBack)
    }
}

/// A request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// First byte of the sector.
    pub address: u64,
    /// What it does.
    pub kind: Kind,
    /// To local memory.
    pub local: bool,
    /// It does not go through L1.
    pub bypass: bool,
    /// Bytes of the sector that are meant.
    pub bytes: u32,
    /// Bytes of data.
    pub size: u32,
    /// Multiprocessor.
    pub core: u32,
    /// Its warp.
    pub warp: u8,
    /// The instruction, by its number among those in flight there; `u16::MAX` for writes, which have left.
    pub flight: u16,
    /// The instruction's number, which no other one has.
    pub uid: u64,
    /// Where it lies.
    pub place: Place,
    /// When it left the multiprocessor, core cycles.
    pub born: u64,
    /// The write for which L2 reads the rest (FetchOnWrite).
    pub original: Option<Id>,
}

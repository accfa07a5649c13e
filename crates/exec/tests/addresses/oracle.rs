//! What the kernels of `kernel.rs` do, one lane after the other: the meaning of an address, written as plainly as
//! possible and independently of the engine.

use crate::kernel::{
    Access, Action, CONST_BYTES, Form, Kernel, LANES, LOCAL_BYTES, Masking, PARAM_BYTES, ROUNDS,
    SHARED_BYTES, Space,
};
use crate::rng::Rng;

/// Where the spaces begin among generic addresses (`src/window.rs`).
const WINDOWS: [(u64, Space); 3] = [
    (0x7ff0_0000_0000_0000, Space::Param),
    (0x7ff1_0000_0000_0000, Space::Shared),
    (0x7ff2_0000_0000_0000, Space::Local),
];

/// What is wrong with an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    OutOfBounds,
    Misaligned,
    /// A write to parameters or constants.
    ReadOnly,
    /// None: the kernel reaches into its own table or output, and what it does then is not modelled.
    Unknown,
}

/// Memory from `start` on.
#[derive(Clone, Debug)]
pub struct Piece {
    pub start: u64,
    pub bytes: Vec<u8>,
    /// A constant variable.
    pub constant: bool,
}

impl Piece {
    pub fn new(start: u64, bytes: u64) -> Piece {
        Piece {
            start,
            bytes: vec![0; bytes as usize],
            constant: false,
        }
    }
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// The allocations.
#[derive(Clone, Debug)]
pub struct World {
    pub pieces: Vec<Piece>,
    /// Freed.
    pub gone: Piece,
    /// Table and output: start and end.
    pub own: [(u64, u64); 2],
    /// The kernel's parameters.
    pub params: Vec<u8>,
}

/// All memory of a launch.
pub struct Everything {
    pub world: World,
    pub out: Vec<u8>,
    shared: Vec<u8>,
    local: Vec<Vec<u8>>,
}

/// What shared memory, and the local memory of lane `plus`, hold at first.
fn pattern(bytes: u64, plus: u32) -> Vec<u8> {
    let words = (0..bytes as u32 / 4).map(|k| k.wrapping_mul(0x0103_0507).wrapping_add(plus));
    words.flat_map(u32::to_le_bytes).collect()
}

impl World {
    /// What a launch begins with.
    pub fn filled(&self, kernel: &Kernel) -> Everything {
        let mut world = self.clone();
        for (n, p) in world.pieces.iter_mut().enumerate() {
            for (k, b) in p.bytes.iter_mut().enumerate() {
                *b = (k * 11 + n) as u8;
            }
        }
        Everything {
            world,
            out: vec![0; kernel.out_bytes() as usize],
            shared: pattern(SHARED_BYTES, 0),
            local: (0..LANES as u32).map(|l| pattern(LOCAL_BYTES, l)).collect(),
        }
    }
}

/// The numbers that a launch reads.
#[derive(Clone, Debug)]
pub struct Case {
    pub threads: u32,
    pub addresses: [[u64; LANES]; ROUNDS],
    pub steps: [u64; ROUNDS],
    pub flags: [u32; ROUNDS],
}

impl Case {
    /// All lanes active, everything 0.
    pub fn quiet() -> Case {
        Case {
            threads: LANES as u32,
            addresses: [[0; LANES]; ROUNDS],
            steps: [0; ROUNDS],
            flags: [u32::MAX; ROUNDS],
        }
    }

    /// Warm rounds with an edge now and then, surely in the last one.
    pub fn random(kernel: &Kernel, world: &World, rng: &mut Rng) -> Case {
        let mut case = Case::quiet();
        if rng.chance(20) {
            case.threads = 1 + rng.below(LANES as u32);
        }
        for round in 0..ROUNDS {
            let edge = rng.chance(if round + 1 == ROUNDS { 30 } else { 2 });
            case.flags[round] = match rng.below(6) {
                0 => rng.bits() as u32,
                1 => 0xffff << rng.pick(&[0, 16]),
                2 => 1 << rng.below(32),
                3 => 0,
                _ => u32::MAX,
            };
            case.steps[round] = kernel.widest() * u64::from(rng.below(3));
            if edge {
                let far = [4u64.wrapping_neg(), 0x1000, 0x8000_0000, 1 << 32, rng.bits()];
                case.steps[round] = rng.pick(&far);
            }
            case.addresses[round] = addresses(kernel, world, rng, edge);
        }
        case
    }

    /// The bytes that the kernel reads.
    pub fn table(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for round in 0..ROUNDS {
            let flags = (0..LANES).map(|l| u64::from(self.flags[round] >> l & 1));
            let steps = [self.steps[round]; LANES];
            for word in self.addresses[round].into_iter().chain(steps).chain(flags) {
                bytes.extend_from_slice(&word.to_le_bytes());
            }
        }
        bytes
    }
}

/// Registers of a round, so that the first access goes where a pattern says.
fn addresses(kernel: &Kernel, world: &World, rng: &mut Rng, edge: bool) -> [u64; LANES] {
    let first = kernel.accesses[0];
    let size = kernel.widest();
    let space = match kernel.space {
        Space::Generic => rng.pick(&[
            Space::Global,
            Space::Global,
            Space::Shared,
            Space::Local,
            Space::Param,
        ]),
        s => s,
    };
    let window = match kernel.space {
        Space::Generic => WINDOWS.iter().find(|(_, s)| *s == space).map_or(0, |(w, _)| *w),
        _ => 0,
    };
    let piece = rng.below(world.pieces.len() as u32) as usize;
    let (low, high) = match space {
        Space::Shared => (0, SHARED_BYTES),
        Space::Local => (0, LOCAL_BYTES),
        Space::Param => (0, PARAM_BYTES),
        Space::Const => (world.pieces[0].start, world.pieces[0].start + CONST_BYTES),
        Space::Global | Space::Generic => (world.pieces[piece].start, world.pieces[piece].end()),
    };
    let (below, above) = kernel.reach();
    let warm_low = low + below.next_multiple_of(size);
    let room = (high.saturating_sub(warm_low + above) / size).max(1);
    let inside = |rng: &mut Rng| warm_low + size * (rng.bits() % room);
    let ends = [
        low,
        high,
        world.gone.start,
        0,
        1 << 32,
        1 << 31,
        0,
        1 << 47,
        1 << 63,
    ];
    let near = |rng: &mut Rng| {
        let by = u64::from(rng.below(40)) * size;
        let end = rng.pick(&ends);
        if rng.chance(50) {
            end.wrapping_sub(by)
        } else {
            end.wrapping_add(by)
        }
    };
    let start = if edge { near(rng) } else { inside(rng) };
    let at = |k: u64| {
        if edge {
            start.wrapping_add(k * size)
        } else {
            warm_low + (start - warm_low + k * size) % (room * size)
        }
    };
    let backwards = |k: u64| {
        if edge {
            start.wrapping_sub(k * size)
        } else {
            at(k ^ 31)
        }
    };
    let half = rng.chance(50);
    let pattern = rng.below(8);
    let mut a: [u64; LANES] = std::array::from_fn(|l| {
        let k = l as u64;
        match pattern {
            0 => at(k),
            1 => at(0),
            2 => at(k ^ 1),
            3 => at(k * 5 % 32),
            4 if edge && (l < LANES / 2) == half => backwards(k % 16),
            4 if edge => warm_low,
            4 => at(k / 4),
            5 => backwards(k),
            6 => inside(rng),
            _ => at(k % 7 * 3),
        }
    });
    if edge && rng.chance(40) {
        a = std::array::from_fn(|_| inside(rng));
        for _ in 0..1 + rng.below(3) {
            a[rng.below(LANES as u32) as usize] = near(rng);
        }
    }
    if edge && rng.chance(20) {
        let by = u64::from(1 + rng.below(8));
        let l = rng.below(LANES as u32) as usize;
        a[l] = a[l].wrapping_add(by);
    }
    a.map(|a| {
        let a = a.wrapping_sub(first.offset as u64).wrapping_add(window);
        // A 32-bit register; and now and then bits that a 32-bit space does not have.
        match (kernel.wide, kernel.space) {
            (false, _) => a & 0xffff_ffff,
            (true, Space::Shared | Space::Local | Space::Param) if a >> 63 == 0 => a,
            (true, Space::Shared | Space::Local | Space::Param) => a & 0xffff_ffff,
            _ => a,
        }
    })
}

/// The address register of a lane.
fn register(kernel: &Kernel, case: &Case, round: usize, step: usize, lane: usize) -> u64 {
    let of = &case.addresses[round];
    let moved = |s: i64| of[0].wrapping_add((s * lane as i64) as u64);
    let value = match kernel.form {
        Form::Vector => of[lane],
        Form::Moved => of[lane].wrapping_add(case.steps[round].wrapping_mul(step as u64)),
        Form::Uniform => of[0],
        Form::Affine(s) => moved(s),
        Form::Widened(s) => moved(s) & 0xffff_ffff,
    };
    if kernel.wide { value } else { value & 0xffff_ffff }
}

/// Runs the kernel; the fault that ends it, and the thread.
pub fn run(kernel: &Kernel, case: &Case, all: &mut Everything) -> Option<(Fault, u32)> {
    let live = (0..case.threads as usize).collect::<Vec<_>>();
    let mut n = 0;
    for round in 0..ROUNDS {
        let on = |l: usize| kernel.masking == Masking::None || case.flags[round] >> l & 1 != 0;
        for step in 0..kernel.steps() {
            for access in &kernel.accesses {
                let at = |l: usize| {
                    let a = register(kernel, case, round, step, l).wrapping_add(access.offset as u64);
                    match kernel.space {
                        Space::Shared | Space::Local | Space::Param => a & 0xffff_ffff,
                        _ => a,
                    }
                };
                for l in live.iter().copied().filter(|l| on(*l)) {
                    if let Some(fault) = all.judge(kernel.space, at(l), access) {
                        return Some((fault, l as u32));
                    }
                }
                for l in live.iter().copied() {
                    let mut values: Vec<u64> = (0..access.count).map(|k| 3 * l as u64 + 7 + k).collect();
                    if on(l) {
                        all.apply(kernel.space, at(l), l, access, &mut values);
                    }
                    // Behind a branch nothing is noted by those who went around.
                    if on(l) || kernel.masking != Masking::Branch {
                        for (k, v) in values.iter().enumerate() {
                            let to = (n * LANES + l) * 32 + k * access.bytes as usize;
                            let b = access.bytes as usize;
                            all.out[to..to + b].copy_from_slice(&v.to_le_bytes()[..b]);
                        }
                    }
                }
                n += 1;
            }
        }
    }
    let at = kernel.copies_at() as usize;
    let shared = all.shared.clone();
    all.out[at..at + shared.len()].copy_from_slice(&shared);
    for l in live {
        let to = at + shared.len() + l * LOCAL_BYTES as usize;
        let local = all.local[l].clone();
        all.out[to..to + local.len()].copy_from_slice(&local);
    }
    None
}

/// The space and the address in it of a generic address.
fn place(space: Space, address: u64) -> (Space, u64) {
    if space == Space::Generic {
        for (start, space) in WINDOWS {
            if address >> 32 == start >> 32 {
                return (space, address & 0xffff_ffff);
            }
        }
    }
    (space, address)
}

impl Everything {
    fn judge(&self, space: Space, address: u64, access: &Access) -> Option<Fault> {
        let (space, address) = place(space, address);
        let size = access.size();
        let end = u128::from(address) + u128::from(size);
        let piece = self
            .world
            .pieces
            .iter()
            .find(|p| p.start <= address && end <= u128::from(p.end()));
        let (allowed, constant) = match space {
            Space::Shared => (end <= u128::from(SHARED_BYTES), false),
            Space::Local => (end <= u128::from(LOCAL_BYTES), false),
            Space::Param => (end <= u128::from(PARAM_BYTES), true),
            Space::Global | Space::Const | Space::Generic => {
                (piece.is_some(), piece.is_some_and(|p| p.constant))
            }
        };
        let global = matches!(space, Space::Global | Space::Const | Space::Generic);
        let own = self
            .world
            .own
            .iter()
            .any(|(start, end)| (*start..*end).contains(&address));
        match () {
            () if global && own => Some(Fault::Unknown),
            () if !allowed => Some(Fault::OutOfBounds),
            () if constant && access.action != Action::Load => Some(Fault::ReadOnly),
            () if address % size != 0 => Some(Fault::Misaligned),
            () => None,
        }
    }

    /// The bytes at an address that was judged.
    fn bytes(&mut self, space: Space, address: u64, lane: usize, size: u64) -> &mut [u8] {
        let (space, address) = place(space, address);
        let cut = |bytes, at: u64| &mut Vec::as_mut_slice(bytes)[at as usize..(at + size) as usize];
        match space {
            Space::Shared => cut(&mut self.shared, address),
            Space::Local => cut(&mut self.local[lane], address),
            Space::Param => cut(&mut self.world.params, address),
            _ => {
                let p = self
                    .world
                    .pieces
                    .iter_mut()
                    .find(|p| p.start <= address && address < p.end());
                let p = p.expect("an address that was judged");
                cut(&mut p.bytes, address - p.start)
            }
        }
    }

    /// Does it; `values` are stored, or become what is loaded.
    fn apply(&mut self, space: Space, address: u64, lane: usize, access: &Access, values: &mut [u64]) {
        let b = access.bytes as usize;
        let bytes = self.bytes(space, address, lane, access.size());
        for (v, at) in values.iter_mut().zip(bytes.chunks_mut(b)) {
            let mut old = [0; 8];
            old[..b].copy_from_slice(at);
            let old = u64::from_le_bytes(old);
            match access.action {
                Action::Load => *v = old,
                Action::Store => at.copy_from_slice(&v.to_le_bytes()[..b]),
                Action::Add => {
                    at.copy_from_slice(&old.wrapping_add(*v).to_le_bytes()[..b]);
                    *v = old;
                }
            }
        }
    }
}

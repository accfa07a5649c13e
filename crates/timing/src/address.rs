//! Where an address lies: channel, slice, bank, row, column.

use crate::Error;
use crate::hash::SetIndex;
use crate::reader::Reader;

/// How addresses spread over slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// As the map says.
    Plain,
    /// The channel is mixed with higher bits.
    Xor,
    /// The slice is hashed. With a number of slices that is no power of two, the hash is reduced by division, so that the
    /// first slices get more than their share (as in GPGPU-Sim).
    Ipoly,
}

/// Where something lies in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// L2 slice, counted through all channels.
    pub slice: u32,
    /// Bank as the map says, before the channel's own indexing.
    pub bank: u32,
    /// Row.
    pub row: u32,
}

/// Which bits of an address mean what.
#[derive(Clone, Debug)]
pub struct AddressMap {
    channels: u64,
    slices: u64,
    indexing: Indexing,
    /// Lowest bit of the channel; none if `chip` says which bits.
    chip_at: u32,
    chip: u64,
    bank: u64,
    row: u64,
    /// The number of channels is no power of two: the channel is a remainder.
    gap: bool,
    /// Address bits that choose the slice of a channel.
    slice_bits: u64,
}

/// The bits of `value` under `mask`, moved together.
fn pack(mask: u64, value: u64) -> u64 {
    let (mut mask, mut result, mut at) = (mask, 0, 0);
    while mask != 0 {
        let bit = mask.trailing_zeros();
        result |= (value >> bit & 1) << at;
        at += 1;
        mask &= mask - 1;
    }
    result
}

const MAPPING: &str = "-gpgpu_mem_addr_mapping";

/// Masks of `-gpgpu_mem_address_mask`: number, lowest bit of the channel, bank, row.
const FIXED: [(u64, u32, u64, u64); 11] = [
    (0, 10, 0x300, 0x7ff_e000),
    (1, 13, 0x1800, 0x7ff_e000),
    (2, 11, 0x1800, 0x7ff_e000),
    (3, 11, 0x1800, 0xfff_e000),
    (5, 5, 0x1800, 0x7ff_e000),
    (6, 6, 0x1800, 0x7ff_e000),
    (14, 14, 0x1800, 0x7ff_e000),
    (15, 15, 0x1800, 0x7ff_e000),
    (16, 16, 0x1800, 0x7ff_e000),
    (106, 6, 0x1800, 0x7ff_e000),
    (160, 6, 0x300, 0x7ff_e000),
];

impl AddressMap {
    /// What the options say.
    ///
    /// # Errors
    /// A map that cannot be read, or does not fit the number of channels.
    pub(crate) fn read(
        r: &Reader,
        channels: u32,
        slices: u32,
        indexing: Indexing,
    ) -> Result<AddressMap, Error> {
        let text = r.0.get(MAPPING);
        let (chip_at, mut chip, mut bank, mut row) = if text.is_empty() {
            const MASK: &str = "-gpgpu_mem_address_mask";
            let n = r.0.count(MASK);
            let Some(&(_, at, bank, row)) = FIXED.iter().find(|f| f.0 == n) else {
                return r.refuse(MASK, "0, 1, 2, 3, 5, 6, 14, 15, 16, 106 and 160 are known");
            };
            (Some(at), 0, bank, row)
        } else {
            parse(r, text)?
        };
        let gap = !channels.is_power_of_two();
        match chip_at {
            None if gap => {
                return r.refuse(
                    MAPPING,
                    format!("{channels} channels are no power of two: the map needs dramid@N"),
                );
            }
            None if chip.count_ones() != channels.trailing_zeros() => {
                return r.refuse(
                    MAPPING,
                    format!("it has {} D for {channels} channels", chip.count_ones()),
                );
            }
            Some(at) if !gap => {
                let (low, bits) = ((1u64 << at) - 1, channels.trailing_zeros());
                let open = |mask: u64| (mask & !low) << bits | mask & low;
                (bank, row) = (open(bank), open(row));
                chip = ((1u64 << bits) - 1) << at;
            }
            _ => {}
        }
        if u64::from(slices) > 1 << bank.count_ones() {
            return r.refuse(
                MAPPING,
                format!("too few bank bits (B) for {slices} slices of a channel"),
            );
        }
        // The lowest bank bits choose the slice of a channel.
        let mut slice_bits = 0;
        let mut left = bank;
        for _ in 0..slices.trailing_zeros() {
            slice_bits |= left & left.wrapping_neg();
            left &= left.wrapping_sub(1);
        }
        Ok(AddressMap {
            channels: channels.into(),
            slices: slices.into(),
            indexing,
            chip_at: chip_at.unwrap_or(0),
            chip,
            bank,
            row,
            gap,
            slice_bits,
        })
    }

    /// Where `address` lies.
    pub fn place(&self, address: u64) -> Place {
        let above = address >> self.chip_at;
        let (chip, rest, higher) = if self.gap {
            let rest = ((above / self.channels) << self.chip_at) | (address & ((1 << self.chip_at) - 1));
            (above % self.channels, rest, above / self.channels)
        } else {
            let taken = self.channels.trailing_zeros() + self.slices.trailing_zeros();
            (pack(self.chip, address), address, above >> taken)
        };
        let bank = pack(self.bank, rest);
        let plain = |chip: u64| chip * self.slices + (bank & (self.slices - 1));
        let all = self.channels * self.slices;
        let slice = match self.indexing {
            Indexing::Plain => plain(chip),
            Indexing::Xor => plain(u64::from(SetIndex::Xor.of(
                higher,
                chip as u32,
                self.channels as u32,
            ))),
            Indexing::Ipoly => {
                let places = self.channels.next_power_of_two() * self.slices;
                u64::from(SetIndex::Ipoly.of(higher, plain(chip) as u32, places as u32)) % all
            }
        };
        Place {
            slice: slice as u32,
            bank: bank as u32,
            row: pack(self.row, rest) as u32,
        }
    }

    /// The address without the bits that choose channel and slice: what a slice's sets are chosen by.
    pub fn within(&self, address: u64) -> u64 {
        if !self.gap {
            return pack(!(self.chip | self.slice_bits), address);
        }
        let low = (1 << self.chip_at) - 1;
        let rest = (((address >> self.chip_at) / self.channels) << self.chip_at) | (address & low);
        pack(!self.slice_bits, rest)
    }
}

/// `dramid@N;` and 64 letters: lowest bit of the channel, then the masks of D, B, R.
fn parse(r: &Reader, text: &str) -> Result<(Option<u32>, u64, u64, u64), Error> {
    let (start, map) = match text.split_once(';') {
        Some((start, map)) => (start, map),
        None => ("", text),
    };
    let chip_at = match start.strip_prefix("dramid@") {
        Some(n) => match n.trim().parse::<u32>() {
            Ok(n) if n < 48 => Some(n),
            _ => return r.refuse(MAPPING, "dramid@N needs a bit from 0 to 47"),
        },
        None if start.is_empty() => None,
        None => return r.refuse(MAPPING, "`dramid@N;` or nothing may stand before the map"),
    };
    let (mut chip, mut bank, mut row, mut at) = (0u64, 0u64, 0u64, 64u32);
    for c in map.chars().filter(|c| !matches!(c, '.' | '|' | ' ')) {
        if at == 0 {
            return r.refuse(MAPPING, "the map has more than 64 letters");
        }
        at -= 1;
        match c.to_ascii_uppercase() {
            'D' if chip_at.is_none() => chip |= 1 << at,
            'D' => return r.refuse(MAPPING, "dramid@N and D exclude each other"),
            'B' => bank |= 1 << at,
            'R' => row |= 1 << at,
            'C' | 'S' | '0' => {}
            _ => return r.refuse(MAPPING, format!("`{c}` is none of D, B, R, C, S, 0")),
        }
    }
    if at != 0 {
        return r.refuse(MAPPING, format!("the map has {} letters; 64 are needed", 64 - at));
    }
    Ok((chip_at, chip, bank, row))
}

//! One direction of the network: a crossbar with queues at inputs and outputs. A packet is one unit, whatever its size. Each
//! output takes at most one packet in a cycle; an input may give to several, its queue moving up in between (as in GPGPU-Sim).

use crate::request::Id;
use std::collections::VecDeque;

/// One direction of the network.
#[derive(Clone, Debug)]
pub struct Crossbar {
    inputs: Vec<VecDeque<(Id, u32)>>,
    outputs: Vec<VecDeque<Id>>,
    /// By output: inputs whose first packet is for it.
    wanted: Vec<Bits>,
    /// Outputs that somebody wants.
    active: Bits,
    /// By output: the input that comes first.
    turn: Vec<u32>,
    /// Simple turns: the input that comes first.
    first: u32,
    islip: bool,
    grants: u32,
    left: u32,
    room_in: usize,
    room_out: usize,
    /// Where nodes of this side begin in GPGPU-Sim's numbers, and how many nodes there are: pointers go around all of them.
    input_base: u32,
    nodes: u32,
    /// Packets inside.
    packets: usize,
    /// Packets at outputs.
    arrived: usize,
}

/// A set of small numbers.
#[derive(Clone, Debug, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// An empty set of numbers below `n`.
    pub fn new(n: u32) -> Bits {
        Bits(vec![0; n.div_ceil(64) as usize])
    }
    /// Puts `i` in.
    pub fn set(&mut self, i: u32) {
        self.0[(i / 64) as usize] |= 1 << (i % 64);
    }
    /// Takes `i` out.
    pub fn clear(&mut self, i: u32) {
        self.0[(i / 64) as usize] &= !(1 << (i % 64));
    }
    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }
    /// The first one from `i` on.
    pub fn next(&self, i: u32) -> Option<u32> {
        let mut word = (i / 64) as usize;
        let mut bits = *self.0.get(word)? & (u64::MAX << (i % 64));
        loop {
            if bits != 0 {
                return Some(word as u32 * 64 + bits.trailing_zeros());
            }
            word += 1;
            bits = *self.0.get(word)?;
        }
    }
    /// The first one from `i` on, going around.
    pub fn around(&self, i: u32) -> Option<u32> {
        self.next(i).or_else(|| self.next(0))
    }
}

impl Crossbar {
    /// From `inputs` to `outputs` nodes. `requests`: inputs are clusters, whose numbers come before those of slices.
    pub fn new(inputs: u32, outputs: u32, requests: bool, spec: &crate::config::MemorySpec) -> Crossbar {
        Crossbar {
            inputs: vec![VecDeque::new(); inputs as usize],
            outputs: vec![VecDeque::new(); outputs as usize],
            wanted: vec![Bits::new(inputs); outputs as usize],
            active: Bits::new(outputs),
            turn: vec![0; outputs as usize],
            first: 0,
            islip: spec.islip,
            grants: spec.grants,
            left: spec.grants,
            room_in: spec.network_in,
            room_out: spec.network_out,
            input_base: if requests { 0 } else { outputs },
            nodes: inputs + outputs,
            packets: 0,
            arrived: 0,
        }
    }

    /// Whether an input takes a packet.
    pub fn has_room(&self, input: u32) -> bool {
        self.inputs[input as usize].len() < self.room_in
    }

    /// Takes a packet.
    pub fn push(&mut self, input: u32, output: u32, id: Id) {
        let queue = &mut self.inputs[input as usize];
        queue.push_back((id, output));
        self.packets += 1;
        if queue.len() == 1 {
            self.want(input, output);
        }
    }

    fn want(&mut self, input: u32, output: u32) {
        self.wanted[output as usize].set(input);
        self.active.set(output);
    }

    /// The packet that an output gives next.
    pub fn peek(&self, output: u32) -> Option<Id> {
        self.outputs[output as usize].front().copied()
    }

    /// Takes it.
    pub fn pop(&mut self, output: u32) -> Option<Id> {
        let id = self.outputs[output as usize].pop_front()?;
        self.packets -= 1;
        self.arrived -= 1;
        Some(id)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// Whether no output has a packet.
    pub fn none_arrived(&self) -> bool {
        self.arrived == 0
    }

    /// The input that a pointer (a node) means first; inputs are a range of the nodes.
    fn input_from(&self, pointer: u32) -> u32 {
        let inputs = self.inputs.len() as u32;
        match pointer.checked_sub(self.input_base) {
            Some(i) if i < inputs => i,
            _ => 0,
        }
    }

    /// Moves the first packet of `input` to `output`.
    fn transfer(&mut self, input: u32, output: u32) {
        let Some((id, _)) = self.inputs[input as usize].pop_front() else {
            return;
        };
        self.outputs[output as usize].push_back(id);
        self.arrived += 1;
        let wanted = &mut self.wanted[output as usize];
        wanted.clear(input);
        if wanted.is_empty() {
            self.active.clear(output);
        }
        if let Some(&(_, next)) = self.inputs[input as usize].front() {
            self.want(input, next);
        }
    }

    fn has_room_out(&self, output: u32) -> bool {
        self.outputs[output as usize].len() < self.room_out
    }

    /// One cycle.
    pub fn advance(&mut self) {
        match self.islip {
            true => self.advance_islip(),
            false => self.advance_turns(),
        }
    }

    fn advance_islip(&mut self) {
        if self.active.is_empty() {
            return;
        }
        let mut output = 0;
        while let Some(o) = self.active.next(output) {
            output = o + 1;
            if !self.has_room_out(o) {
                continue;
            }
            let from = self.input_from(self.turn[o as usize]);
            let Some(input) = self.wanted[o as usize].around(from) else {
                continue;
            };
            self.transfer(input, o);
            if self.left == 1 {
                self.turn[o as usize] = (self.input_base + input + 1) % self.nodes;
            }
        }
        self.left = if self.left == 1 {
            self.grants
        } else {
            self.left - 1
        };
    }

    fn advance_turns(&mut self) {
        let from = self.input_from(self.first);
        let inputs = self.inputs.len() as u32;
        let mut given = Bits::new(self.outputs.len() as u32);
        for k in 0..inputs {
            let input = (from + k) % inputs;
            let Some(&(_, o)) = self.inputs[input as usize].front() else {
                continue;
            };
            if self.has_room_out(o) && given.next(o) != Some(o) {
                given.set(o);
                self.transfer(input, o);
            }
        }
        self.first = (self.first + 1) % self.nodes;
    }

    /// Cycles in which nothing could move have passed.
    pub fn skip(&mut self, cycles: u64) {
        self.first = ((u64::from(self.first) + cycles) % u64::from(self.nodes)) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_found_in_order_and_around() {
        let mut b = Bits::new(130);
        assert!(b.is_empty());
        [3, 64, 129].into_iter().for_each(|i| b.set(i));
        assert_eq!(
            (b.next(0), b.next(4), b.next(65), b.next(130)),
            (Some(3), Some(64), Some(129), None)
        );
        assert_eq!(b.around(130), Some(3));
        b.clear(3);
        assert_eq!(b.around(130), Some(64));
    }
}
